#include "wire/ipv6.hpp"

#include <algorithm>
#include <optional>

#include "wire/protocol.hpp"

namespace terminus::wire {

namespace {

constexpr std::uint8_t kPad1 = 0, kPadN = 1, kRouterAlert = 5;
constexpr std::uint32_t kPayloadMax = 65535;

// RFC 8200 4.2: the two highest bits of an unknown option say whether the packet goes on without it.
bool options_may_be_skipped(base::Bytes options) {
    while (!options.empty()) {
        const std::uint8_t type = options[0];
        if (type == kPad1) {
            options = options.subspan(1);
            continue;
        }
        if (options.size() < 2 || std::size_t{options[1]} + 2 > options.size()) return false;
        if (type != kPadN && type != kRouterAlert && type >> 6 != 0) return false;
        options = options.subspan(std::size_t{options[1]} + 2);
    }
    return true;
}

// RFC 8200 4.4: a routing header is skipped when nothing is left to visit; RFC 5095: type 0 is refused
// always.
bool routing_may_be_skipped(base::Bytes header) {
    return header[2] != 0 && header[3] == 0;
}

// RFC 8200 4.1: each at most once, but destination options twice; hop-by-hop options only first.
class ChainRules {
 public:
    bool allows(std::uint8_t kind) {
        const bool first = count_ == 0;
        if (++count_ > kIpv6ExtensionsMax) return false;
        switch (kind) {
            case kProtocolHopByHop:
                return first;
            case kProtocolDestinationOptions:
                return ++destination_options_ <= 2;
            case kProtocolRouting:
                return ++routing_ <= 1;
            default:
                return ++fragment_ <= 1;
        }
    }

 private:
    int count_ = 0;
    int destination_options_ = 0;
    int routing_ = 0;
    int fragment_ = 0;
};

bool is_extension(std::uint8_t kind) {
    return kind == kProtocolHopByHop || kind == kProtocolDestinationOptions || kind == kProtocolRouting ||
           kind == kProtocolFragment;
}

bool may_be_skipped(std::uint8_t kind, base::Bytes extension) {
    if (kind == kProtocolRouting) return routing_may_be_skipped(extension);
    return options_may_be_skipped(extension.subspan(2));
}

// RFC 8200 4.5: as for IPv4, multiples of eight but for the last, nothing beyond 64 KiB.
bool fragment_is_possible(const Ipv6Payload& payload, std::size_t packet_end) {
    const std::size_t length = packet_end - payload.offset;
    if (length == 0) return false;
    if (payload.more_fragments && length % 8 != 0) return false;
    return payload.fragment_offset + length + payload.offset - kIpv6Header - kIpv6FragmentHeader <=
           kPayloadMax;
}

}  // namespace

base::Result<Ipv6Header, Fault> parse_ipv6(base::Bytes packet, std::size_t packet_length) {
    packet = packet.first(std::min(packet.size(), packet_length));
    if (packet.size() < kIpv6Header) return base::Failure{Fault::IpTruncated};
    if (packet[0] >> 4 != 6) return base::Failure{Fault::IpVersion};
    Ipv6Header header;
    const std::uint32_t first_word = base::load_be32(&packet[0]);
    header.traffic_class = static_cast<std::uint8_t>(first_word >> 20);
    header.flow_label = first_word & 0xfffff;
    header.payload_length = base::load_be16(&packet[4]);
    if (header.payload_length + kIpv6Header > packet_length) return base::Failure{Fault::IpTotalLength};
    header.next_header = packet[6];
    header.hop_limit = packet[7];
    std::array<std::uint8_t, 16> address;
    std::memcpy(address.data(), &packet[8], 16);
    header.source = IpAddress::v6(address);
    std::memcpy(address.data(), &packet[24], 16);
    header.destination = IpAddress::v6(address);
    return header;
}

base::Result<Ipv6Payload, Fault> skip_extensions(const Ipv6Header& header, base::Bytes packet) {
    const std::size_t packet_end = kIpv6Header + header.payload_length;
    packet = packet.first(std::min(packet.size(), packet_end));
    ChainRules rules;
    Ipv6Payload payload;
    payload.protocol = header.next_header;
    payload.offset = kIpv6Header;
    while (is_extension(payload.protocol)) {
        if (!rules.allows(payload.protocol)) return base::Failure{Fault::IpExtensionChain};
        if (payload.offset + 8u > packet_end) return base::Failure{Fault::IpTruncated};
        if (payload.offset + 8u > packet.size()) return base::Failure{Fault::IpExtensionChain};
        const std::uint8_t* at = &packet[payload.offset];
        if (payload.protocol == kProtocolFragment) {
            payload.protocol = at[0];
            const std::uint16_t field = base::load_be16(at + 2);
            payload.offset = static_cast<std::uint16_t>(payload.offset + kIpv6FragmentHeader);
            payload.fragment_offset = field & 0xfff8;
            payload.more_fragments = (field & 1) != 0;
            if (payload.fragment_offset == 0 && !payload.more_fragments) continue;  // RFC 6946: atomic
            payload.is_fragment = true;
            if (!fragment_is_possible(payload, packet_end)) return base::Failure{Fault::FragmentMalformed};
            return payload;
        }
        const std::size_t length = (std::size_t{at[1]} + 1) * 8;
        if (payload.offset + length > packet_end) return base::Failure{Fault::IpTruncated};
        if (payload.offset + length > packet.size()) return base::Failure{Fault::IpExtensionChain};
        if (!may_be_skipped(payload.protocol, packet.subspan(payload.offset, length))) {
            return base::Failure{Fault::IpExtensionChain};
        }
        payload.protocol = at[0];
        payload.offset = static_cast<std::uint16_t>(payload.offset + length);
    }
    return payload;
}

void write_ipv6(const Ipv6Header& header, base::MutableBytes out) {
    TERMINUS_ASSERT(out.size() >= kIpv6Header, "callers reserve the header's 40 bytes");
    TERMINUS_ASSERT(!header.source.is_v4() && !header.destination.is_v4(), "a mapped address is never sent");
    TERMINUS_ASSERT(header.flow_label <= 0xfffff, "the label has 20 bits");
    base::store_be32(&out[0], (6u << 28) | (std::uint32_t{header.traffic_class} << 20) | header.flow_label);
    base::store_be16(&out[4], header.payload_length);
    out[6] = header.next_header;
    out[7] = header.hop_limit;
    std::memcpy(&out[8], header.source.bytes().data(), 16);
    std::memcpy(&out[24], header.destination.bytes().data(), 16);
}

}  // namespace terminus::wire
