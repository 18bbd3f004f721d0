#include <algorithm>
#include <limits>
#include <string_view>

#include "drill/parse_parts.hpp"
#include "wire/tcp.hpp"

namespace terminus::drill {
namespace {

constexpr std::int64_t kU16Max = std::numeric_limits<std::uint16_t>::max();
constexpr std::int64_t kU32Max = std::numeric_limits<std::uint32_t>::max();
/// An IP packet's length field, less the smallest headers.
constexpr std::int64_t kFlowLabelMax = (1 << 20) - 1;

bool accept_ecn(TokenStream& tokens, IpInfo& ip) {
    constexpr std::string_view kNames[] = {"noecn", "ect1", "ect0", "ce"};  // RFC 3168 5: by code point
    for (std::uint8_t code = 0; code < 4; ++code) {
        if (!tokens.accept_word(kNames[code])) continue;
        ip.check = IpInfo::Check::Ecn;
        ip.tos = code;
        return true;
    }
    if (!tokens.accept_word("ect01")) return false;
    ip.check = IpInfo::Check::Ect01;
    return true;
}

bool parse_ip_field(TokenStream& tokens, IpInfo& ip) {
    std::int64_t value = 0;
    if (accept_ecn(tokens, ip)) return true;
    if (tokens.accept_word("tos")) {
        if (!tokens.expect_integer("tos", 0, 255, value)) return false;
        ip.check = IpInfo::Check::Tos;
        ip.tos = static_cast<std::uint8_t>(value);
        return true;
    }
    if (tokens.accept_word("ttl")) {
        if (!tokens.expect_integer("ttl", 1, 255, value)) return false;
        ip.ttl = static_cast<std::uint8_t>(value);
        return true;
    }
    if (tokens.accept_word("flowlabel")) {
        if (!tokens.expect_integer("flowlabel", 0, kFlowLabelMax, value)) return false;
        ip.flow_label = static_cast<std::uint32_t>(value);
        return true;
    }
    return tokens.fail_expected("noecn, ect0, ect1, ect01, ce, tos, ttl or flowlabel");
}

/// "(ect0)", "[tos 0x10, flowlabel 0x1]", or nothing.
bool parse_ip_info(TokenStream& tokens, IpInfo& ip) {
    if (!tokens.is_symbol('(') && !tokens.is_symbol('[')) return true;
    const char close = tokens.take().text.front() == '(' ? ')' : ']';
    do {
        if (!parse_ip_field(tokens, ip)) return false;
    } while (tokens.accept_symbol(','));
    return tokens.expect_symbol(close);
}

bool parse_ports(TokenStream& tokens, PacketEvent& packet) {
    const bool has_ports = tokens.is(TokenKind::Integer) && tokens.is_symbol('>', 1);
    if (!has_ports) return true;
    std::int64_t source = 0;
    std::int64_t destination = 0;
    if (!tokens.expect_integer("a source port", 0, kU16Max, source) || !tokens.expect_symbol('>') ||
        !tokens.expect_integer("a destination port", 0, kU16Max, destination)) {
        return false;
    }
    packet.source_port = static_cast<std::uint16_t>(source);
    packet.destination_port = static_cast<std::uint16_t>(destination);
    return true;
}

/// The letters of one word or number, as flags; '.' is a token of its own.
bool add_flags(TokenStream& tokens, std::string_view letters, TcpSpec& tcp) {
    using Flags = wire::TcpFlags;
    for (const char letter : letters) {
        switch (letter) {
            case 'F':
                tcp.flags |= Flags::kFin;
                break;
            case 'S':
                tcp.flags |= Flags::kSyn;
                break;
            case 'R':
                tcp.flags |= Flags::kRst;
                break;
            case 'P':
                tcp.flags |= Flags::kPsh;
                break;
            case '.':
                tcp.flags |= Flags::kAck;
                break;
            case 'U':
                tcp.flags |= Flags::kUrg;
                break;
            case 'E':
                tcp.flags |= Flags::kEce;
                break;
            case 'W':
                tcp.flags |= Flags::kCwr;
                break;
            case 'A':
                tcp.ae = true;
                break;
            default:
                return tokens.fail(std::string("no TCP flag: `") + letter + "` (FSRPEWAU and . are)");
        }
    }
    return true;
}

bool parse_flags(TokenStream& tokens, TcpSpec& tcp) {
    if (tokens.accept_symbol('-')) return true;  // none
    bool has_any = false;
    if (tokens.is(TokenKind::Word)) {
        if (!add_flags(tokens, tokens.peek().text, tcp)) return false;
        tokens.take();
        has_any = true;
    }
    if (tokens.is(TokenKind::Decimal)) return tokens.fail("the ACE field of AccECN is not here");
    if (tokens.accept_symbol('.')) {
        tcp.flags |= wire::TcpFlags::kAck;
        has_any = true;
    }
    return has_any || tokens.fail_expected("TCP flags");
}

bool parse_tcp(TokenStream& tokens, PacketEvent& packet) {
    auto& tcp = packet.payload.emplace<TcpSpec>();
    const bool is_in = packet.direction == PacketEvent::Direction::In;
    std::int64_t value = 0;
    if (!parse_flags(tokens, tcp) || !parse_sequence(tokens, tcp.sequence)) return false;
    if (tokens.accept_word("ack")) {
        if (!tokens.expect_integer("ack", 0, kU32Max, value)) return false;
        tcp.ack = static_cast<std::uint32_t>(value);
    }
    if (tokens.accept_word("win")) {
        if (!tokens.expect_integer("win", 0, kU16Max, value)) return false;
        tcp.window = static_cast<std::uint16_t>(value);
    }
    if (is_in && !tcp.window) return tokens.fail("an incoming packet needs its window: `win N`");
    if (tokens.accept_word("urg")) {
        if (!tokens.expect_integer("urg", 0, kU16Max, value)) return false;
        tcp.urgent = static_cast<std::uint16_t>(value);
    }
    if (!parse_tcp_options(tokens, tcp)) return false;
    return !(is_in && tcp.any_options) || tokens.fail("<...> is for outgoing packets");
}

/// "unreachable frag_needed mtu 1400 [1:1001(1000)]", after "icmp".
bool parse_icmp(TokenStream& tokens, PacketEvent& packet) {
    auto& icmp = packet.payload.emplace<IcmpSpec>();
    if (!tokens.is(TokenKind::Word)) return tokens.fail_expected("an ICMP type");
    icmp.type = tokens.take().text;
    if (tokens.is(TokenKind::Word) && !tokens.is_word("mtu") && !tokens.is_word("id")) {
        icmp.code = tokens.take().text;
    }
    std::int64_t value = 0;
    if (tokens.accept_word("mtu")) {
        if (!tokens.expect_integer("mtu", 0, kU32Max, value)) return false;
        icmp.mtu = static_cast<std::uint32_t>(value);
    }
    if (tokens.is_word("id")) return tokens.fail("ICMP echo is not here");
    if (tokens.accept_symbol('[')) {
        if (tokens.is_word("udp") || tokens.is_word("raw"))
            return tokens.fail("ICMP about UDP or raw IP is not here");
        if (!parse_sequence(tokens, icmp.quoted.emplace()) || !tokens.expect_symbol(']')) return false;
    }
    if (packet.direction == PacketEvent::Direction::Out) return tokens.fail("outgoing ICMP is not here");
    return true;
}

}  // namespace

bool parse_sequence(TokenStream& tokens, SequenceSpec& sequence) {
    std::int64_t first = 0;
    std::int64_t end = 0;
    std::int64_t length = 0;
    const int line = tokens.line();
    if (!tokens.expect_integer("a sequence number", 0, kU32Max, first) || !tokens.expect_symbol(':') ||
        !tokens.expect_integer("the sequence number after the last byte", 0, kU32Max, end) ||
        !tokens.expect_symbol('(') || !tokens.expect_integer("a length", 0, kU16Max, length) ||
        !tokens.expect_symbol(')')) {
        return false;
    }
    sequence.first = static_cast<std::uint32_t>(first);
    sequence.length = static_cast<std::uint32_t>(length);
    if (sequence.first + sequence.length == static_cast<std::uint32_t>(end)) return true;
    return tokens.fail_at(line, std::to_string(first) + ':' + std::to_string(end) + " is not " +
                                    std::to_string(length) + " bytes");
}

bool parse_packet(TokenStream& tokens, PacketEvent& packet) {
    packet.direction = tokens.take().text == "<" ? PacketEvent::Direction::In : PacketEvent::Direction::Out;
    constexpr std::string_view kNotHere[] = {"udp", "gre", "GREv0", "mpls", "ipv4", "ipv6", "encap"};
    const auto refuse_other = [&] {
        const auto* found = std::find_if(std::begin(kNotHere), std::end(kNotHere),
                                         [&](std::string_view word) { return tokens.is_word(word); });
        return found == std::end(kNotHere) || tokens.fail(std::string(*found) + " packets are not here");
    };
    if (!refuse_other() || !parse_ip_info(tokens, packet.ip) || !refuse_other()) return false;
    if (packet.ip.check == IpInfo::Check::Ect01 && packet.direction == PacketEvent::Direction::In) {
        return tokens.fail("ect01 is for outgoing packets");
    }
    if (tokens.accept_word("icmp")) return parse_icmp(tokens, packet);
    return parse_ports(tokens, packet) && parse_tcp(tokens, packet);
}

}  // namespace terminus::drill
