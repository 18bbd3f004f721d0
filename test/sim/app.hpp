#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "stack/application.hpp"
#include "stack/stack.hpp"
#include "stream.hpp"
#include "timer/wheel.hpp"
#include "verdict.hpp"

namespace terminus::simulation {

/// How one end of a connection behaves.
struct Behaviour {
    enum class End : std::uint8_t {
        WhenSent,          ///< FIN behind the last byte
        WhenPeerFinished,  ///< FIN when theirs has come and everything is sent
        Abandon,           ///< close() when everything is sent, whatever comes then
        Abort,             ///< RST when `abort_after` bytes have come, or everything is sent
    };
    std::uint32_t send_bytes = 0;
    std::uint32_t send_after = 0;  ///< bytes that must have come before
    std::uint32_t write_max = UINT32_MAX;
    base::Duration write_pause{};
    std::uint32_t read_max = UINT32_MAX;
    base::Duration read_pause{};
    std::uint32_t hold_at = UINT32_MAX;  ///< stops reading when so many bytes have come …
    base::Duration hold_for{};           ///< … for so long, once
    End end = End::WhenSent;
    std::uint32_t abort_after = 0;
};

/// One end of a connection and what became of it.
struct Flow {
    Behaviour behaviour;
    std::uint64_t sends = 0;     ///< the pattern of its own stream
    std::uint64_t receives = 0;  ///< that of its peer's; 0: the stream's first bytes will tell
    /// Of a hostile peer: what it sends in place of some of those bytes, and which byte it is follows from
    /// its sequence number, because a peer that begins anew at any number has no other place. 0: of no such
    /// peer.
    std::uint64_t receives_instead = 0;
    std::uint64_t heard_name = 0;  ///< of the first bytes of a stream that nobody told of
    stack::ConnectionId id;
    std::uint32_t sent = 0;
    std::uint32_t received = 0;
    base::Instant write_at{};
    base::Instant read_at{};
    timer::TimerId timer = timer::kNoTimer;
    base::Instant timer_at = base::kNever;
    bool has_held = false;
    bool is_established = false;
    bool has_ended = false;
    bool peer_finished = false;
    bool is_ghost = false;  ///< of a SYN or a cookie that outlived its connection
    std::optional<stats::CloseReason> closed;
};

/// Programs that send and verify streams, by a plan.
class App {
 public:
    using Stack = stack::Stack<App>;

    explicit App(Verdict& verdict) : verdict_(verdict) {}

    /// The first connection to this port becomes such a flow, others are aborted; the service's number is
    /// their place.
    void listen(std::uint16_t port, const Flow& flow) { listeners_.push_back({port, flow, {}}); }
    /// All connections to this port become such flows, the n-th with the n-th number after flow.sends for its
    /// own stream.
    void serve(std::uint16_t port, const Flow& flow) { listeners_.push_back({port, flow, {}, true}); }
    /// False when the stack has no room for it.
    bool connect(Stack& stack, const stack::ConnectRequest& request, const Flow& flow);

    [[nodiscard]] std::deque<Flow>& flows() { return flows_; }
    [[nodiscard]] const std::deque<Flow>& flows() const { return flows_; }
    /// The flow that a listener's first connection became.
    [[nodiscard]] const Flow* accepted_by(std::uint16_t port) const;
    /// Bytes of all its flows.
    [[nodiscard]] std::uint64_t received() const { return received_; }
    /// Armed timers.
    [[nodiscard]] std::uint32_t timers() const { return timers_; }

    // ---- stack::Application

    [[nodiscard]] std::optional<std::uint16_t> find_listener(const wire::Endpoint& local) const;
    [[nodiscard]] static bool may_accept(std::uint16_t) { return true; }
    [[nodiscard]] stack::ProfileId profile_of(std::uint16_t) const { return stack::kProcessProfile; }
    void accepted(Stack& stack, stack::ConnectionId id, std::uint16_t service, const wire::FourTuple& tuple);
    void happened(Stack& stack, stack::ConnectionId id, stack::Cookie cookie, tcp::Events events);
    void closed(Stack& stack, stack::ConnectionId id, stack::Cookie cookie, stats::CloseReason reason);
    void timer_expired(Stack& stack, stack::Cookie cookie);

 private:
    struct Listener {
        std::uint16_t port;
        Flow flow;
        std::optional<stack::Cookie> accepted;
        bool serves_all = false;
    };
    void act(Stack& stack, stack::Cookie cookie);
    void verify(Flow& flow, base::Bytes bytes);
    void verify_either(Flow& flow, wire::SeqNum first, base::Bytes bytes);
    void read(Stack& stack, stack::Cookie cookie, tcp::Connection& connection);
    void write(Stack& stack, stack::Cookie cookie, tcp::Connection& connection);
    void end(Stack& stack, Flow& flow, tcp::Connection& connection);
    void wake(Stack& stack, stack::Cookie cookie, base::Instant at);

    Verdict& verdict_;
    std::vector<Listener> listeners_;
    std::deque<Flow> flows_;  // by cookie
    std::uint64_t received_ = 0;
    std::uint32_t timers_ = 0;
};

}  // namespace terminus::simulation

namespace terminus::stack {
extern template class Stack<simulation::App>;  // app.cpp
}
