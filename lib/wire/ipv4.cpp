#include "wire/ipv4.hpp"

#include <algorithm>

#include "wire/checksum.hpp"

namespace terminus::wire {

namespace {

constexpr std::uint16_t kDontFragment = 0x4000, kMoreFragments = 0x2000, kOffsetMask = 0x1fff;
constexpr std::uint32_t kDatagramMax = 65535;

// RFC 791 3.2: every fragment but the last is a multiple of eight bytes, and none reaches beyond 64 KiB
// (the "ping of death" did).
bool fragment_is_possible(const Ipv4Header& header) {
    const std::uint32_t payload = header.total_length - header.header_length;
    if (payload == 0) return false;
    if (header.more_fragments && payload % 8 != 0) return false;
    return header.fragment_offset + payload + header.header_length <= kDatagramMax;
}

}  // namespace

// RFC 9293 3.9.2, MUST-50: options of IP are skipped by the header's length.
base::Result<Ipv4Header, Fault> parse_ipv4(base::Bytes packet, std::size_t packet_length) {
    packet = packet.first(std::min(packet.size(), packet_length));
    if (packet.size() < kIpv4Header) return base::Failure{Fault::IpTruncated};
    if (packet[0] >> 4 != 4) return base::Failure{Fault::IpVersion};

    Ipv4Header header;
    header.header_length = static_cast<std::uint8_t>((packet[0] & 0xf) * 4);
    header.total_length = base::load_be16(&packet[2]);
    if (header.header_length < kIpv4Header || header.header_length > packet.size()) {
        return base::Failure{Fault::IpHeaderLength};
    }
    if (header.total_length < header.header_length || header.total_length > packet_length) {
        return base::Failure{Fault::IpTotalLength};
    }
    // RFC 1122 3.2.1.2: a host MUST verify the header checksum.
    if (!is_good(sum(packet.first(header.header_length)))) return base::Failure{Fault::IpChecksum};

    header.traffic_class = packet[1];
    header.identification = base::load_be16(&packet[4]);
    const std::uint16_t fragment = base::load_be16(&packet[6]);
    header.dont_fragment = (fragment & kDontFragment) != 0;
    header.more_fragments = (fragment & kMoreFragments) != 0;
    header.fragment_offset = static_cast<std::uint16_t>((fragment & kOffsetMask) * 8);
    header.hop_limit = packet[8];
    header.protocol = packet[9];
    header.source = IpAddress::v4(base::load_be32(&packet[12]));
    header.destination = IpAddress::v4(base::load_be32(&packet[16]));
    if (header.is_fragment() && !fragment_is_possible(header)) return base::Failure{Fault::FragmentMalformed};
    return header;
}

void write_ipv4(const Ipv4Header& header, base::MutableBytes out) {
    TERMINUS_ASSERT(out.size() >= kIpv4Header, "callers reserve the header's 20 bytes");
    TERMINUS_ASSERT(header.source.is_v4() && header.destination.is_v4(),
                    "the family was chosen by the address");
    TERMINUS_ASSERT(header.fragment_offset % 8 == 0, "the field counts units of eight bytes");
    const unsigned flags =
        (header.dont_fragment ? kDontFragment : 0u) | (header.more_fragments ? kMoreFragments : 0u);
    const auto fragment = static_cast<std::uint16_t>(flags | header.fragment_offset / 8u);
    const std::uint32_t source = header.source.v4_host_order();
    const std::uint32_t destination = header.destination.v4_host_order();
    // Of the words as they are written below, which need not be read back for it.
    const std::uint64_t sum = 0x4500u + std::uint64_t{header.traffic_class} + header.total_length +
                              header.identification + fragment + header.hop_limit * 256u + header.protocol +
                              source + destination;
    out[0] = 0x45;
    out[1] = header.traffic_class;
    base::store_be16(&out[2], header.total_length);
    base::store_be16(&out[4], header.identification);
    base::store_be16(&out[6], fragment);
    out[8] = header.hop_limit;
    out[9] = header.protocol;
    base::store_be16(&out[10], finish(sum));
    base::store_be32(&out[12], source);
    base::store_be32(&out[16], destination);
}

}  // namespace terminus::wire
