#include "load/segment_reader.hpp"

#include <cstring>

#include "base/assert.hpp"
#include "packet/frame_access.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/protocol.hpp"

namespace terminus::load {
namespace {

/// Kind 8, length 10, behind two NOPs: how everybody sends timestamps (RFC 7323 appendix A).
constexpr std::uint32_t kTimestampsHead = 0x0101080a;
constexpr std::size_t kTimestampsLength = 12;
constexpr std::size_t kPrefix = 12;  // bytes of an IPv6 address in front of the last 32 bits

void read_timestamps(Segment& segment) {
    const std::uint8_t* at = segment.options.data();
    if (segment.options.size() >= kTimestampsLength && base::load_be32(at) == kTimestampsHead) {
        segment.has_timestamps = true;
        segment.ts_value = base::load_be32(at + 4);
        segment.ts_echo = base::load_be32(at + 8);
        return;
    }
    if (segment.options.empty()) return;
    if (const auto found = wire::parse_tcp_options(segment.options).timestamps) {
        segment.has_timestamps = true;
        segment.ts_value = found->value;
        segment.ts_echo = found->echo_reply;
    }
}

}  // namespace

SegmentReader::SegmentReader(const SideSettings& settings)
    : mac_(settings.mac),
      local_(settings.local.first),
      remote_(settings.remote.first),
      is_v4_(settings.local.first.is_v4()),
      verifies_(settings.verifies_checksums),
      device_verifies_(settings.device_verifies) {}

Reading SegmentReader::read(const packet::Buffer& frame, Segment& segment) const {
    const base::Bytes bytes = frame.bytes();
    if (bytes.size() < wire::kEthernetHeader) return Reading::Malformed;
    const std::uint16_t type = base::load_be16(bytes.data() + 12);
    if (type == wire::kEtherTypeArp) return Reading::Neighbour;
    if (type != (is_v4_ ? wire::kEtherTypeIpv4 : wire::kEtherTypeIpv6)) return Reading::Ignored;
    const base::Bytes packet = bytes.subspan(wire::kEthernetHeader);
    std::memcpy(segment.source_mac.bytes.data(), bytes.data() + 6, 6);
    const bool is_verified = !verifies_ || (device_verifies_ && packet::device_verified_l4(frame));
    if (std::memcmp(bytes.data(), mac_.bytes.data(), 6) != 0) {
        const bool is_group = (bytes[0] & 1) != 0;
        return is_group && !is_v4_ ? Reading::Neighbour : Reading::Ignored;
    }
    if (!frame.is_linear()) return Reading::Malformed;
    return is_v4_ ? read_ipv4(packet, is_verified, segment) : read_ipv6(packet, is_verified, segment);
}

Reading SegmentReader::read_ipv4(base::Bytes packet, bool is_verified, Segment& segment) const {
    const std::uint8_t* at = packet.data();
    if (packet.size() < wire::kIpv4Header) return Reading::Malformed;
    if (at[9] != wire::kProtocolTcp) return Reading::Ignored;
    const std::uint16_t length = base::load_be16(at + 2);
    const bool is_fragment = (base::load_be16(at + 6) & 0x3fff) != 0;
    if (at[0] != 0x45 || is_fragment || length < wire::kIpv4Header || length > packet.size())
        return Reading::Malformed;
    if (!is_verified && !wire::is_good(wire::sum(packet.first(wire::kIpv4Header))))
        return Reading::BadChecksum;
    segment.tuple.remote = base::load_be32(at + 12);
    segment.tuple.local = base::load_be32(at + 16);
    const base::Bytes l4 = packet.subspan(wire::kIpv4Header, length - wire::kIpv4Header);
    const std::uint64_t pseudo =
        std::uint64_t{segment.tuple.remote} + segment.tuple.local + wire::kProtocolTcp + l4.size();
    return read_tcp(l4, pseudo, is_verified, segment);
}

Reading SegmentReader::read_ipv6(base::Bytes packet, bool is_verified, Segment& segment) const {
    const std::uint8_t* at = packet.data();
    if (packet.size() < wire::kIpv6Header) return Reading::Malformed;
    if (at[6] == wire::kProtocolIcmpv6) return Reading::Neighbour;
    if (at[6] != wire::kProtocolTcp) return Reading::Ignored;
    const std::uint16_t length = base::load_be16(at + 4);
    if (at[0] >> 4 != 6 || length > packet.size() - wire::kIpv6Header) return Reading::Malformed;
    if (std::memcmp(at + 8, remote_.bytes().data(), kPrefix) != 0 ||
        std::memcmp(at + 24, local_.bytes().data(), kPrefix) != 0)
        return Reading::Ignored;
    segment.tuple.remote = base::load_be32(at + 8 + kPrefix);
    segment.tuple.local = base::load_be32(at + 24 + kPrefix);
    const base::Bytes l4 = packet.subspan(wire::kIpv6Header, length);
    const std::uint64_t pseudo =
        is_verified ? 0 : wire::sum(packet.subspan(8, 32)) + wire::kProtocolTcp + l4.size();
    return read_tcp(l4, pseudo, is_verified, segment);
}

Reading SegmentReader::read_tcp(base::Bytes l4, std::uint64_t pseudo_sum, bool is_verified,
                                Segment& segment) const {
    const std::uint8_t* at = l4.data();
    if (l4.size() < wire::kTcpHeaderMin) return Reading::Malformed;
    const std::size_t header = std::size_t{at[12]} >> 4 << 2;
    if (header < wire::kTcpHeaderMin || header > l4.size()) return Reading::Malformed;
    if (!is_verified && !wire::is_good(wire::sum(l4) + pseudo_sum)) return Reading::BadChecksum;
    segment.tuple.remote_port = base::load_be16(at);
    segment.tuple.local_port = base::load_be16(at + 2);
    segment.seq = wire::SeqNum(base::load_be32(at + 4));
    segment.ack = wire::SeqNum(base::load_be32(at + 8));
    segment.flags = {at[13]};
    segment.window = base::load_be16(at + 14);
    segment.options = l4.subspan(wire::kTcpHeaderMin, header - wire::kTcpHeaderMin);
    segment.text = l4.subspan(header);
    read_timestamps(segment);
    return Reading::Tcp;
}

void count_unread(Reading reading, Numbers& numbers) {
    switch (reading) {
        case Reading::Tcp:
        case Reading::Neighbour:
            TERMINUS_ASSERT(false, "callers deal with what they can read");
            return;
        case Reading::Ignored:
            ++numbers.frames_ignored;
            return;
        case Reading::Malformed:
            numbers.fail(Failure::Malformed);
            return;
        case Reading::BadChecksum:
            numbers.fail(Failure::BadChecksum);
            return;
    }
}

}  // namespace terminus::load
