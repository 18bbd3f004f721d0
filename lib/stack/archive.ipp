#pragma once

// A stack's state as bytes, for a recording that begins in mid-life. Part of stack/stack.hpp.

#include "stack/stack.hpp"

namespace terminus::stack {

template <typename App>
template <typename Archive>
void Stack<App>::archive(Archive& a) {
    profiles_.archive(a);
    sent_.archive(a);
    a(env_.now, env_.may_keep_payload, env_.receive_limit_bytes);
    a(rng_, draining_, half_opens_unchecked_, last_cookie_at_, fast_opens_);
    fast_open_peers_.archive(a);
    a(buffer_share_, orphans_, has_buffers_, pressure_cursor_);
    connections_.archive(a);
    half_opens_.archive(a);
    time_waits_.archive(a);
    table_.archive(a);
    wheel_.archive(a);
    dirty_.archive(a);
    if constexpr (Archive::kReads) {
        if (a.ok()) a.require(restored());
    }
}

// The queues hold no more than the pool has.
template <typename App>
std::size_t Stack<App>::archive_bytes_expected() const {
    constexpr std::size_t kFixed = 4u << 20;  // what doesn't grow with connections
    const std::size_t slots = connections_.touched() * (sizeof(ConnectionSlot) + sizeof(tcp::Connection)) +
                              half_opens_.touched() * sizeof(HalfOpenSlot) +
                              time_waits_.touched() * sizeof(TimeWaitSlot);
    constexpr std::size_t kBesides =
        160;  // of each: its entries of table and wheel, a record, counts of queues
    const std::size_t all =
        std::size_t{connections_.touched()} + half_opens_.touched() + time_waits_.touched();
    return kFixed + slots + all * kBesides;
}

/// What was read is counted into the gauges; false when something names what isn't there.
template <typename App>
bool Stack<App>::restored() {
    if (!connections_.restored(env_)) return false;
    for (std::uint32_t index = 0; index < half_opens_.touched(); ++index) {
        if (half_opens_.is_live(index)) half_opens_[index].tcp.restored(env_);
    }
    for (std::uint32_t index = 0; index < time_waits_.touched(); ++index) {
        if (time_waits_.is_live(index) && !time_waits_[index].tcp.restored(env_)) return false;
    }
    stats_.half_open.set(half_opens_.size());
    stats_.time_wait.set(time_waits_.size());
    for (std::uint32_t position = 0; position < dirty_.size(); ++position) {
        if (!connections_.is_live(dirty_.at(position))) return false;
    }
    return half_opens_unchecked_ <= half_opens_.touched();
}

}  // namespace terminus::stack
