#pragma once

#include <rte_mempool.h>

#include <cstdint>

#include "base/fixed_vector.hpp"
#include "packet/slice.hpp"

/// Received frames may lie in several mbufs (a reassembled datagram, a device that scatters), split anywhere.
namespace terminus::packet {

namespace detail {
[[nodiscard]] bool pull_headers(Buffer& frame, std::uint32_t wanted, rte_mempool* pool);
}

/// Makes the first `bytes` of the frame (or all of it, when it is shorter) lie in its first mbuf, so that
/// headers can be read as one piece. Where that mbuf has no room, a new one is taken from `pool`; false, with
/// the frame as it was, when there is none. `bytes` is at most the pool's data room; the frame is nobody
/// else's. Costs nothing for a frame in one mbuf.
[[nodiscard]] inline bool linearise_headers(Buffer& frame, std::uint32_t bytes, rte_mempool* pool) {
    const std::uint32_t wanted = bytes < frame.length() ? bytes : frame.length();
    return frame.bytes().size() >= wanted || detail::pull_headers(frame, wanted, pool);
}

/// Slices that a frame's payload may come as: 64 KiB in pieces of which two neighbours always fill more than
/// one 2 KiB buffer, with a reserve.
inline constexpr std::size_t kSlicesMax = 80;
using SliceList = base::FixedVector<Slice, kSlicesMax>;

/// Takes the chain apart: its payload [offset, offset + length) as slices, each of one mbuf, in order; all
/// other mbufs are freed. Small pieces are copied together. Empty when the pieces are too many and can't be
/// copied together either (buffers that are not ours to write): the frame is lost, and its sender repeats it.
[[nodiscard]] SliceList split_payload(Buffer frame, std::uint32_t offset, std::uint32_t length);

/// Cuts what lies behind the first `bytes` off a chain that is nobody else's: Ethernet padding. `bytes` is at
/// least 1 and at most the frame's length.
void trim_chain(Buffer& frame, std::uint32_t bytes);

}  // namespace terminus::packet
