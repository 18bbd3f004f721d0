#pragma once

#include <rte_mempool.h>

#include <cstdint>

#include "packet/slice.hpp"

namespace terminus::sim {

/// The length that the IP header of a frame claims; 0 of one that is not IP.
[[nodiscard]] std::uint32_t ip_length(const packet::Buffer& frame);

/// Flips one bit, chosen by `where`, among those that a checksum of IP or TCP covers: what lies outside is
/// Ethernet's own check sequence's to protect, and IPv6's addresses and lengths are covered by TCP's
/// pseudo-header only but for a chance in 2^16. False, and nothing is done, when the frame has no such bit.
bool flip_bit(packet::Buffer& frame, std::uint32_t where);

/// What a router answers that can't forward an IP packet for its length (RFC 1191 4, RFC 4443 3.2), in the
/// frame in which it reaches the packet's sender. Empty when the frame is not a good IP packet, or the pool
/// is empty.
[[nodiscard]] packet::Buffer too_big_answer(const packet::Buffer& frame, std::uint16_t mtu,
                                            rte_mempool* pool);

}  // namespace terminus::sim
