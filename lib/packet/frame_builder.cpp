#include "packet/frame_builder.hpp"

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"
#include "packet/frame_access.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/protocol.hpp"

namespace terminus::packet {
namespace {

/// What an IP header's length field can say.
constexpr std::uint32_t kIpLengthMax = 0xffff;

std::uint32_t ip_header_length(const FrameAddressing& addressing) {
    return static_cast<std::uint32_t>(addressing.source.is_v4() ? wire::kIpv4Header : wire::kIpv6Header);
}

/// Ethernet and IP in front of `l4_length` bytes; IPv4's checksum included.
void write_l2_l3(const FrameAddressing& addressing, std::uint8_t protocol, std::uint32_t l4_length,
                 base::MutableBytes out) {
    const bool is_v4 = addressing.source.is_v4();
    wire::write_ethernet({addressing.destination_mac, addressing.source_mac,
                          is_v4 ? wire::kEtherTypeIpv4 : wire::kEtherTypeIpv6},
                         out);
    const base::MutableBytes ip = out.subspan(wire::kEthernetHeader);
    if (is_v4) {
        wire::Ipv4Header header;
        header.source = addressing.source;
        header.destination = addressing.destination;
        header.protocol = protocol;
        // RFC 9293 3.9.1.9 and 3.9.2, SHLD-22, MUST-49: as they are, TTL and DiffServ field.
        header.hop_limit = addressing.hop_limit;
        header.traffic_class = addressing.traffic_class;
        header.total_length = static_cast<std::uint16_t>(wire::kIpv4Header + l4_length);
        header.identification = addressing.identification;
        header.dont_fragment = true;  // RFC 1191; and identification 0 needs it (RFC 6864 4.1)
        wire::write_ipv4(header, ip);
    } else {
        wire::Ipv6Header header;
        header.source = addressing.source;
        header.destination = addressing.destination;
        header.next_header = protocol;
        header.hop_limit = addressing.hop_limit;
        header.traffic_class = addressing.traffic_class;
        header.flow_label = addressing.flow_label;
        header.payload_length = static_cast<std::uint16_t>(l4_length);
        wire::write_ipv6(header, ip);
    }
}

std::uint8_t* append(rte_mbuf* mbuf, std::size_t bytes) {
    char* at = rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(bytes));
    TERMINUS_ASSERT(at != nullptr, "header pools have room for a frame of the port's MTU");
    return reinterpret_cast<std::uint8_t*>(at);
}

void copy_payload(rte_mbuf* frame, const ByteQueue& queue, std::uint32_t offset, std::uint32_t length) {
    std::uint8_t* to = append(frame, length);
    queue.for_each_piece(offset, length, [&](const rte_mbuf* piece, std::uint16_t at, std::uint16_t taken) {
        std::memcpy(to, rte_pktmbuf_mtod_offset(piece, const std::uint8_t*, at), taken);
        to += taken;
    });
}

/// A clone that shows [at, at + length) of `piece`. Its flags and offload fields are its own, not those with
/// which the piece was received.
rte_mbuf* clone_piece(rte_mempool* pool, rte_mbuf* piece, std::uint16_t at, std::uint16_t length) {
    rte_mbuf* clone = rte_pktmbuf_alloc(pool);
    if (clone == nullptr) return nullptr;
    rte_pktmbuf_attach(clone, piece);
    clone->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
    clone->tx_offload = 0;
    clone->packet_type = 0;
    clone->data_off = static_cast<std::uint16_t>(piece->data_off + at);
    clone->data_len = length;
    clone->pkt_len = length;
    return clone;
}

}  // namespace

FrameBuilder::FrameBuilder(rte_mempool* header_pool, rte_mempool* indirect_pool,
                           PortCapabilities capabilities)
    : header_pool_(header_pool), indirect_pool_(indirect_pool), capabilities_(capabilities) {
    TERMINUS_ASSERT(
        rte_pktmbuf_data_room_size(header_pool) >= RTE_PKTMBUF_HEADROOM + kFrameMin,
        "what a port can't take in pieces is copied behind its headers, so a frame must fit there");
}

