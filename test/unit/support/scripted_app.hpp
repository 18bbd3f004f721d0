#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "stack/application.hpp"
#include "stack/stack.hpp"

namespace terminus::test {

/// What one end of a connection does.
struct Script {
    std::string send;  ///< as soon as `send_after` bytes have come
    std::size_t send_after = 0;
    bool finish_when_sent = false;           ///< FIN behind the last byte
    bool finish_when_peer_finished = false;  ///< FIN when theirs has come and everything is sent
    bool reads = true;
    bool fast_open = false;                  ///< connects by TCP Fast Open and sends at once
    std::optional<std::size_t> reset_after;  ///< RST once so many bytes have come
};

/// One end of a connection: its script and what became of it.
struct Flow {
    Script script;
    stack::ConnectionId id;
    wire::FourTuple tuple;
    std::size_t sent = 0;
    std::string received;
    bool is_established = false;
    bool has_finished = false;
    bool peer_finished = false;
    std::optional<stats::CloseReason> closed;
};

/// A client or server host's application: connections that act by script.
class ScriptedApp {
 public:
    using Stack = stack::Stack<ScriptedApp>;

    /// Every connection to `local` acts like this.
    void listen(const wire::Endpoint& local, Script script) {
        listeners_.push_back({local, std::move(script)});
    }
    /// From now on nobody listens there.
    void unlisten(const wire::Endpoint& local);
    /// Opens a connection; the reference stays good.
    Flow& connect(Stack& stack, const wire::FourTuple& tuple, std::uint16_t local_id, Script script);
    /// After a change of its script: does what can be done now.
    void act(Stack& stack, Flow& flow);
    void reset(Stack& stack, Flow& flow);

    /// Those connected and those accepted, in order.
    [[nodiscard]] std::deque<Flow>& flows() { return flows_; }
    [[nodiscard]] const std::deque<Flow>& flows() const { return flows_; }

    // ---- stack::Application

    [[nodiscard]] std::optional<std::uint16_t> find_listener(const wire::Endpoint& local) const;
    [[nodiscard]] static bool may_accept(std::uint16_t) { return true; }
    [[nodiscard]] stack::ProfileId profile_of(std::uint16_t) const { return stack::kProcessProfile; }
    void accepted(Stack& stack, stack::ConnectionId id, std::uint16_t service, const wire::FourTuple& tuple);
    void happened(Stack& stack, stack::ConnectionId id, stack::Cookie cookie, tcp::Events events);
    void closed(Stack& stack, stack::ConnectionId id, stack::Cookie cookie, stats::CloseReason reason);
    void timer_expired(Stack&, stack::Cookie) {}

 private:
    struct Listener {
        wire::Endpoint local;
        Script script;
    };
    static void send_some(Stack& stack, Flow& flow, tcp::Connection& connection);

    std::vector<Listener> listeners_;
    std::deque<Flow> flows_;  // by cookie
};

}  // namespace terminus::test

namespace terminus::stack {
extern template class Stack<test::ScriptedApp>;  // scripted_app.cpp
}
