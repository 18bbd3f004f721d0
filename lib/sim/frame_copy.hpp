#pragma once

#include <rte_mempool.h>

#include <cstdint>

#include "packet/slice.hpp"

namespace terminus::sim {

/// A copy of `frame` (chain, clones and all) as the other machine's device would receive it: in buffers of
/// `pool` with at most `segment_bytes` in each (0: as much as fits), checksums finished that its flags ask
/// the device for, and padded to Ethernet's 60 bytes with what must not matter. Empty when the pool is.
[[nodiscard]] packet::Buffer copy_frame(const packet::Buffer& frame, rte_mempool* pool,
                                        std::uint16_t segment_bytes);

/// The same of plain bytes.
[[nodiscard]] packet::Buffer copy_bytes(base::Bytes bytes, rte_mempool* pool, std::uint16_t segment_bytes);

}  // namespace terminus::sim