// RFC 9293 3.1, MUST-2: the checksum by us, or by the device from the pseudo-header's sum.
TcpHeaders FrameBuilder::tcp_headers(const FrameAddressing& addressing, const wire::TcpHeader& header,
                                     std::uint32_t length) const {
    TcpHeaders made;  // each field is set below, and of the bytes those that are used
    const bool is_v4 = addressing.source.is_v4();
    const std::uint32_t l3_length = ip_header_length(addressing);
    const auto l4_length =
        static_cast<std::uint32_t>(wire::kTcpHeaderMin + wire::tcp_options_length(header.options));
    const std::uint32_t l2_l3 = static_cast<std::uint32_t>(wire::kEthernetHeader) + l3_length;
    std::uint8_t* const l3 = made.bytes.data() + wire::kEthernetHeader;
    std::uint8_t* const l4 = made.bytes.data() + l2_l3;
    write_l2_l3(addressing, wire::kProtocolTcp, l4_length + length, {made.bytes.data(), l2_l3});
    wire::TcpHeader common = header;
    common.seq = wire::SeqNum(0);
    common.flags.bits = static_cast<std::uint8_t>(common.flags.bits & ~wire::TcpFlags::kPsh);
    wire::write_tcp(common, {l4, l4_length});

    made.l3_length = static_cast<std::uint8_t>(l3_length);
    made.l4_length = static_cast<std::uint8_t>(l4_length);
    made.text_length = length;
    made.offloads = 0;
    made.partial_sum =
        wire::pseudo_sum(addressing.source, addressing.destination, wire::kProtocolTcp, l4_length + length);
    if (!capabilities_.tx_tcp_checksum) {
        made.partial_sum += wire::sum({l4, l4_length});
        return made;
    }
    made.offloads = RTE_MBUF_F_TX_TCP_CKSUM | (is_v4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6);
    // Devices add the segment's sum to what stands in the field: the pseudo-header's, not inverted.
    base::store_be16(l4 + wire::kTcpChecksumAt, wire::fold(made.partial_sum));
    if (is_v4 && capabilities_.tx_ipv4_checksum) {
        made.offloads |= RTE_MBUF_F_TX_IP_CKSUM;
        base::store_be16(l3 + wire::kIpv4ChecksumAt, 0);
    }
    return made;
}

/// A buffer with the headers of a segment, and what the device needs to know of them where it makes
/// checksums.
Buffer FrameBuilder::begin_tcp(const TcpHeaders& headers, wire::SeqNum seq, bool push) const {
    Buffer frame(rte_pktmbuf_alloc(header_pool_));
    if (!frame) return frame;
    rte_mbuf* const mbuf = frame.get();
    const std::uint32_t l2_l3 = static_cast<std::uint32_t>(wire::kEthernetHeader) + headers.l3_length;
    const std::uint32_t all = l2_l3 + headers.l4_length;
    std::uint8_t* const start = append(mbuf, all);
    std::memcpy(start, headers.bytes.data(), all);
    std::uint8_t* const l4 = start + l2_l3;
    base::store_be32(l4 + wire::kTcpSeqAt, seq.value());
    if (push) l4[wire::kTcpFlagsAt] |= wire::TcpFlags::kPsh;
    if (headers.offloads != 0) {
        mbuf->l2_len = wire::kEthernetHeader;
        mbuf->l3_len = headers.l3_length;
        mbuf->l4_len = headers.l4_length;
        mbuf->ol_flags |= headers.offloads;
    }
    return frame;
}

Buffer FrameBuilder::tcp(const TcpHeaders& headers, wire::SeqNum seq, bool push, const ByteQueue* queue,
                         std::uint32_t offset) {
    const std::uint32_t length = headers.text_length;
    TERMINUS_ASSERT(queue != nullptr || length == 0, "payload comes out of a queue");
    Buffer frame = begin_tcp(headers, seq, push);
    if (!frame) return frame;
    rte_mbuf* const mbuf = frame.get();
    // Where its pieces are more than a frame may have, or the pool is empty, a copy does as well.
    const bool is_attached = may_attach(length) &&
                             attach_payload(mbuf, *queue, offset, length, capabilities_.tx_segments_max - 1u);
    if (!is_attached && length > 0) copy_payload(mbuf, *queue, offset, length);
    if (headers.offloads != 0) return frame;
    const std::uint32_t l2_l3 = static_cast<std::uint32_t>(wire::kEthernetHeader) + headers.l3_length;
    const std::uint64_t sum = headers.partial_sum + (seq.value() >> 16) + (seq.value() & 0xffffu) +
                              (push ? unsigned{wire::TcpFlags::kPsh} : 0u);
    const std::uint16_t checksum = wire::finish(sum_bytes(frame, l2_l3 + headers.l4_length, length, sum));
    base::store_be16(rte_pktmbuf_mtod_offset(mbuf, std::uint8_t*, l2_l3 + wire::kTcpChecksumAt), checksum);
    return frame;
}

std::uint32_t FrameBuilder::run_max(const TcpHeaders& headers) const {
    if (capabilities_.tso_segments_max == 0 || headers.text_length < kTsoTextMin) return 1;
    return std::max(1u, (kIpLengthMax - headers.l3_length - headers.l4_length) / headers.text_length);
}

