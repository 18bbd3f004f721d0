#pragma once

#include <cstdint>
#include <optional>

#include "base/time.hpp"
#include "proxy/balancer.hpp"
#include "proxy/service_table.hpp"
#include "stack/connection_id.hpp"
#include "stats/core_stats.hpp"
#include "stats/reasons.hpp"
#include "timer/wheel.hpp"

namespace terminus::proxy {

/// What bounds a session of a service; 0 = nothing does.
struct Timeouts {
    base::Duration idle{};
    base::Duration half_close{};
};

/// What the end of one leg means for the session.
enum class AfterClose : std::uint8_t {
    Retry,         ///< another backend, if there is one
    AbandonOther,  ///< the other leg delivers what it has, and nobody takes its data any more
    ResetOther,    ///< a RST is a RST
    EndSession,    ///< the other leg went before
};

[[nodiscard]] constexpr stats::Leg other(stats::Leg leg) {
    return leg == stats::Leg::Client ? stats::Leg::Backend : stats::Leg::Client;
}

/// The pairing of a client's connection with a backend's: which legs there are, which direction has ended,
/// what the end of one leg means for the other, and when the pair has been idle for too long. It makes no
/// calls.
///
///     accepted --> Connecting --(backend established)--> Spliced --(both legs closed)--> gone
///                   |      ^                               |  finished(Client): the client's FIN was passed
///                   on
///                   +------+ refused, unreachable, silent  |  finished(Backend): the backend's was
class Session {
 public:
    /// A backend that the session was connected to, and what its source port was taken from.
    struct Attempt {
        BackendId backend = 0;
        std::uint16_t source_id = 0;  ///< local id
        std::uint16_t port = 0;       ///< of the device: its source ports
    };

    Session(stack::ConnectionId client, ServiceId service, PoolId pool)
        : client_(client), service_(service), pool_(pool) {}

    // ---- what happens

    /// An attempt is under way, until `deadline`.
    void connecting(stack::ConnectionId backend, const Attempt& attempt, base::Instant deadline);
    /// The backend's handshake completed.
    void established(base::Instant now);
    /// A byte or a FIN arrived, or was acknowledged.
    void active(base::Instant now) { since_ = now; }
    /// The FIN of `from` was passed on, after all its bytes.
    void finished(stats::Leg from) { finished_ = static_cast<std::uint8_t>(finished_ | bit(from)); }
    /// A leg's last call.
    [[nodiscard]] AfterClose closed(stats::Leg leg, stats::CloseReason reason);

    // ---- what it is

    [[nodiscard]] stack::ConnectionId id(stats::Leg leg) const {
        return leg == stats::Leg::Client ? client_ : backend_;
    }
    [[nodiscard]] stats::Leg leg_of(stack::ConnectionId id) const;
    /// The other leg's.
    [[nodiscard]] stack::ConnectionId beside(stack::ConnectionId id) const {
        return id == client_ ? backend_ : client_;
    }
    [[nodiscard]] bool is_spliced() const { return is_spliced_; }
    [[nodiscard]] bool has_finished(stats::Leg from) const { return (finished_ & bit(from)) != 0; }
    [[nodiscard]] bool is_half_closed() const { return finished_ != 0; }
    [[nodiscard]] ServiceId service() const { return service_; }
    [[nodiscard]] PoolId pool() const { return pool_; }
    [[nodiscard]] const Attempt& attempt() const { return attempt_; }
    /// Attempts so far.
    [[nodiscard]] std::uint32_t attempts() const { return attempts_; }
    TriedBackends& tried() { return tried_; }

    // ---- its timer

    /// When the session is overdue unless something happens before; base::kNever when nothing bounds it.
    [[nodiscard]] base::Instant deadline(const Timeouts& timeouts) const;
    /// Why it is overdue, if it is: SynTimeout for an attempt, IdleTimeout or HalfCloseTimeout for the pair.
    [[nodiscard]] std::optional<stats::CloseReason> overdue(base::Instant now,
                                                            const Timeouts& timeouts) const;

    /// The stack's timer, and the deadline that it was armed with: a later one is not told to the wheel.
    timer::TimerId timer = timer::kNoTimer;
    base::Instant timer_deadline = base::kNever;

 private:
    static constexpr std::uint8_t bit(stats::Leg leg) {
        return static_cast<std::uint8_t>(1u << static_cast<unsigned>(leg));
    }

    stack::ConnectionId client_;
    stack::ConnectionId backend_;
    base::Instant since_{};  // Connecting: the attempt's deadline. Spliced: when something last happened.
    TriedBackends tried_;
    ServiceId service_;
    PoolId pool_;
    Attempt attempt_;
    std::uint8_t attempts_ = 0;
    std::uint8_t finished_ = 0;  // a bit for each leg
    bool is_spliced_ = false;
};
static_assert(sizeof(Session) <= 64, "a session is one cache line beside its two connections");

}  // namespace terminus::proxy
