#include "wire/ethernet.hpp"

namespace terminus::wire {

base::Result<EthernetHeader, Fault> parse_ethernet(base::Bytes frame) {
    if (frame.size() < kEthernetHeader) return base::Failure{Fault::EthernetTruncated};
    EthernetHeader header;
    std::memcpy(header.destination.bytes.data(), &frame[0], 6);
    std::memcpy(header.source.bytes.data(), &frame[6], 6);
    header.ether_type = base::load_be16(&frame[12]);
    // IEEE 802.3 3.2.3: the group bit is meaningless in a source, and an answer would go to many.
    if (header.source.is_group()) return base::Failure{Fault::EthernetSource};
    switch (header.ether_type) {
        case kEtherTypeIpv4:
        case kEtherTypeIpv6:
        case kEtherTypeArp:
            return header;
        case kEtherTypeVlan:
        case kEtherTypeService:
            return base::Failure{Fault::VlanTagged};
        default:
            return base::Failure{Fault::EtherTypeUnknown};
    }
}

void write_ethernet(const EthernetHeader& header, base::MutableBytes out) {
    TERMINUS_ASSERT(out.size() >= kEthernetHeader, "callers reserve the header's 14 bytes");
    std::memcpy(&out[0], header.destination.bytes.data(), 6);
    std::memcpy(&out[6], header.source.bytes.data(), 6);
    base::store_be16(&out[12], header.ether_type);
}

MacAddress multicast_mac(const IpAddress& group) {
    TERMINUS_ASSERT(group.is_multicast(), "only groups have an address that can be computed");
    const auto& bytes = group.bytes();
    if (group.is_v4()) {
        return {{0x01, 0x00, 0x5e, static_cast<std::uint8_t>(bytes[13] & 0x7f), bytes[14], bytes[15]}};
    }
    return {{0x33, 0x33, bytes[12], bytes[13], bytes[14], bytes[15]}};
}

}  // namespace terminus::wire