// Devices write lengths, numbers and checksums of each segment, from those of the whole, and want the
// pseudo-header's sum without a length (DPDK's programmer's guide, mbuf library, meta information). One that
// makes no IPv4 checksums may take the header's as it is: it is true for the whole.
Buffer FrameBuilder::tcp_run(const TcpHeaders& headers, wire::SeqNum seq, bool push, const ByteQueue& queue,
                             std::uint32_t offset, std::uint32_t segments) {
    TERMINUS_ASSERT(segments >= 2 && segments <= run_max(headers), "callers ask run_max() first");
    const std::uint32_t length = segments * headers.text_length;
    const Pieces pieces = pieces_of(queue, offset, length, headers.text_length);
    if (pieces.all + 1 > capabilities_.tso_segments_max || pieces.most + 1 > capabilities_.tx_segments_max)
        return {};
    Buffer frame = begin_tcp(headers, seq, push);
    if (!frame || !attach_payload(frame.get(), queue, offset, length, pieces.all)) return {};
    rte_mbuf* const mbuf = frame.get();
    std::uint8_t* const l3 = rte_pktmbuf_mtod_offset(mbuf, std::uint8_t*, wire::kEthernetHeader);
    if (headers.l3_length == wire::kIpv4Header) {
        base::store_be16(l3 + wire::kIpv4LengthAt,
                         static_cast<std::uint16_t>(wire::kIpv4Header + headers.l4_length + length));
        base::store_be16(l3 + wire::kIpv4ChecksumAt, 0);
        if ((headers.offloads & RTE_MBUF_F_TX_IP_CKSUM) == 0)
            base::store_be16(l3 + wire::kIpv4ChecksumAt, wire::finish(wire::sum({l3, wire::kIpv4Header})));
    } else {
        base::store_be16(l3 + wire::kIpv6LengthAt, static_cast<std::uint16_t>(headers.l4_length + length));
    }
    const std::uint64_t without_length = headers.partial_sum - headers.l4_length - headers.text_length;
    base::store_be16(l3 + headers.l3_length + wire::kTcpChecksumAt, wire::fold(without_length));
    mbuf->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
    mbuf->tso_segsz = static_cast<std::uint16_t>(headers.text_length);
    return frame;
}

FrameBuilder::Pieces FrameBuilder::pieces_of(const ByteQueue& queue, std::uint32_t offset,
                                             std::uint32_t length, std::uint32_t segment_length) {
    Pieces pieces;
    std::uint32_t here = 0, room = segment_length;  // of the segment that the next piece begins in
    queue.for_each_piece(offset, length, [&](rte_mbuf*, std::uint16_t, std::uint16_t taken) {
        ++pieces.all;
        pieces.most = std::max(pieces.most, ++here);
        if (taken < room) {
            room -= taken;
            return;
        }
        std::uint32_t beyond = taken - room;
        if (beyond >= segment_length) beyond %= segment_length;
        room = segment_length - beyond;
        here = beyond > 0 ? 1 : 0;
    });
    return pieces;
}

bool FrameBuilder::may_attach(std::uint32_t length) const {
    // A port that hands the pointer on gives the queue's own bytes to somebody who may write them.
    return length > ByteQueue::kCopyMax && indirect_pool_ != nullptr && capabilities_.tx_multi_segment &&
           capabilities_.tx_indirect_buffers && !capabilities_.keeps_pointer;
}

// False, with the frame as it was, when the pieces are more than `pieces_max` or the pool is empty.
bool FrameBuilder::attach_payload(rte_mbuf* frame, const ByteQueue& queue, std::uint32_t offset,
                                  std::uint32_t length, std::uint32_t pieces_max) {
    rte_mbuf* last = frame;
    std::uint32_t pieces = 0;
    bool complete = true;
    queue.for_each_piece(offset, length, [&](rte_mbuf* piece, std::uint16_t at, std::uint16_t taken) {
        complete = complete && ++pieces <= pieces_max;
        rte_mbuf* clone = complete ? clone_piece(indirect_pool_, piece, at, taken) : nullptr;
        complete = clone != nullptr;
        if (!complete) return;
        last->next = clone;
        last = clone;
    });
    if (!complete) {
        rte_pktmbuf_free(frame->next);
        frame->next = nullptr;
        return false;
    }
    frame->nb_segs = static_cast<std::uint16_t>(pieces + 1);
    frame->pkt_len += length;
    return true;
}

Buffer FrameBuilder::ip(const FrameAddressing& addressing, std::uint8_t protocol, base::Bytes message) {
    Buffer frame(rte_pktmbuf_alloc(header_pool_));
    if (!frame) return frame;
    const std::size_t headers = wire::kEthernetHeader + ip_header_length(addressing);
    std::uint8_t* start = append(frame.get(), headers + message.size());
    write_l2_l3(addressing, protocol, static_cast<std::uint32_t>(message.size()), {start, headers});
    if (!message.empty()) std::memcpy(start + headers, message.data(), message.size());
    return frame;
}

Buffer FrameBuilder::ethernet(wire::MacAddress source, wire::MacAddress destination, std::uint16_t ether_type,
                              base::Bytes message) {
    Buffer frame(rte_pktmbuf_alloc(header_pool_));
    if (!frame) return frame;
    const std::size_t used = wire::kEthernetHeader + message.size();
    const std::size_t padded = std::max<std::size_t>(used, wire::kEthernetFrameMin);
    std::uint8_t* start = append(frame.get(), padded);
    wire::write_ethernet({destination, source, ether_type}, {start, wire::kEthernetHeader});
    if (!message.empty()) std::memcpy(start + wire::kEthernetHeader, message.data(), message.size());
    std::memset(start + used, 0, padded - used);  // whatever the buffer held before stays here
    return frame;
}

}  // namespace terminus::packet
