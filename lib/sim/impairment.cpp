#include "sim/impairment.hpp"

#include <algorithm>
#include <array>

#include "sim/frame_copy.hpp"
#include "wire/ethernet.hpp"
#include "wire/frame.hpp"
#include "wire/icmp.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/protocol.hpp"

namespace terminus::sim {
namespace {

// RFC 1812 4.3.2.3 lets a router quote so much and more; it holds the headers of whatever we send.
constexpr std::size_t kQuoteMax = 128;
constexpr std::uint8_t kFragmentationNeeded = 4;

std::uint8_t* byte_at(packet::Buffer& frame, std::uint32_t offset) {
    rte_mbuf* segment = frame.get();
    while (offset >= segment->data_len) {
        offset -= segment->data_len;
        segment = segment->next;
        if (segment == nullptr) return nullptr;
    }
    return rte_pktmbuf_mtod_offset(segment, std::uint8_t*, offset);
}

/// The first bytes of a frame in one piece.
struct Start {
    std::array<std::uint8_t, wire::kHeaderBytesMax> bytes{};
    std::size_t length = 0;

    explicit Start(const packet::Buffer& frame) {
        length = std::min<std::size_t>(frame.length(), bytes.size());
        const void* const read =
            rte_pktmbuf_read(frame.get(), 0, static_cast<std::uint32_t>(length), bytes.data());
        if (read != bytes.data()) std::copy_n(static_cast<const std::uint8_t*>(read), length, bytes.data());
    }
    [[nodiscard]] base::Bytes all() const { return base::Bytes(bytes).first(length); }
    [[nodiscard]] std::uint16_t ether_type() const {
        return length < wire::kEthernetHeader ? std::uint16_t{0} : base::load_be16(&bytes[12]);
    }
};

}  // namespace

std::uint32_t ip_length(const packet::Buffer& frame) {
    const Start start(frame);
    const std::uint8_t* const ip = &start.bytes[wire::kEthernetHeader];
    if (start.ether_type() == wire::kEtherTypeIpv4) return base::load_be16(ip + 2);
    if (start.ether_type() == wire::kEtherTypeIpv6) return wire::kIpv6Header + base::load_be16(ip + 4);
    return 0;
}

bool flip_bit(packet::Buffer& frame, std::uint32_t where) {
    const std::uint32_t length = ip_length(frame);
    const Start start(frame);
    const bool is_v6 = start.ether_type() == wire::kEtherTypeIpv6;
    const std::uint32_t from = wire::kEthernetHeader + (is_v6 ? std::uint32_t{wire::kIpv6Header} : 0u);
    const std::uint32_t end = std::min<std::uint32_t>(wire::kEthernetHeader + length, frame.length());
    if (length == 0 || end <= from) return false;
    std::uint8_t* const byte = byte_at(frame, from + (where >> 3) % (end - from));
    if (byte == nullptr) return false;
    *byte = static_cast<std::uint8_t>(*byte ^ (1u << (where & 7)));
    return true;
}

packet::Buffer too_big_answer(const packet::Buffer& frame, std::uint16_t mtu, rte_mempool* pool) {
    const Start start(frame);
    const auto parsed = wire::parse_frame(start.all(), frame.length());
    if (!parsed || parsed.value().ether_type == wire::kEtherTypeArp) return {};
    const wire::Frame& refused = parsed.value();
    const bool is_v4 = refused.source.is_v4();
    const base::Bytes packet = start.all().subspan(refused.l3_offset);
    const base::Bytes quote = packet.first(std::min(packet.size(), kQuoteMax));

    std::array<std::uint8_t, 256> answer{};
    base::MutableBytes out(answer);
    wire::write_ethernet({refused.source_mac, refused.destination_mac, refused.ether_type}, out);
    const std::size_t header = is_v4 ? wire::kIpv4Header : wire::kIpv6Header;
    const wire::IcmpHeader icmp{.type = is_v4 ? wire::kIcmpUnreachable : wire::kIcmpv6TooBig,
                                .code = is_v4 ? kFragmentationNeeded : std::uint8_t{0},
                                .rest = mtu};
    // As if the far end itself were the router: any address would do.
    const std::size_t length = wire::write_icmp(icmp, refused.destination, refused.source, quote,
                                                out.subspan(wire::kEthernetHeader + header));
    const base::MutableBytes ip = out.subspan(wire::kEthernetHeader);
    if (is_v4) {
        wire::write_ipv4({.source = refused.destination,
                          .destination = refused.source,
                          .protocol = wire::kProtocolIcmp,
                          .total_length = static_cast<std::uint16_t>(header + length)},
                         ip);
    } else {
        wire::write_ipv6({.source = refused.destination,
                          .destination = refused.source,
                          .next_header = wire::kProtocolIcmpv6,
                          .payload_length = static_cast<std::uint16_t>(length)},
                         ip);
    }
    return copy_bytes(base::Bytes(answer).first(wire::kEthernetHeader + header + length), pool, 0);
}

}  // namespace terminus::sim
