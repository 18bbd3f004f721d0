#include "capture/client_frames.hpp"

#include <algorithm>

#include "capture/recorded_stream.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/protocol.hpp"

namespace terminus::capture {
namespace {

using wire::TcpFlags;

constexpr std::size_t kSeqAt = 4, kAckAt = 8, kDataOffsetAt = 12, kFlagsAt = 13, kWindowAt = 14,
                      kChecksumAt = 16, kUrgentAt = 18, kEchoReplyAt = 6;
constexpr std::uint64_t kWindowMax = 65535;

std::uint8_t map_flags(std::uint8_t flags, const Part& part, const Mapping& mapping) {
    std::uint8_t left_out = 0;
    if (!part.is_first) left_out |= TcpFlags::kSyn | TcpFlags::kCwr;
    if (!part.is_last) left_out |= TcpFlags::kFin | TcpFlags::kPsh | TcpFlags::kRst;
    // A SYN asks for ECN by these flags; later they are ECN's.
    if (!mapping.ecn && (flags & TcpFlags::kSyn) == 0) left_out |= TcpFlags::kEce | TcpFlags::kCwr;
    return static_cast<std::uint8_t>(flags & ~left_out);
}

std::uint16_t map_window(const wire::TcpSegment& segment, const Mapping& mapping) {
    if (segment.flags.syn()) return segment.window;  // RFC 7323 2.2: never scaled
    const std::uint64_t bytes = std::uint64_t{segment.window} << mapping.recorded_shift;
    return static_cast<std::uint16_t>(std::min(bytes >> mapping.shift, kWindowMax));
}

void map_options(HeaderBytes& header, const wire::TcpSegment& segment, const Mapping& mapping) {
    const bool is_syn = segment.flags.syn();
    for_each_option(header, [&](base::MutableBytes option) {
        if (option[0] == kOptionTimestamps && option.size() == 10) {
            if (!mapping.timestamps && !is_syn) return replace_by_nops(option);
            if (segment.flags.ack()) base::store_be32(&option[kEchoReplyAt], mapping.echo_reply);
        }
        if (option[0] != kOptionSack) return;
        if (!mapping.sack || mapping.is_early) return replace_by_nops(option);
        for (std::size_t at = 2; at + 4 <= option.size(); at += 4) {
            const wire::SeqNum recorded(base::load_be32(&option[at]));
            base::store_be32(&option[at], (mapping.isn + (recorded - mapping.recorded_isn)).value());
        }
    });
}

/// What is only NOPs by now is no header's business.
void drop_empty_options(HeaderBytes& header) {
    const auto begin = header.begin() + wire::kTcpHeaderMin;
    if (std::any_of(begin, header.end(),
                    [](std::uint8_t byte) { return byte != kOptionNop && byte != kOptionEnd; }))
        return;
    while (header.size() > wire::kTcpHeaderMin)
        header.pop_back();
    header[kDataOffsetAt] =
        static_cast<std::uint8_t>((wire::kTcpHeaderMin / 4) << 4 | (header[kDataOffsetAt] & 15u));
}

// RFC 9293 3.1: the pointer counts from the segment's own number.
void move_urgent_pointer(HeaderBytes& header, const Part& part) {
    if ((header[kFlagsAt] & TcpFlags::kUrg) == 0 || part.offset == 0) return;
    const std::uint16_t pointer = base::load_be16(&header[kUrgentAt]);
    if (pointer > part.offset) {
        base::store_be16(&header[kUrgentAt], static_cast<std::uint16_t>(pointer - part.offset));
        return;
    }
    header[kFlagsAt] = static_cast<std::uint8_t>(header[kFlagsAt] & ~TcpFlags::kUrg);
    base::store_be16(&header[kUrgentAt], 0);
}

}  // namespace

HeaderBytes map_header(const RecordedPacket& packet, const Part& part, const Mapping& mapping) {
    const wire::TcpSegment& segment = packet.segment;
    HeaderBytes header = packet.header;
    const bool had_syn = segment.flags.syn() && !part.is_first;
    base::store_be32(&header[kSeqAt], (segment.seq + part.offset + (had_syn ? 1 : 0)).value());
    if (segment.flags.ack()) {
        const wire::SeqNum ack = mapping.isn + (mapping.is_early ? 1 : segment.ack - mapping.recorded_isn);
        base::store_be32(&header[kAckAt], ack.value());
    }
    header[kFlagsAt] = map_flags(header[kFlagsAt], part, mapping);
    base::store_be16(&header[kWindowAt], map_window(segment, mapping));
    move_urgent_pointer(header, part);
    map_options(header, segment, mapping);
    drop_empty_options(header);
    return header;
}

base::Bytes FrameBuilder::build(const RecordedPacket& packet, const Part& part, const HeaderBytes& header) {
    const bool is_v4 = ends_.client.address.is_v4();
    frame_.resize(wire::kEthernetHeader);
    wire::write_ethernet({.destination = ends_.service_mac,
                          .source = ends_.mac,
                          .ether_type = is_v4 ? wire::kEtherTypeIpv4 : wire::kEtherTypeIpv6},
                         frame_);
    write_ip(packet, part, header.size() + part.length);
    const std::size_t tcp = frame_.size();
    frame_.insert(frame_.end(), header.begin(), header.end());
    append_text(packet, part);
    base::store_be16(&frame_[tcp], ends_.client.port);
    base::store_be16(&frame_[tcp + 2], ends_.service.port);
    base::store_be16(&frame_[tcp + kChecksumAt], 0);
    const std::uint16_t sum = wire::l4_checksum(ends_.client.address, ends_.service.address,
                                                wire::kProtocolTcp, base::Bytes(frame_).subspan(tcp));
    // One bit off is wrong in ones' complement, too, where 0 and 0xffff are the same.
    base::store_be16(&frame_[tcp + kChecksumAt],
                     static_cast<std::uint16_t>(packet.is_checksum_wrong ? sum ^ 1 : sum));
    return frame_;
}

void FrameBuilder::write_ip(const RecordedPacket& packet, const Part& part, std::size_t l4_length) {
    const std::size_t at = frame_.size();
    if (ends_.client.address.is_v4()) {
        frame_.resize(at + wire::kIpv4Header);
        wire::write_ipv4({.source = ends_.client.address,
                          .destination = ends_.service.address,
                          .protocol = wire::kProtocolTcp,
                          .hop_limit = packet.hop_limit,
                          .traffic_class = packet.traffic_class,
                          .total_length = static_cast<std::uint16_t>(wire::kIpv4Header + l4_length),
                          .identification = static_cast<std::uint16_t>(packet.identification + part.count),
                          .dont_fragment = packet.dont_fragment},
                         base::MutableBytes(frame_).subspan(at));
        return;
    }
    frame_.resize(at + wire::kIpv6Header);
    wire::write_ipv6({.source = ends_.client.address,
                      .destination = ends_.service.address,
                      .next_header = wire::kProtocolTcp,
                      .hop_limit = packet.hop_limit,
                      .traffic_class = packet.traffic_class,
                      .flow_label = packet.flow_label,
                      .payload_length = static_cast<std::uint16_t>(l4_length)},
                     base::MutableBytes(frame_).subspan(at));
}

void FrameBuilder::append_text(const RecordedPacket& packet, const Part& part) {
    const std::size_t begin = std::min<std::size_t>(part.offset, packet.payload.size());
    const std::size_t known = std::min<std::size_t>(part.length, packet.payload.size() - begin);
    const base::Bytes text = packet.payload.subspan(begin, known);
    frame_.insert(frame_.end(), text.begin(), text.end());
    filled_ = static_cast<std::uint32_t>(part.length - known);
    const std::size_t at = frame_.size();
    frame_.resize(at + filled_);
    const std::uint64_t text_begin = packet.seq + (packet.segment.flags.syn() ? 1 : 0);
    fill(text_begin + part.offset + known, base::MutableBytes(frame_).subspan(at));
}

// Of one byte all packets say the same: whichever comes first is what the other end reads.
void FrameBuilder::fill(std::uint64_t seq, base::MutableBytes text) const {
    std::fill(text.begin(), text.end(), kFillByte);
    if (seq == 0 || seq - 1 >= request_->length()) return;  // the request begins with 1
    const std::uint64_t left = request_->length() - (seq - 1);
    request_->read(seq - 1, text.first(static_cast<std::size_t>(std::min<std::uint64_t>(text.size(), left))));
}

}  // namespace terminus::capture
