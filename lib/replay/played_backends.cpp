#include "replay/played_backends.hpp"

#include <algorithm>

#include "sim/program_text.hpp"

namespace terminus::stack {
static_assert(Application<replay::PlayedBackends, Stack<replay::PlayedBackends>>);
template class Stack<replay::PlayedBackends>;
}  // namespace terminus::stack

namespace terminus::replay {
namespace {

using namespace std::chrono_literals;

/// How long a server waits that got no buffer.
constexpr base::Duration kRetry = 10ms;

}  // namespace

std::optional<std::uint16_t> PlayedBackends::find_listener(const wire::Endpoint& local) const {
    const auto found = std::find(listen_.begin(), listen_.end(), local);
    if (found == listen_.end()) return std::nullopt;
    return static_cast<std::uint16_t>(found - listen_.begin());
}

void PlayedBackends::accepted(Stack& stack, stack::ConnectionId id, std::uint16_t,
                              const wire::FourTuple& tuple) {
    const auto cookie = static_cast<stack::Cookie>(flows_.size());
    Flow& flow = flows_.emplace_back();
    flow.id = id;
    flow.received_at = flow.step_began = stack.environment().now;
    stack.set_cookie(id, cookie);
    const auto announced = announced_.find(tuple);
    if (announced == announced_.end()) {
        ++strangers_;
        stack.find(id)->finish(stack.environment());
        stack.touch(id);
        return;
    }
    flow.part = announced->second;
    announced_.erase(announced);
    // Terminus may try again after a connection that failed: what that one brought doesn't count.
    *flow.part = ServerPart(*flow.part->recorded);
    flow.part->is_connected = true;
    act(stack, cookie);
}

void PlayedBackends::happened(Stack& stack, stack::ConnectionId, stack::Cookie cookie, tcp::Events) {
    act(stack, cookie);
}

void PlayedBackends::closed(Stack& stack, stack::ConnectionId, stack::Cookie cookie,
                            stats::CloseReason reason) {
    Flow& flow = flows_[cookie];
    if (tcp::Connection* const connection = stack.find(flow.id)) read(stack, flow, *connection);
    flow.is_closed = true;
    if (flow.part != nullptr) flow.part->closed = reason;
    wake(cookie, base::kNever);
}

void PlayedBackends::run_due(Stack& stack) {
    while (next_at() <= stack.environment().now) {
        const stack::Cookie cookie = due_.begin()->second;
        wake(cookie, base::kNever);
        act(stack, cookie);
    }
}

void PlayedBackends::wake(stack::Cookie cookie, base::Instant at) {
    Flow& flow = flows_[cookie];
    if (flow.wakes != base::kNever) due_.erase({flow.wakes, cookie});
    flow.wakes = at;
    if (at != base::kNever) due_.insert({at, cookie});
}

void PlayedBackends::act(Stack& stack, stack::Cookie cookie) {
    Flow& flow = flows_[cookie];
    tcp::Connection* const connection = stack.find(flow.id);
    if (connection == nullptr || flow.is_closed) return;
    read(stack, flow, *connection);
    while (flow.part != nullptr && !connection->close_reason() && play_step(stack, cookie, *connection)) {
    }
    stack.touch(flow.id);
}

void PlayedBackends::read(Stack& stack, Flow& flow, tcp::Connection& connection) {
    const tcp::Environment env = stack.environment(flow.id);
    packet::ByteQueue bytes =
        connection.take_received(connection.readable_bytes(), stack.payload_pool(), env);
    if (!bytes.empty()) flow.received_at = env.now;
    while (!bytes.empty()) {
        const packet::Slice slice = bytes.pop_front();
        if (flow.part != nullptr) flow.part->request.take(flow.received, slice.bytes());
        flow.received += slice.length();
    }
    if (connection.peer_finished() && !flow.has_client_finished) {
        flow.has_client_finished = true;
        flow.received_at = env.now;
    }
}

// Whether the step is done, and the next one's turn.
bool PlayedBackends::play_step(Stack& stack, stack::Cookie cookie, tcp::Connection& connection) {
    Flow& flow = flows_[cookie];
    const std::vector<capture::ResponseStep>& steps = flow.part->recorded->steps;
    if (flow.step == steps.size()) return false;
    const capture::ResponseStep& step = steps[flow.step];
    const tcp::Environment env = stack.environment(flow.id);
    if (!flow.due) {
        if (flow.received < step.after_received || (step.after_client_fin && !flow.has_client_finished))
            return false;
        flow.due = std::max(flow.received_at, flow.step_began) + step.after;
    }
    if (env.now < *flow.due) {
        wake(cookie, *flow.due);
        return false;
    }
    if (flow.step_given == 0) flow.step_began = env.now;
    switch (step.kind) {
        case capture::ResponseStep::Kind::Bytes:
            if (!give_bytes(stack, cookie, step, connection)) return false;
            break;
        case capture::ResponseStep::Kind::Fin:
            connection.finish(env);
            break;
        case capture::ResponseStep::Kind::Reset:
            connection.abort(stats::CloseReason::PeerLegReset, env);
            break;
    }
    ++flow.step;
    flow.step_given = 0;
    flow.due.reset();
    return true;
}

// As much as there is room for; whether that was all of it.
bool PlayedBackends::give_bytes(Stack& stack, stack::Cookie cookie, const capture::ResponseStep& step,
                                tcp::Connection& connection) {
    Flow& flow = flows_[cookie];
    const tcp::Environment env = stack.environment(flow.id);
    const std::uint64_t room =
        std::min<std::uint64_t>(connection.send_room(env), step.length - flow.step_given);
    const std::uint64_t from = step.begin + flow.step_given;
    packet::ByteQueue bytes = sim::program_text(connection, stack.payload_pool(), stack.buffer_share(), room,
                                                [&](std::uint64_t at, base::MutableBytes text) {
                                                    flow.part->recorded->response.read(from + at, text);
                                                });
    flow.step_given += bytes.size_bytes();
    flow.part->given += bytes.size_bytes();
    const bool has_written = !bytes.empty();
    if (has_written) connection.send(std::move(bytes), env);
    if (flow.step_given == step.length) return true;
    // With nothing on its way no event will tell of room.
    if (!has_written && connection.send_queue().empty()) wake(cookie, env.now + kRetry);
    return false;
}

}  // namespace terminus::replay
