#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "capture/recorded_conversations.hpp"
#include "packet/byte_queue.hpp"
#include "replay/stream_check.hpp"
#include "stack/application.hpp"
#include "stack/stack.hpp"
#include "wire/address.hpp"

namespace terminus::replay {

/// The server's part in one recorded conversation, and how far it came.
struct ServerPart {
    explicit ServerPart(const capture::RecordedConversation& conversation)
        : recorded(&conversation), request(conversation.request) {}

    const capture::RecordedConversation* recorded;
    StreamCheck request;
    std::uint64_t given = 0;  ///< bytes of the response that TCP has taken
    bool is_connected = false;
    std::optional<stats::CloseReason> closed;
};

/// The application of the backends: each connection plays the recorded server of the conversation that it was
/// announced to belong to. A connection that was not is accepted and closed in order.
class PlayedBackends {
 public:
    using Stack = stack::Stack<PlayedBackends>;

    /// The services of the host, by number.
    explicit PlayedBackends(std::vector<wire::Endpoint> listen) : listen_(std::move(listen)) {}

    /// The next connection of this name (`remote` opens it) plays `part`, which outlives it.
    void announce(const wire::FourTuple& tuple, ServerPart& part) { announced_[tuple] = &part; }

    /// What is due at the turn's time; between the stack's timers and run_application().
    void run_due(Stack& stack);
    /// When run_due() has the next thing to do; kNever when there is none.
    [[nodiscard]] base::Instant next_at() const { return due_.empty() ? base::kNever : due_.begin()->first; }

    /// Connections that nobody had announced.
    [[nodiscard]] std::uint64_t strangers() const { return strangers_; }

    // ---- stack::Application

    [[nodiscard]] std::optional<std::uint16_t> find_listener(const wire::Endpoint& local) const;
    [[nodiscard]] static bool may_accept(std::uint16_t) { return true; }
    [[nodiscard]] static stack::ProfileId profile_of(std::uint16_t) { return stack::kProcessProfile; }
    void accepted(Stack& stack, stack::ConnectionId id, std::uint16_t service, const wire::FourTuple& tuple);
    void happened(Stack& stack, stack::ConnectionId id, stack::Cookie cookie, tcp::Events events);
    void closed(Stack& stack, stack::ConnectionId id, stack::Cookie cookie, stats::CloseReason reason);
    static void timer_expired(Stack&, stack::Cookie) {}  // none is armed: due_ has no tick

 private:
    struct Flow {
        stack::ConnectionId id;
        ServerPart* part = nullptr;  // none: a stranger's
        std::size_t step = 0;
        std::uint64_t step_given = 0;  // bytes of this step
        std::uint64_t received = 0;
        bool has_client_finished = false;
        base::Instant received_at{};       // when what came last came
        base::Instant step_began{};        // the step before
        std::optional<base::Instant> due;  // of the step, once what it waits for is there
        base::Instant wakes = base::kNever;
        bool is_closed = false;
    };

    void act(Stack& stack, stack::Cookie cookie);
    void read(Stack& stack, Flow& flow, tcp::Connection& connection);
    [[nodiscard]] bool play_step(Stack& stack, stack::Cookie cookie, tcp::Connection& connection);
    [[nodiscard]] bool give_bytes(Stack& stack, stack::Cookie cookie, const capture::ResponseStep& step,
                                  tcp::Connection& connection);
    void wake(stack::Cookie cookie, base::Instant at);

    std::vector<wire::Endpoint> listen_;
    std::map<wire::FourTuple, ServerPart*> announced_;
    std::deque<Flow> flows_;  // by cookie
    std::set<std::pair<base::Instant, stack::Cookie>> due_;
    std::uint64_t strangers_ = 0;
};

}  // namespace terminus::replay

namespace terminus::stack {
extern template class Stack<replay::PlayedBackends>;  // played_backends.cpp
}
