#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "load/address_map.hpp"
#include "load/numbers.hpp"
#include "load/settings.hpp"
#include "packet/slice.hpp"
#include "wire/address.hpp"
#include "wire/seq.hpp"
#include "wire/tcp.hpp"

namespace terminus::load {

/// A received segment, as far as the light side cares. Its bytes lie in the frame.
struct Segment {
    Tuple tuple;
    wire::SeqNum seq;
    wire::SeqNum ack;
    wire::TcpFlags flags;
    std::uint16_t window = 0;
    bool has_timestamps = false;
    std::uint32_t ts_value = 0;
    std::uint32_t ts_echo = 0;
    base::Bytes options;
    base::Bytes text;
    wire::MacAddress source_mac;

    /// Sequence numbers occupied.
    [[nodiscard]] std::uint32_t length() const {
        return static_cast<std::uint32_t>(text.size()) + (flags.syn() ? 1 : 0) + (flags.fin() ? 1 : 0);
    }
};

enum class Reading : std::uint8_t {
    Tcp,        ///< of the family and the prefixes
    Neighbour,  ///< perhaps a matter of ARP or neighbour discovery
    Ignored,    ///< somebody else's
    Malformed,
    BadChecksum,
};

/// Reads frames of one family between two prefixes by their fixed places. Whatever else there is (IP options,
/// extension headers, fragments) no peer sends, and it counts as malformed.
class SegmentReader {
 public:
    explicit SegmentReader(const SideSettings& settings);

    [[nodiscard]] Reading read(const packet::Buffer& frame, Segment& segment) const;

 private:
    [[nodiscard]] Reading read_ipv4(base::Bytes packet, bool is_verified, Segment& segment) const;
    [[nodiscard]] Reading read_ipv6(base::Bytes packet, bool is_verified, Segment& segment) const;
    [[nodiscard]] Reading read_tcp(base::Bytes l4, std::uint64_t pseudo_sum, bool is_verified,
                                   Segment& segment) const;

    wire::MacAddress mac_;
    wire::IpAddress local_;
    wire::IpAddress remote_;
    bool is_v4_;
    bool verifies_;
    bool device_verifies_;
};

/// Counts a frame that is neither a segment nor a neighbour's: not for us, or not to be read.
void count_unread(Reading reading, Numbers& numbers);

}  // namespace terminus::load
