#include "load/splitter.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "wire/ethernet.hpp"
#include "wire/icmp.hpp"
#include "wire/ipv6.hpp"
#include "wire/protocol.hpp"

namespace terminus::load {
namespace {

// Behind the Ethernet header.
constexpr std::size_t kArpTarget = 24;
constexpr std::size_t kIpv4Destination = 16;
constexpr std::size_t kIpv6Destination = 24;
constexpr std::size_t kNdTarget = wire::kIpv6Header + 8;

wire::IpAddress v6_at(base::Bytes packet, std::size_t at) {
    std::array<std::uint8_t, 16> bytes{};
    std::copy_n(packet.begin() + static_cast<std::ptrdiff_t>(at), bytes.size(), bytes.begin());
    return wire::IpAddress::v6(bytes);
}

}  // namespace

bool Splitter::is_first(const packet::Buffer& frame) const {
    const base::Bytes bytes = frame.bytes();
    if (bytes.size() < wire::kEthernetHeader + kArpTarget + 4) return false;
    const base::Bytes packet = bytes.subspan(wire::kEthernetHeader);
    switch (base::load_be16(bytes.data() + 12)) {
        case wire::kEtherTypeArp:
            return ours_.contains(wire::IpAddress::v4(base::load_be32(packet.data() + kArpTarget)));
        case wire::kEtherTypeIpv4:
            return ours_.contains(wire::IpAddress::v4(base::load_be32(packet.data() + kIpv4Destination)));
        case wire::kEtherTypeIpv6:
            break;
        default:
            return false;
    }
    // An advertisement is sent to who asked; a solicitation to a group, and it names whom it asks for.
    const bool is_question = packet.size() >= kNdTarget + 16 && packet[6] == wire::kProtocolIcmpv6 &&
                             packet[wire::kIpv6Header] == wire::kIcmpv6NeighbourSolicitation;
    if (packet.size() < wire::kIpv6Header) return false;
    return ours_.contains(v6_at(packet, is_question ? kNdTarget : kIpv6Destination));
}

void Splitter::split(packet::Batch& frames, packet::Batch& first, packet::Batch& second) const {
    for (std::uint16_t i = 0; i < frames.size(); ++i) {
        packet::Buffer frame = frames.take(i);
        (is_first(frame) ? first : second).push_back(std::move(frame));
    }
    frames.clear();
}

}  // namespace terminus::load
