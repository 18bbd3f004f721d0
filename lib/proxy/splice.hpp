#pragma once

#include <cstdint>

#include "tcp/connection.hpp"

namespace terminus::proxy {

/// What the receiving side of a splice has room for.
struct SpliceRoom {
    std::uint32_t send_room_bytes = 0;     ///< Connection::send_room()
    std::uint32_t queued_buffers = 0;      ///< in its send queue
    std::uint32_t buffer_share = 0;        ///< Stack::buffer_share()
    std::uint32_t write_buffer_bytes = 0;  ///< Connection::send_buffer(), or notsent_lowat where that is less
};

/// Room from which on it is worth to cut a slice in two: some 40 segments.
inline constexpr std::uint32_t kWorthACut = 64 * 1024;

/// How many of `readable_bytes` to move now. Nothing moves while
/// - the send queue holds the connection's share of the buffers, unless it is empty: bytes that we already
///   hold take no buffer by moving on, and with nothing in flight no acknowledgement would ever wake the pair
///   again;
/// - there is room for neither all of it nor kWorthACut nor a quarter of a write buffer: a queue that takes a
///   segment at a time would have one slice cut, and copied, for each acknowledgement; and one that waits for
///   half a buffer, which is what is on the way, would have nothing to send meanwhile. More room follows, for
///   bytes are in flight.
[[nodiscard]] std::uint32_t bytes_to_move(std::uint32_t readable_bytes, const SpliceRoom& room);

/// Moves received bytes of `from` by reference into the send queue of `to`, as many as bytes_to_move() says,
/// and returns their number. Where a push of the sender is (PSH) there is one of ours; where none is, a small
/// segment waits a little for what follows (tunables.autocorking). What stays closes the window of `from`
/// (back-pressure). `to` is not closed; the caller touches both when something moved.
std::uint32_t splice(tcp::Connection& from, tcp::Connection& to, std::uint32_t buffer_share,
                     rte_mempool* pool, const tcp::Environment& env);

}  // namespace terminus::proxy
