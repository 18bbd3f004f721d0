#pragma once

#include <rte_mempool.h>

#include <algorithm>
#include <cstdint>

#include "base/bytes.hpp"
#include "packet/byte_queue.hpp"
#include "tcp/connection.hpp"

namespace terminus::sim {

namespace detail {
/// What `length` bytes of text are written into; empty when the pool is.
[[nodiscard]] packet::Slice blank_slice(rte_mempool* pool, std::uint16_t length, base::MutableBytes& room);
}  // namespace detail

/// Text in buffers, for a program on a stack of its own: at most `length` bytes, as far as the pool and the
/// program's share of the buffers go; but one buffer when nothing waits to be sent. `fill(from, bytes)`
/// writes what the text has at `from`, counted from its beginning.
template <typename Fill>
[[nodiscard]] packet::ByteQueue program_text(const tcp::Connection& connection, rte_mempool* pool,
                                             std::uint32_t buffer_share, std::uint64_t length, Fill&& fill) {
    constexpr std::uint64_t kBufferBytes = 1448;
    const std::uint32_t queued = connection.send_queue().buffer_count();
    const std::uint32_t share = std::max(buffer_share, 1u);
    packet::ByteQueue text;
    std::uint64_t at = 0;
    for (std::uint32_t buffers = share > queued ? share - queued : 0; at < length && buffers > 0; --buffers) {
        base::MutableBytes room;
        packet::Slice slice =
            detail::blank_slice(pool, static_cast<std::uint16_t>(std::min(length - at, kBufferBytes)), room);
        if (slice.empty()) break;
        fill(at, room);
        at += room.size();
        text.push_back(std::move(slice));
    }
    return text;
}

}  // namespace terminus::sim
