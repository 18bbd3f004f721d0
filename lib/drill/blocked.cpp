#include "drill/blocked.hpp"

#include <algorithm>

#include "drill/socket_table.hpp"

namespace terminus::drill {
namespace {

// The socket that the call keeps alive, if it is about one.
std::optional<SocketId> socket_in(const Call& call) {
    return std::visit(
        [](const auto& each) -> std::optional<SocketId> {
            if constexpr (requires { each.socket; }) {
                return each.socket;
            } else {
                return std::nullopt;
            }
        },
        call);
}

std::optional<CallResult> step_any(SocketTable& table, Call& call, Wait wait) {
    return std::visit([&](auto& each) { return step(table, each, wait); }, call);
}

void let_go(SocketTable& table, const Call& call) {
    if (const std::optional<SocketId> socket = socket_in(call)) table.let_go(*socket);
}

}  // namespace

CallId BlockedCalls::add(SocketTable& table, Call call, base::Instant deadline) {
    const CallId id{next_id_++};
    if (const std::optional<SocketId> socket = socket_in(call)) ++table[*socket].blocked_calls;
    waiting_.emplace(id, Waiting{std::move(call), deadline});
    return id;
}

void BlockedCalls::retry(SocketTable& table, base::Instant now) {
    for (auto at = waiting_.begin(); at != waiting_.end();) {
        const Wait wait = at->second.deadline <= now ? Wait::IsOver : Wait::GoesOn;
        std::optional<CallResult> result = step_any(table, at->second.call, wait);
        if (!result) {
            ++at;
            continue;
        }
        result->at = now;
        completed_.emplace(at->first, std::move(*result));
        let_go(table, at->second.call);
        at = waiting_.erase(at);
    }
}

void BlockedCalls::interrupt(SocketTable& table, CallId id, base::Instant now) {
    const auto found = waiting_.find(id);
    if (found == waiting_.end()) return;
    std::optional<CallResult> result = step_any(table, found->second.call, Wait::Interrupted);
    TERMINUS_ASSERT(result.has_value(), "every call ends when it is interrupted");
    result->at = now;
    completed_.emplace(id, std::move(*result));
    let_go(table, found->second.call);
    waiting_.erase(found);
}

std::optional<CallResult> BlockedCalls::take_completion(CallId id) {
    const auto found = completed_.find(id);
    if (found == completed_.end()) return std::nullopt;
    std::optional<CallResult> result = std::move(found->second);
    completed_.erase(found);
    return result;
}

base::Instant BlockedCalls::next_deadline() const {
    base::Instant earliest = base::kNever;
    for (const auto& [id, waiting] : waiting_)
        earliest = std::min(earliest, waiting.deadline);
    return earliest;
}

}  // namespace terminus::drill
