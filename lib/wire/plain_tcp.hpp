#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "wire/frame.hpp"
#include "wire/tcp.hpp"

namespace terminus::wire {

/// The short way for what nearly all frames are: Ethernet, IPv4 or IPv6 with nothing between it and TCP, a
/// whole datagram, headers without a fault. True with `frame` and `segment` filled as parse_frame() and
/// parse_tcp() would have filled them; false for everything else, good or bad, which has to take their way
/// (both then hold nothing of use). As there, TCP's checksum is still to be verified.
///
/// `first_bytes` and `frame_length` as for parse_frame(). Both outputs come as their defaults.
[[nodiscard]] bool read_plain_tcp(base::Bytes first_bytes, std::uint32_t frame_length, Frame& frame,
                                  TcpSegment& segment);

}  // namespace terminus::wire
