#include "load/frame_writer.hpp"

#include <algorithm>
#include <cstring>

#include "load/pattern.hpp"
#include "packet/frame_access.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/protocol.hpp"
#include "wire/tcp.hpp"

namespace terminus::load {
namespace {

constexpr std::size_t kIpAt = wire::kEthernetHeader;

wire::TcpOptions options_of(Shape shape, const SideSettings& settings) {
    wire::TcpOptions options;
    if (shape == Shape::Syn || shape == Shape::PlainSyn)
        options.mss = mss_of(settings.mtu, settings.local.first.is_v4());
    if (shape == Shape::Syn) {
        options.sack_permitted = true;
        options.window_scale = kWindowScale;
    }
    if (shape == Shape::Syn || shape == Shape::Text) options.timestamps = wire::TcpTimestamps{};
    return options;
}

// MSS and SACK-permitted stand before a SYN's timestamps (wire::write_tcp_options), two NOPs before others.
std::uint8_t timestamps_at(Shape shape, std::size_t options_at) {
    switch (shape) {
        case Shape::Syn:
            return static_cast<std::uint8_t>(options_at + 8);
        case Shape::Text:
            return static_cast<std::uint8_t>(options_at + 4);
        case Shape::PlainSyn:
        case Shape::PlainText:
            break;
    }
    return 0;
}

}  // namespace

FrameWriter::FrameWriter(const SideSettings& settings)
    : pool_(settings.pool),
      is_v4_(settings.local.first.is_v4()),
      l4_at_(static_cast<std::uint8_t>(kIpAt + (is_v4_ ? wire::kIpv4Header : wire::kIpv6Header))) {
    for (const Shape shape : {Shape::Syn, Shape::PlainSyn, Shape::Text, Shape::PlainText})
        prepare(shape, settings);
}

void FrameWriter::prepare(Shape shape, const SideSettings& settings) {
    Template& made = templates_[static_cast<std::size_t>(shape)];
    // Without their last 32 bits, which are Outgoing's.
    const wire::IpAddress source = settings.local.with_low(0);
    const wire::IpAddress destination = settings.remote.with_low(0);
    const base::MutableBytes bytes(made.bytes);
    wire::write_ethernet({{}, settings.mac, is_v4_ ? wire::kEtherTypeIpv4 : wire::kEtherTypeIpv6}, bytes);
    if (is_v4_) {
        wire::Ipv4Header ip;
        ip.source = source;
        ip.destination = destination;
        ip.protocol = wire::kProtocolTcp;
        ip.dont_fragment = true;
        wire::write_ipv4(ip, bytes.subspan(kIpAt));
        base::store_be16(made.bytes.data() + kIpAt + 10, 0);
        made.ip_sum = wire::sum(bytes.subspan(kIpAt, wire::kIpv4Header));
    } else {
        wire::Ipv6Header ip;
        ip.source = source;
        ip.destination = destination;
        ip.next_header = wire::kProtocolTcp;
        wire::write_ipv6(ip, bytes.subspan(kIpAt));
    }
    wire::TcpHeader tcp;
    tcp.window = kWindow;
    tcp.options = options_of(shape, settings);
    const std::size_t header = wire::write_tcp(tcp, bytes.subspan(l4_at_));
    made.length = static_cast<std::uint8_t>(l4_at_ + header);
    made.timestamps_at = timestamps_at(shape, l4_at_ + wire::kTcpHeaderMin);
    made.tcp_sum = wire::pseudo_sum(source, destination, wire::kProtocolTcp, 0) +
                   wire::sum(bytes.subspan(l4_at_, header));
}

void FrameWriter::set_peer(const wire::MacAddress& mac) {
    for (Template& one : templates_)
        std::copy(mac.bytes.begin(), mac.bytes.end(), one.bytes.begin());
}

packet::Buffer FrameWriter::write(Shape shape, const Outgoing& outgoing) const {
    const Template& from = templates_[static_cast<std::size_t>(shape)];
    packet::Buffer frame =
        packet::begin_frame(pool_, base::Bytes(from.bytes).first(from.length),
                            static_cast<std::uint16_t>(from.length + outgoing.text_length));
    if (!frame) return frame;
    std::uint8_t* const start = frame.mutable_bytes().data();
    std::uint8_t* const ip = start + kIpAt;
    std::uint8_t* const tcp = start + l4_at_;
    const Tuple& tuple = outgoing.tuple;
    const std::uint32_t l4_length = from.length - l4_at_ + outgoing.text_length;
    if (is_v4_) {
        const std::uint32_t length = static_cast<std::uint32_t>(wire::kIpv4Header) + l4_length;
        base::store_be16(ip + 2, static_cast<std::uint16_t>(length));
        base::store_be32(ip + 12, tuple.local);
        base::store_be32(ip + 16, tuple.remote);
        base::store_be16(ip + 10, wire::finish(from.ip_sum + length + tuple.local + tuple.remote));
    } else {
        base::store_be16(ip + 4, static_cast<std::uint16_t>(l4_length));
        base::store_be32(ip + 20, tuple.local);
        base::store_be32(ip + 36, tuple.remote);
    }
    base::store_be16(tcp, tuple.local_port);
    base::store_be16(tcp + 2, tuple.remote_port);
    base::store_be32(tcp + 4, outgoing.seq.value());
    base::store_be32(tcp + 8, outgoing.ack.value());
    tcp[13] = outgoing.flags;
    std::uint64_t sum = from.tcp_sum + l4_length + tuple.local + tuple.remote + tuple.local_port +
                        tuple.remote_port + outgoing.seq.value() + outgoing.ack.value() + outgoing.flags;
    if (from.timestamps_at != 0) {
        base::store_be32(start + from.timestamps_at, outgoing.ts_value);
        base::store_be32(start + from.timestamps_at + 4, outgoing.ts_echo);
        sum += std::uint64_t{outgoing.ts_value} + outgoing.ts_echo;
    }
    if (outgoing.text_length > 0) {
        const auto place = static_cast<std::uint8_t>(outgoing.seq.value());
        std::memcpy(start + from.length, text_at(place, outgoing.text_length).data(), outgoing.text_length);
        sum += text_sum(place, outgoing.text_length);
    }
    base::store_be16(tcp + 16, wire::finish(sum));
    return frame;
}

}  // namespace terminus::load
