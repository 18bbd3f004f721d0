#pragma once

// What `ss` shows, in bounded pieces. Part of stack/stack.hpp.

#include "stack/stack.hpp"

namespace terminus::stack {

inline tcp::Connection::Snapshot snapshot_of(const tcp::HalfOpen& half, const tcp::Environment& env) {
    tcp::Connection::Snapshot snapshot{};
    snapshot.state = tcp::State::SynReceived;
    snapshot.timer = stats::Timer::Establishment;
    snapshot.deadline = half.next_deadline();
    snapshot.retransmits = half.retransmits();
    snapshot.text_sent_at = snapshot.text_received_at = env.now;
    snapshot.send_mss = half.peer_mss();
    snapshot.slow_start_threshold_bytes = UINT32_MAX;
    return snapshot;
}

inline tcp::Connection::Snapshot snapshot_of(const tcp::TimeWait& waiting, const tcp::Environment& env) {
    tcp::Connection::Snapshot snapshot{};
    snapshot.state = tcp::State::TimeWait;
    snapshot.timer = stats::Timer::TimeWait;
    snapshot.deadline = waiting.deadline(env);
    return snapshot;
}

// The cursor runs over the slots of the three slabs, one after the other. What comes or goes meanwhile may be
// missed, never shown twice under one cursor position.
template <typename App>
template <typename Use>
std::optional<std::uint64_t> Stack<App>::list(std::uint64_t cursor, std::uint32_t rows_max, Use&& use) const {
    const std::uint64_t half_opens_from = connections_.capacity();
    const std::uint64_t time_waits_from = half_opens_from + half_opens_.capacity();
    const std::uint64_t end = time_waits_from + time_waits_.touched();
    std::uint32_t rows = 0;
    std::uint32_t visited = 0;
    while (cursor < end) {
        // A slab of millions with few live slots must not hold the worker either.
        if (rows == rows_max || ++visited > kListVisitsMax) return cursor;
        if (cursor < half_opens_from) {
            const auto index = static_cast<std::uint32_t>(cursor);
            if (index >= connections_.touched()) {
                cursor = half_opens_from;
                continue;
            }
            if (connections_.is_live(index)) {
                const ConnectionSlot& slot = connections_[index];
                connections_.look_at(index, [&](const tcp::Connection& connection) {
                    use(network_.tuple_of(slot.key), slot.service, connection.leg(), connection.snapshot());
                });
                ++rows;
            }
        } else if (cursor < time_waits_from) {
            const auto index = static_cast<std::uint32_t>(cursor - half_opens_from);
            if (index >= half_opens_.touched()) {
                cursor = time_waits_from;
                continue;
            }
            if (half_opens_.is_live(index)) {
                const tcp::HalfOpen& half = half_opens_[index].tcp;
                use(network_.tuple_of(key_of(half)), half.service(), stats::Leg::Client,
                    snapshot_of(half, env_));
                ++rows;
            }
        } else {
            const auto index = static_cast<std::uint32_t>(cursor - time_waits_from);
            if (time_waits_.is_live(index)) {
                const tcp::TimeWait& waiting = time_waits_[index].tcp;
                use(network_.tuple_of(key_of(waiting)), kNoService, waiting.leg(),
                    snapshot_of(waiting, env_));
                ++rows;
            }
        }
        ++cursor;
    }
    return std::nullopt;
}

template <typename App>
template <typename Use>
void Stack<App>::for_each_connection(Use&& use) const {
    for (std::uint32_t index = 0; index < connections_.touched(); ++index) {
        if (!connections_.is_live(index)) continue;
        connections_.look_at(index, [&](const tcp::Connection& connection) {
            use(ConnectionId{index, connections_.generation(index)}, connection);
        });
    }
}

}  // namespace terminus::stack
