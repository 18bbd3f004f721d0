#include "support/scripted_app.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "support/pool.hpp"

namespace terminus::stack {
static_assert(Application<terminus::test::ScriptedApp, Stack<terminus::test::ScriptedApp>>);
template class Stack<terminus::test::ScriptedApp>;
}  // namespace terminus::stack

namespace terminus::test {

Flow& ScriptedApp::connect(Stack& stack, const wire::FourTuple& tuple, std::uint16_t local_id,
                           Script script) {
    const auto cookie = static_cast<stack::Cookie>(flows_.size());
    Flow& flow = flows_.emplace_back(Flow{.script = std::move(script), .tuple = tuple});
    const auto connected = stack.connect(
        {.tuple = tuple, .local_id = local_id, .cookie = cookie, .fast_open = flow.script.fast_open});
    TERMINUS_ASSERT(connected.ok(), "tests connect from free ports over routes that exist");
    flow.id = connected.value();
    if (flow.script.fast_open) send_some(stack, flow, *stack.find(flow.id));
    return flow;
}

void ScriptedApp::act(Stack& stack, Flow& flow) {
    tcp::Connection* const connection = stack.find(flow.id);
    if (connection == nullptr || flow.closed) return;
    const tcp::Environment& env = stack.environment();
    if (flow.script.reads) {
        packet::ByteQueue bytes = connection->take_received(connection->readable_bytes(), pool(), env);
        flow.received += to_string(bytes);
        if (connection->peer_finished()) flow.peer_finished = true;
    }
    if (flow.script.reset_after && flow.received.size() >= *flow.script.reset_after) {
        reset(stack, flow);
        return;
    }
    if (flow.is_established && !connection->close_reason() &&
        flow.received.size() >= flow.script.send_after) {
        send_some(stack, flow, *connection);
        const bool wants_finish =
            flow.script.finish_when_sent || (flow.script.finish_when_peer_finished && flow.peer_finished);
        if (wants_finish && flow.sent == flow.script.send.size() && !flow.has_finished) {
            connection->finish(env);
            flow.has_finished = true;
        }
    }
    stack.touch(flow.id);
}

void ScriptedApp::reset(Stack& stack, Flow& flow) {
    tcp::Connection* const connection = stack.find(flow.id);
    if (connection == nullptr || connection->close_reason()) return;
    connection->abort(stats::CloseReason::UserTimeout, stack.environment());
    stack.touch(flow.id);
}

void ScriptedApp::send_some(Stack& stack, Flow& flow, tcp::Connection& connection) {
    const tcp::Environment& env = stack.environment();
    std::size_t room = std::min<std::size_t>(connection.send_room(env), flow.script.send.size() - flow.sent);
    // A host keeps to its share of the buffers too, but never stops with nothing in flight.
    const std::uint32_t queued = connection.send_queue().buffer_count();
    const std::uint32_t share = std::max(stack.buffer_share(), 1u);
    std::uint32_t buffers = share > queued ? share - queued : 0;
    packet::ByteQueue bytes;
    while (room > 0 && buffers > 0) {
        --buffers;
        const std::size_t length = std::min<std::size_t>(room, 1448);
        bytes.push_back(make_slice(std::string_view(flow.script.send).substr(flow.sent, length)));
        flow.sent += length;
        room -= length;
    }
    if (!bytes.empty()) connection.send(std::move(bytes), env);
}

// The others' places are their services' numbers.
void ScriptedApp::unlisten(const wire::Endpoint& local) {
    for (Listener& listener : listeners_) {
        if (listener.local == local) listener.local = {};
    }
}

std::optional<std::uint16_t> ScriptedApp::find_listener(const wire::Endpoint& local) const {
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
        if (listeners_[i].local == local) return static_cast<std::uint16_t>(i);
    }
    return std::nullopt;
}

void ScriptedApp::accepted(Stack& stack, stack::ConnectionId id, std::uint16_t service,
                           const wire::FourTuple& tuple) {
    const auto cookie = static_cast<stack::Cookie>(flows_.size());
    flows_.push_back(
        Flow{.script = listeners_[service].script, .id = id, .tuple = tuple, .is_established = true});
    stack.set_cookie(id, cookie);
    act(stack, flows_.back());
}

void ScriptedApp::happened(Stack& stack, stack::ConnectionId, stack::Cookie cookie, tcp::Events events) {
    Flow& flow = flows_[cookie];
    if (events.established()) flow.is_established = true;
    act(stack, flow);
}

void ScriptedApp::closed(Stack&, stack::ConnectionId, stack::Cookie cookie, stats::CloseReason reason) {
    flows_[cookie].closed = reason;
}

}  // namespace terminus::test
