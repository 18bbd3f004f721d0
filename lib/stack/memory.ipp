#pragma once

// Who may hold how many buffers (DESIGN 3.6, docs/decisions/buffer-shares.md). Part of stack/stack.hpp.

#include <algorithm>

#include "stack/stack.hpp"

namespace terminus::stack {

template <typename App>
void Stack<App>::divide_buffers(std::uint32_t available) {
    const std::uint32_t mark = settings_.buffers.reserve;
    has_buffers_ = available > mark;
    buffer_share_ = has_buffers_ ? (available - mark) / kBufferShareDivisor : 0;
    // A drained connection holds nothing and will move what comes on, too; while buffers are short even that
    // is a little.
    drained_share_ = std::max(buffer_share_, std::min(kFlowingMax, 2 * buffer_share_ + kPromisedMin));
    const std::uint64_t promised = std::max(buffer_share_ / kPromisedDivisor, kPromisedMin);
    env_.receive_limit_bytes =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(promised * kBytesPerBuffer, UINT32_MAX));
    if (is_low_on_buffers(available)) relieve_pressure();
}

template <typename App>
bool Stack<App>::is_low_on_buffers(std::uint32_t free_buffers) const {
    const std::uint32_t total = packet::buffers_total(settings_.buffers.payload);
    return free_buffers < settings_.buffers.reserve + total / kLowWaterDivisor;
}

// What waits to be sent doesn't count against what may be received: two peers that both write before they
// read would wait for each other for ever.
template <typename App>
std::uint32_t Stack<App>::received_buffers(const ConnectionSlot& slot) {
    if (slot.tcp == nullptr) return 0;
    return slot.tcp->buffer_count() - slot.tcp->send_queue().buffer_count();
}

template <typename App>
tcp::Environment Stack<App>::environment_for(const ConnectionSlot& slot) const {
    const std::uint32_t most = slot.is_drained ? drained_share_ : buffer_share_;
    tcp::Environment env = env_.with(profiles_.tunables(slot.profile));
    env.may_keep_payload = has_buffers_ && received_buffers(slot) < most;
    return env;
}

template <typename App>
tcp::Environment Stack<App>::environment_for(const HalfOpenSlot& slot) const {
    return environment_of(slot.tcp.service());
}

template <typename App>
tcp::Environment Stack<App>::environment_of(std::uint16_t service) const {
    return env_.with(profiles_.tunables(app_.profile_of(service)));
}

// The pool is nearly down to the mark, and what holds it is not being read: somebody has to go before
// everybody stands still. Orphans first, as in Linux: nobody on this side would miss them.
template <typename App>
void Stack<App>::relieve_pressure() {
    const std::uint32_t slots = std::min(connections_.touched(), kPressureSlots);
    std::uint32_t victim = Connections::kNone;
    std::uint32_t held_by_victim = 0;
    bool is_victim_orphan = false;
    for (std::uint32_t looked = 0; looked < slots; ++looked) {
        pressure_cursor_ = pressure_cursor_ + 1 < connections_.touched() ? pressure_cursor_ + 1 : 0;
        if (!connections_.is_live(pressure_cursor_)) continue;
        const ConnectionSlot& slot = connections_[pressure_cursor_];
        if (slot.tcp == nullptr) continue;
        const std::uint32_t held = slot.tcp->buffer_count();
        if (slot.is_closed || held == 0 || !slot.tcp->is_stalled_for(kStalledFor, env_)) continue;
        if (is_victim_orphan && !slot.is_orphan) continue;
        if (is_victim_orphan == slot.is_orphan && held <= held_by_victim) continue;
        victim = pressure_cursor_;
        held_by_victim = held;
        is_victim_orphan = slot.is_orphan;
    }
    if (victim == Connections::kNone) return;
    connections_[victim].tcp->abort(stats::CloseReason::MemoryPressure, env_);
    mark_dirty(victim);
}

}  // namespace terminus::stack
