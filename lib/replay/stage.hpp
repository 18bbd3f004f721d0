#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "packet/slice.hpp"
#include "replay/backend_host.hpp"
#include "replay/cast.hpp"
#include "wire/address.hpp"

namespace terminus::replay {

/// Asked which client's connection is behind one of Terminus's to a backend.
class Sessions {
 public:
    virtual ~Sessions() = default;
    /// Both as Terminus sees them.
    [[nodiscard]] virtual std::optional<wire::FourTuple> client_behind(
        const wire::FourTuple& backend_leg) const = 0;
};

/// What is around Terminus when captures of other servers are played: the recorded clients, the backends,
/// and the links to them, on which everybody is there who is asked for. It has no time of its own.
///
///     recorded clients ── ClientPlayer ─┐
///                                       ├─ ports of Terminus
///     recorded servers ── BackendHost ──┘
class Stage {
 public:
    struct Settings {
        CastSettings cast;
        BackendHost::Settings backends;
    };
    struct Counters {
        std::uint64_t to_nobody = 0;   ///< packets of Terminus's for none of those that are played
        std::uint64_t refused = 0;     ///< connections to backends, as recorded
        std::uint64_t unanswered = 0;  ///< SYNs to backends, as recorded
        std::uint64_t lost = 0;        ///< frames for backends that found no buffer
    };

    Stage(const Settings& settings, std::vector<CastPort> ports);
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    // ---- Terminus's ports, during its turn

    /// A frame that Terminus sent on `port`.
    void sent(const packet::Buffer& frame, std::uint16_t port, base::Instant now);
    /// The next frame that `port` receives by `now`; stays until the next call.
    [[nodiscard]] std::optional<base::Bytes> receive(std::uint16_t port, base::Instant now);

    // ---- between its turns

    /// The backends' turn.
    void turn(base::Instant now, const Sessions& sessions);
    /// When Terminus has something to receive, if nobody does anything before.
    [[nodiscard]] base::Instant next_frame_at() const;
    /// When the backends have something to do, with nothing arriving.
    [[nodiscard]] base::Instant next_turn_at() const;
    /// When the next of what is known to come comes: a frame, or something of a recorded server's; kNever
    /// when only timers go on.
    [[nodiscard]] base::Instant next_known_at() const;
    /// The run is over.
    void finish();

    [[nodiscard]] const Cast& cast() const { return cast_; }
    [[nodiscard]] const PlayedBackends& backends() const { return host_.app(); }
    [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
    /// The conversations of one client's address and port with one service, which are played one after the
    /// other.
    struct Line {
        std::vector<std::size_t> conversations;
        std::size_t now = 0;
    };
    using Ends = std::pair<wire::Endpoint, wire::Endpoint>;  // client, service
    struct ForBackends {
        std::vector<std::uint8_t> frame;
        std::uint16_t port;
    };

    void sent_tcp(std::vector<std::uint8_t> frame, const wire::Frame& header, std::uint16_t port,
                  base::Instant now);
    void to_backends(const ForBackends& sent, const Sessions& sessions);
    /// Whether the SYN goes to the host: recorded servers may have refused it, or said nothing.
    [[nodiscard]] bool announces(const wire::FourTuple& tuple, const wire::TcpSegment& syn,
                                 const Sessions& sessions);
    void from_backends(base::Instant now);
    [[nodiscard]] PlayedConversation* playing(const wire::Endpoint& client, const wire::Endpoint& service);
    void schedule(std::size_t conversation, base::Instant now);

    std::vector<CastPort> ports_;
    Cast cast_;
    BackendHost host_;
    std::vector<wire::Endpoint> backends_;  // sorted
    std::map<Ends, Line> lines_;
    std::vector<std::set<std::pair<base::Instant, std::size_t>>> due_;  // by port
    std::vector<base::Instant> due_at_;                                 // by conversation
    std::vector<std::deque<std::vector<std::uint8_t>>> arriving_;       // by port
    base::Instant arriving_at_ = base::kNever;                          // the first of them
    std::vector<ForBackends> for_backends_;
    std::map<wire::IpAddress, std::uint16_t> reached_by_;  // Terminus's source addresses: their ports
    std::vector<std::uint8_t> given_;                      // what receive() gave
    Counters counters_;
};

}  // namespace terminus::replay
