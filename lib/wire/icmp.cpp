#include "wire/icmp.hpp"

#include <algorithm>

#include "wire/checksum.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/protocol.hpp"

namespace terminus::wire {

namespace {

// RFC 792: an error quotes the IP header and at least eight bytes, which hold TCP's ports and sequence
// number.
constexpr std::size_t kQuotedTransportMin = 8;

using QuoteResult = base::Result<std::optional<IcmpQuote>, Fault>;

QuoteResult quote_transport(IcmpQuote quote, base::Bytes transport) {
    if (quote.protocol != kProtocolTcp) return std::optional(quote);
    if (transport.size() < kQuotedTransportMin) return base::Failure{Fault::IcmpMalformed};
    quote.tuple.local.port = base::load_be16(&transport[0]);
    quote.tuple.remote.port = base::load_be16(&transport[2]);
    quote.seq = SeqNum(base::load_be32(&transport[4]));
    return std::optional(quote);
}

// The quoted header is not parse_ipv4()'s: a router may have changed the TTL without the checksum, and the
// total length names more than is quoted.
QuoteResult parse_quote_v4(base::Bytes packet) {
    if (packet.size() < kIpv4Header || packet[0] >> 4 != 4) return base::Failure{Fault::IcmpMalformed};
    const std::size_t header_length = (packet[0] & 0xfu) * 4;
    if (header_length < kIpv4Header || header_length > packet.size())
        return base::Failure{Fault::IcmpMalformed};
    if ((base::load_be16(&packet[6]) & 0x1fff) != 0)
        return std::optional<IcmpQuote>();  // no ports in this fragment
    IcmpQuote quote;
    quote.protocol = packet[9];
    quote.tuple.local.address = IpAddress::v4(base::load_be32(&packet[12]));
    quote.tuple.remote.address = IpAddress::v4(base::load_be32(&packet[16]));
    return quote_transport(quote, packet.subspan(header_length));
}

QuoteResult parse_quote_v6(base::Bytes packet) {
    // The payload length names more than is quoted, so it is not held against what is here.
    const auto header = parse_ipv6(packet, kIpv6Header + 65535);
    if (!header) return base::Failure{Fault::IcmpMalformed};
    const auto payload = skip_extensions(header.value(), packet);
    if (!payload) return base::Failure{Fault::IcmpMalformed};
    if (header.value().source.is_v4() || header.value().destination.is_v4()) {
        return base::Failure{Fault::IcmpMalformed};
    }
    if (payload.value().fragment_offset != 0) return std::optional<IcmpQuote>();
    IcmpQuote quote;
    quote.protocol = payload.value().protocol;
    quote.tuple.local.address = header.value().source;
    quote.tuple.remote.address = header.value().destination;
    return quote_transport(quote,
                           packet.subspan(std::min<std::size_t>(payload.value().offset, packet.size())));
}

IcmpKind kind_v4(std::uint8_t type) {
    switch (type) {
        case kIcmpEchoRequest:
            return IcmpKind::EchoRequest;
        case kIcmpEchoReply:
            return IcmpKind::EchoReply;
        case kIcmpUnreachable:
        case kIcmpSourceQuench:
        case kIcmpTimeExceeded:
        case kIcmpParameterProblem:
            return IcmpKind::Error;
        default:
            return IcmpKind::Other;
    }
}

IcmpKind kind_v6(std::uint8_t type) {
    switch (type) {
        case kIcmpv6EchoRequest:
            return IcmpKind::EchoRequest;
        case kIcmpv6EchoReply:
            return IcmpKind::EchoReply;
        case kIcmpv6Unreachable:
        case kIcmpv6TooBig:
        case kIcmpv6TimeExceeded:
        case kIcmpv6ParameterProblem:
            return IcmpKind::Error;
        case kIcmpv6RouterSolicitation:
        case kIcmpv6RouterAdvertisement:
        case kIcmpv6NeighbourSolicitation:
        case kIcmpv6NeighbourAdvertisement:
        case kIcmpv6Redirect:
            return IcmpKind::NeighbourDiscovery;
        default:
            return IcmpKind::Other;
    }
}

std::uint16_t next_hop_mtu(const IcmpMessage& message, base::Bytes bytes) {
    if (message.is_v6 && message.type == kIcmpv6TooBig) {
        return static_cast<std::uint16_t>(std::min<std::uint32_t>(base::load_be32(&bytes[4]), 65535));
    }
    const bool fragmentation_needed = !message.is_v6 && message.type == kIcmpUnreachable && message.code == 4;
    return fragmentation_needed ? base::load_be16(&bytes[6]) : std::uint16_t{0};
}

bool checksum_is_good(bool is_v6, const IpAddress& source, const IpAddress& destination,
                      base::Bytes message) {
    const std::uint64_t pseudo =
        is_v6 ? pseudo_sum(source, destination, kProtocolIcmpv6, static_cast<std::uint32_t>(message.size()))
              : 0;
    return is_good(pseudo + sum(message));
}

}  // namespace

base::Result<IcmpMessage, Fault> parse_icmp(const IpAddress& source, const IpAddress& destination,
                                            base::Bytes message) {
    TERMINUS_ASSERT(source.is_v4() == destination.is_v4(), "both came from one IP header");
    if (message.size() < kIcmpHeader) return base::Failure{Fault::IcmpTruncated};
    IcmpMessage parsed;
    parsed.is_v6 = !destination.is_v4();
    if (!checksum_is_good(parsed.is_v6, source, destination, message))
        return base::Failure{Fault::IcmpChecksum};
    parsed.type = message[0];
    parsed.code = message[1];
    parsed.kind = parsed.is_v6 ? kind_v6(parsed.type) : kind_v4(parsed.type);
    if (parsed.kind == IcmpKind::EchoRequest || parsed.kind == IcmpKind::EchoReply) {
        parsed.identifier = base::load_be16(&message[4]);
        parsed.sequence = base::load_be16(&message[6]);
    }
    if (parsed.kind != IcmpKind::Error) return parsed;

    const base::Bytes quoted = message.subspan(kIcmpHeader);
    const auto quote = parsed.is_v6 ? parse_quote_v6(quoted) : parse_quote_v4(quoted);
    if (!quote) return base::Failure{quote.error()};
    parsed.quote = quote.value();
    if (!parsed.quote) {
        parsed.kind = IcmpKind::Other;
        return parsed;
    }
    // RFC 5927 4: an error goes to the source of the packet that it is about, so any other quote is a
    // forgery.
    if (parsed.quote->tuple.local.address != destination) return base::Failure{Fault::IcmpMalformed};
    parsed.next_hop_mtu = next_hop_mtu(parsed, message);
    return parsed;
}

std::size_t write_icmp(const IcmpHeader& header, const IpAddress& source, const IpAddress& destination,
                       base::Bytes body, base::MutableBytes out) {
    const std::size_t length = kIcmpHeader + body.size();
    TERMINUS_ASSERT(out.size() >= length, "callers give room for header and body");
    if (!body.empty()) std::memmove(&out[kIcmpHeader], body.data(), body.size());
    out[0] = header.type;
    out[1] = header.code;
    base::store_be16(&out[2], 0);
    base::store_be32(&out[4], header.rest);
    const base::Bytes message = out.first(length);
    base::store_be16(&out[2], destination.is_v4()
                                  ? finish(sum(message))
                                  : l4_checksum(source, destination, kProtocolIcmpv6, message));
    return length;
}

}  // namespace terminus::wire
