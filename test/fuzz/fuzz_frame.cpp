// Any bytes as a received frame, through every parser that the stack applies to it. The first byte says how:
//   bit 0     checksums are put right first, so that mutations get past them
//   bit 1     the frame is a chain whose first buffer is all that is here
#include <algorithm>
#include <vector>

#include "base/assert.hpp"
#include "neigh/icmp_verdict.hpp"
#include "wire/arp.hpp"
#include "wire/frame.hpp"
#include "wire/icmp.hpp"
#include "wire/ipv4.hpp"
#include "wire/nd.hpp"
#include "wire/plain_tcp.hpp"
#include "wire/tcp.hpp"

namespace {

using namespace terminus;

constexpr std::uint8_t kRepair = 1, kChain = 2;
constexpr std::uint32_t kLaterBuffers = 1000;

void repair_ip(std::vector<std::uint8_t>& frame) {
    if (frame.size() < 34 || frame[12] != 0x08 || frame[13] != 0x00) return;
    const std::size_t length = std::min<std::size_t>((frame[14] & 0xfu) * 4, frame.size() - 14);
    base::store_be16(&frame[24], 0);
    base::store_be16(&frame[24], wire::finish(wire::sum(base::Bytes(frame).subspan(14, length))));
}

void repair_l4(std::vector<std::uint8_t>& frame, const wire::Frame& parsed) {
    const std::size_t field = parsed.l4_offset + (parsed.protocol == wire::kProtocolTcp ? 16u : 2u);
    if (parsed.l4_offset + parsed.l4_length > frame.size()) return;
    if (field + 2 > parsed.l4_offset + parsed.l4_length) return;
    base::store_be16(&frame[field], 0);
    const base::Bytes l4 = base::Bytes(frame).subspan(parsed.l4_offset, parsed.l4_length);
    base::store_be16(&frame[field], wire::finish(wire::l4_pseudo_sum(parsed) + wire::sum(l4)));
    TERMINUS_ASSERT(wire::l4_checksum_is_good(parsed, l4), "what finish() writes is_good() accepts");
}

void read_tcp(base::Bytes l4, std::size_t l4_length) {
    const auto parsed = wire::parse_tcp(l4, l4_length);
    if (!parsed) return;
    const wire::TcpSegment& segment = parsed.value();
    TERMINUS_ASSERT(segment.header_length + segment.payload_length == l4_length, "lengths are true");
    wire::TcpHeader header{segment.source_port, segment.destination_port, segment.seq,    segment.ack,
                           segment.flags,       segment.window,           segment.options};
    std::vector<std::uint8_t> written(wire::kTcpHeaderMax);
    written.resize(wire::write_tcp(header, written));
    const auto again = wire::parse_tcp(written, written.size());
    TERMINUS_ASSERT(again.ok() && again.value().seq == segment.seq && again.value().flags == segment.flags,
                    "what is written is read back");
}

void read_icmp(const wire::Frame& frame, base::Bytes message) {
    const auto parsed = wire::parse_icmp(frame.source, frame.destination, message);
    if (!parsed) return;
    static_cast<void>(neigh::icmp_verdict(parsed.value()));
    if (parsed.value().kind != wire::IcmpKind::NeighbourDiscovery) return;
    const auto nd = wire::parse_nd(frame.source, frame.destination, frame.hop_limit, message);
    if (!nd || nd.value().kind == wire::NdKind::Ignored) return;
    std::vector<std::uint8_t> written(wire::kNdLengthMax);
    written.resize(wire::write_nd(nd.value(), frame.source, frame.destination, written));
    const auto again = wire::parse_nd(frame.source, frame.destination, wire::kNdHopLimit, written);
    TERMINUS_ASSERT(again.ok() && again.value().target == nd.value().target &&
                        again.value().link_address == nd.value().link_address,
                    "what is written is read back");
}

void read_arp(base::Bytes message) {
    const auto parsed = wire::parse_arp(message);
    if (!parsed) return;
    std::vector<std::uint8_t> written(wire::kArpLength);
    wire::write_arp(parsed.value(), written);
    TERMINUS_ASSERT(std::equal(written.begin(), written.end(), message.begin()), "what is written was read");
}

// The short way comes to where the long one comes, or leaves the frame to it.
void read_plain(base::Bytes bytes, std::uint32_t frame_length,
                const base::Result<wire::Frame, wire::Fault>& parsed) {
    wire::Frame frame;
    wire::TcpSegment segment;
    if (!wire::read_plain_tcp(bytes, frame_length, frame, segment)) return;
    TERMINUS_ASSERT(parsed.ok() && frame == parsed.value(), "what is plain is read in two ways");
    const auto slowly = wire::parse_tcp(bytes.subspan(frame.l4_offset), frame.l4_length);
    TERMINUS_ASSERT(slowly.ok() && segment == slowly.value(), "what is plain is read in two ways");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::uint8_t how = data[0];
    std::vector<std::uint8_t> bytes(data + 1,
                                    data + size);  // its own block: the sanitizer sees both its ends
    bytes.shrink_to_fit();
    if ((how & kRepair) != 0) repair_ip(bytes);
    const bool chain = (how & kChain) != 0;
    const auto frame_length = static_cast<std::uint32_t>(bytes.size() + (chain ? kLaterBuffers : 0));

    const auto parsed = wire::parse_frame(bytes, frame_length);
    read_plain(bytes, frame_length, parsed);
    if (!parsed) return 0;
    const wire::Frame& frame = parsed.value();
    TERMINUS_ASSERT(frame.l4_offset + std::uint64_t{frame.l4_length} <= frame_length,
                    "IP claims no more than came");
    if (frame.ether_type == wire::kEtherTypeArp) {
        read_arp(base::Bytes(bytes).subspan(frame.l3_offset));
        return 0;
    }
    TERMINUS_ASSERT(frame.l4_offset <= bytes.size(), "headers were read, so they are here");
    TERMINUS_ASSERT(frame.source != frame.destination, "LAND is refused");
    TERMINUS_ASSERT(frame.source.is_v4() == (frame.ether_type == wire::kEtherTypeIpv4),
                    "families are not mixed");
    if ((how & kRepair) != 0) repair_l4(bytes, frame);
    base::Bytes l4 = base::Bytes(bytes).subspan(frame.l4_offset);
    l4 = l4.first(std::min<std::size_t>(l4.size(), frame.l4_length));
    if (frame.is_fragment) return 0;
    if (frame.protocol == wire::kProtocolTcp) {
        read_tcp(l4, frame.l4_length);
    } else {
        read_icmp(frame, l4);
    }
    return 0;
}
