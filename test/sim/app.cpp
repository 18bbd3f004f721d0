#include "app.hpp"

#include <algorithm>

#include "sim/program_text.hpp"

namespace terminus::stack {
static_assert(Application<simulation::App, Stack<simulation::App>>);
template class Stack<simulation::App>;
}  // namespace terminus::stack

namespace terminus::simulation {
namespace {

using namespace std::chrono_literals;

/// How long a program waits that got no buffer.
constexpr base::Duration kRetry = 10ms;

}  // namespace

bool App::connect(Stack& stack, const stack::ConnectRequest& request, const Flow& flow) {
    stack::ConnectRequest own = request;
    own.cookie = static_cast<stack::Cookie>(flows_.size());
    const auto connected = stack.connect(own);
    if (!connected.ok()) return false;
    flows_.push_back(flow);
    flows_.back().id = connected.value();
    return true;
}

const Flow* App::accepted_by(std::uint16_t port) const {
    for (const Listener& listener : listeners_) {
        if (listener.port == port && listener.accepted) return &flows_[*listener.accepted];
    }
    return nullptr;
}

std::optional<std::uint16_t> App::find_listener(const wire::Endpoint& local) const {
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
        if (listeners_[i].port == local.port) return static_cast<std::uint16_t>(i);
    }
    return std::nullopt;
}

void App::accepted(Stack& stack, stack::ConnectionId id, std::uint16_t service, const wire::FourTuple&) {
    const auto cookie = static_cast<stack::Cookie>(flows_.size());
    Listener& listener = listeners_[service];
    flows_.push_back(listener.flow);
    Flow& flow = flows_.back();
    flow.id = id;
    flow.is_established = true;
    stack.set_cookie(id, cookie);
    if (listener.serves_all) {
        ++listener.flow.sends;
    } else if (listener.accepted) {
        flow.is_ghost = true;
        stack.find(id)->abort(stats::CloseReason::Drain, stack.environment());
        stack.touch(id);
        return;
    }
    listener.accepted = cookie;
    act(stack, cookie);
}

void App::happened(Stack& stack, stack::ConnectionId, stack::Cookie cookie, tcp::Events events) {
    Flow& flow = flows_[cookie];
    if (flow.closed) verdict_.fail("an event came after the last call");
    if (events.established()) flow.is_established = true;
    act(stack, cookie);
}

void App::closed(Stack& stack, stack::ConnectionId, stack::Cookie cookie, stats::CloseReason reason) {
    Flow& flow = flows_[cookie];
    if (flow.closed) verdict_.fail("a connection had two last calls");
    flow.closed = reason;
    if (flow.timer == timer::kNoTimer) return;
    stack.cancel_timer(flow.timer);
    flow.timer = timer::kNoTimer;
    --timers_;
}

void App::timer_expired(Stack& stack, stack::Cookie cookie) {
    Flow& flow = flows_[cookie];
    if (flow.timer == timer::kNoTimer) verdict_.fail("a timer fired that was cancelled");
    flow.timer = timer::kNoTimer;
    --timers_;
    act(stack, cookie);
}

void App::wake(Stack& stack, stack::Cookie cookie, base::Instant at) {
    Flow& flow = flows_[cookie];
    if (flow.timer == timer::kNoTimer) {
        flow.timer = stack.arm_timer(cookie, at);
        if (flow.timer == timer::kNoTimer) return verdict_.fail("the wheel has no timer for a program");
        ++timers_;
    } else if (at < flow.timer_at) {
        stack.rearm_timer(flow.timer, at);
    } else {
        return;
    }
    flow.timer_at = at;
}

void App::act(Stack& stack, stack::Cookie cookie) {
    Flow& flow = flows_[cookie];
    tcp::Connection* const connection = stack.find(flow.id);
    if (connection == nullptr || flow.closed) return;
    read(stack, cookie, *connection);
    if (flow.is_established && !connection->close_reason()) {
        write(stack, cookie, *connection);
        end(stack, flow, *connection);
    }
    stack.touch(flow.id);
}

// Whoever wasn't told of the stream takes its name from its first bytes.
void App::verify(Flow& flow, base::Bytes bytes) {
    while (flow.receives == 0 && !bytes.empty()) {
        flow.heard_name = flow.heard_name << 8 | bytes[0];
        bytes = bytes.subspan(1);
        if (++flow.received == Stream::kNameBytes) flow.receives = flow.heard_name;
    }
    if (!Stream(flow.receives).matches(flow.received, bytes))
        verdict_.fail("a byte is not the one that was sent");
    flow.received += static_cast<std::uint32_t>(bytes.size());
}

