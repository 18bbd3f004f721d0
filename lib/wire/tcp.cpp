#include "wire/tcp.hpp"

namespace terminus::wire {

base::Result<TcpSegment, Fault> parse_tcp(base::Bytes l4, std::size_t l4_length) {
    if (l4.size() > l4_length) l4 = l4.first(l4_length);  // Ethernet padding is not the segment's
    if (l4.size() < kTcpHeaderMin) return base::Failure{Fault::TcpTruncated};
    const std::size_t header_length = std::size_t{l4[12]} / 16 * 4;
    if (header_length < kTcpHeaderMin || header_length > l4_length)
        return base::Failure{Fault::TcpDataOffset};
    if (header_length > l4.size()) return base::Failure{Fault::TcpTruncated};

    TcpSegment segment;
    segment.source_port = base::load_be16(&l4[0]);
    segment.destination_port = base::load_be16(&l4[2]);
    if (segment.source_port == 0 || segment.destination_port == 0) return base::Failure{Fault::TcpPortZero};
    segment.seq = SeqNum(base::load_be32(&l4[4]));
    segment.ack = SeqNum(base::load_be32(&l4[8]));
    segment.flags.bits = l4[13];
    segment.window = base::load_be16(&l4[14]);  // RFC 9293 3.1, MUST-1: without a sign
    segment.urgent_pointer = base::load_be16(&l4[18]);
    segment.header_length = static_cast<std::uint8_t>(header_length);
    segment.payload_length = static_cast<std::uint32_t>(l4_length - header_length);
    if (header_length > kTcpHeaderMin) {  // RFC 9293 3.1, MUST-5: whatever segment it is
        segment.options = parse_tcp_options(l4.subspan(kTcpHeaderMin, header_length - kTcpHeaderMin));
    }
    return segment;
}

std::size_t write_tcp(const TcpHeader& header, base::MutableBytes out) {
    const std::size_t length = kTcpHeaderMin + tcp_options_length(header.options);
    TERMINUS_ASSERT(out.size() >= length,
                    "callers give 60 bytes, or as many as tcp_options_length() told them");
    base::store_be16(&out[0], header.source_port);
    base::store_be16(&out[2], header.destination_port);
    base::store_be32(&out[4], header.seq.value());
    base::store_be32(&out[8], header.ack.value());
    out[12] = static_cast<std::uint8_t>(length / 4 << 4);
    out[13] = header.flags.bits;
    base::store_be16(&out[14], header.window);
    base::store_be32(&out[16], 0);  // checksum and urgent pointer
    write_tcp_options(header.options, out.subspan(kTcpHeaderMin, length - kTcpHeaderMin));
    return length;
}

}  // namespace terminus::wire