void App::verify_either(Flow& flow, wire::SeqNum first, base::Bytes bytes) {
    const Stream stream(flow.receives);
    const Stream instead(flow.receives_instead);
    for (std::uint32_t i = 0; i < bytes.size(); ++i) {
        const wire::SeqNum number = first + flow.received + i;
        const base::Bytes byte = bytes.subspan(i, 1);
        if (!stream.matches(number.value(), byte) && !instead.matches(number.value(), byte))
            verdict_.fail("a byte is none of those that were sent");
    }
    flow.received += static_cast<std::uint32_t>(bytes.size());
}

void App::read(Stack& stack, stack::Cookie cookie, tcp::Connection& connection) {
    Flow& flow = flows_[cookie];
    const tcp::Environment env = stack.environment(flow.id);
    if (!flow.has_held && flow.received >= flow.behaviour.hold_at) {
        flow.has_held = true;
        flow.read_at = env.now + flow.behaviour.hold_for;
    }
    const std::uint32_t readable = connection.readable_bytes();
    if (readable > 0 && env.now < flow.read_at) return wake(stack, cookie, flow.read_at);
    std::uint32_t wanted = std::min(readable, flow.behaviour.read_max);
    if (!flow.has_held) wanted = std::min(wanted, flow.behaviour.hold_at - flow.received);
    packet::ByteQueue bytes = connection.take_received(wanted, stack.payload_pool(), env);
    if (bytes.size_bytes() > wanted) verdict_.fail("more bytes were given than were asked for");
    const bool is_starved = wanted > 0 && bytes.empty();
    received_ += bytes.size_bytes();
    while (!bytes.empty()) {
        const packet::Slice slice = bytes.pop_front();
        if (flow.receives_instead != 0) {
            verify_either(flow, connection.receive_space().irs + 1, slice.bytes());
        } else {
            verify(flow, slice.bytes());
        }
    }
    if (connection.peer_finished()) flow.peer_finished = true;
    if (connection.readable_bytes() == 0) return;
    flow.read_at = env.now + (is_starved ? kRetry : flow.behaviour.read_pause);
    wake(stack, cookie, flow.read_at);
}

void App::write(Stack& stack, stack::Cookie cookie, tcp::Connection& connection) {
    Flow& flow = flows_[cookie];
    const tcp::Environment env = stack.environment(flow.id);
    const Behaviour& behaviour = flow.behaviour;
    if (flow.has_ended || flow.sent == behaviour.send_bytes || flow.received < behaviour.send_after) return;
    if (env.now < flow.write_at) return wake(stack, cookie, flow.write_at);
    const std::uint32_t room =
        std::min({connection.send_room(env), behaviour.send_bytes - flow.sent, behaviour.write_max});
    const Stream stream(flow.sends);
    packet::ByteQueue bytes = sim::program_text(
        connection, stack.payload_pool(), stack.buffer_share(), room,
        [&](std::uint64_t at, base::MutableBytes text) { stream.write(flow.sent + at, text); });
    flow.sent += bytes.size_bytes();
    const bool has_written = !bytes.empty();
    const bool is_starved = !has_written && connection.send_queue().empty();
    if (has_written) connection.send(std::move(bytes), env);
    if (flow.sent == behaviour.send_bytes) return;
    // With no room the event that tells of some comes first.
    if (is_starved || (has_written && behaviour.write_pause > base::Duration::zero())) {
        flow.write_at = env.now + (is_starved ? kRetry : behaviour.write_pause);
        wake(stack, cookie, flow.write_at);
    }
}

void App::end(Stack& stack, Flow& flow, tcp::Connection& connection) {
    if (flow.has_ended) return;
    const tcp::Environment env = stack.environment(flow.id);
    const bool is_sent = flow.sent == flow.behaviour.send_bytes;
    switch (flow.behaviour.end) {
        case Behaviour::End::WhenSent:
            if (!is_sent) return;
            connection.finish(env);
            break;
        case Behaviour::End::WhenPeerFinished:
            if (!is_sent || !flow.peer_finished) return;
            connection.finish(env);
            break;
        case Behaviour::End::Abandon:
            if (!is_sent) return;
            connection.abandon(env);
            break;
        case Behaviour::End::Abort:
            if (!is_sent && flow.received < flow.behaviour.abort_after) return;
            connection.abort(stats::CloseReason::PeerLegReset, env);
            break;
    }
    flow.has_ended = true;
}

}  // namespace terminus::simulation
