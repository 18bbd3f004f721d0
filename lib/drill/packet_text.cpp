#include "drill/packet_text.hpp"

#include <cstdio>
#include <string_view>

#include "drill/tcp_options.hpp"
#include "wire/tcp.hpp"

namespace terminus::drill {
namespace {

constexpr std::string_view kEcnNames[] = {"noecn", "ect1", "ect0", "ce"};  // RFC 3168 5

std::string flags_text(std::uint8_t flags, bool ae) {
    using Flags = wire::TcpFlags;
    constexpr std::pair<std::uint8_t, char> kLetters[] = {
        {Flags::kFin, 'F'}, {Flags::kSyn, 'S'}, {Flags::kRst, 'R'}, {Flags::kPsh, 'P'},
        {Flags::kUrg, 'U'}, {Flags::kEce, 'E'}, {Flags::kCwr, 'W'}, {Flags::kAck, '.'}};
    std::string text = ae ? "A" : "";
    for (const auto& [bit, letter] : kLetters)
        if ((flags & bit) != 0) text += letter;
    return text.empty() ? "-" : text;
}

std::string sequence_text(std::uint32_t first, std::uint32_t length) {
    return std::to_string(first) + ':' + std::to_string(first + length) + '(' + std::to_string(length) + ')';
}

std::string ip_text(const IpInfo& ip) {
    std::string text;
    const auto add = [&](const std::string& what) { text += (text.empty() ? "" : ", ") + what; };
    if (ip.check == IpInfo::Check::Ecn) add(std::string(kEcnNames[ip.tos & 3]));
    if (ip.check == IpInfo::Check::Ect01) add("ect01");
    if (ip.check == IpInfo::Check::Tos) add("tos " + std::to_string(ip.tos));
    if (ip.ttl != 0) add("ttl " + std::to_string(ip.ttl));
    if (ip.flow_label) add("flowlabel " + std::to_string(*ip.flow_label));
    return text.empty() ? text : '[' + text + "] ";
}

std::string tcp_text(const TcpSpec& tcp) {
    std::string text =
        flags_text(tcp.flags, tcp.ae) + ' ' + sequence_text(tcp.sequence.first, tcp.sequence.length);
    if ((tcp.flags & wire::TcpFlags::kAck) != 0 || tcp.ack != 0) text += " ack " + std::to_string(tcp.ack);
    if (tcp.window) text += " win " + std::to_string(*tcp.window);
    if (tcp.urgent != 0) text += " urg " + std::to_string(tcp.urgent);
    if (tcp.any_options) return text + " <...>";
    return tcp.options.empty() ? text : text + " <" + to_string(tcp.options) + '>';
}

std::string icmp_text(const IcmpSpec& icmp) {
    std::string text = "icmp " + icmp.type;
    if (!icmp.code.empty()) text += ' ' + icmp.code;
    if (icmp.mtu) text += " mtu " + std::to_string(*icmp.mtu);
    if (icmp.quoted) text += " [" + sequence_text(icmp.quoted->first, icmp.quoted->length) + ']';
    return text;
}

}  // namespace

std::string to_string(base::Duration time) {
    char text[40];
    const long long ns = time.count();
    const unsigned long long size = static_cast<unsigned long long>(ns < 0 ? -ns : ns);
    std::snprintf(text, sizeof text, "%s%llu.%06llu", ns < 0 ? "-" : "", size / 1'000'000'000,
                  size / 1'000 % 1'000'000);
    return text;
}

std::string to_string(const WirePacket& packet, bool show_ip) {
    TcpSpec tcp;
    tcp.flags = packet.flags;
    tcp.ae = packet.ae;
    tcp.sequence = {packet.seq, static_cast<std::uint32_t>(packet.payload.size())};
    tcp.ack = packet.ack;
    tcp.window = packet.window;
    tcp.urgent = packet.urgent;
    tcp.options = packet.options;
    if (!show_ip) return tcp_text(tcp);
    IpInfo ip;
    ip.check = packet.tos < 4 ? IpInfo::Check::Ecn : IpInfo::Check::Tos;
    ip.tos = packet.tos;
    ip.ttl = packet.hop_limit;
    if (!packet.source.address.is_v4()) ip.flow_label = packet.flow_label;
    return ip_text(ip) + tcp_text(tcp);
}

std::string to_string(const PacketEvent& packet) {
    std::string text = ip_text(packet.ip);
    if (const auto* icmp = std::get_if<IcmpSpec>(&packet.payload)) return text + icmp_text(*icmp);
    if (packet.source_port != 0 || packet.destination_port != 0)
        text += std::to_string(packet.source_port) + " > " + std::to_string(packet.destination_port) + ' ';
    return text + tcp_text(std::get<TcpSpec>(packet.payload));
}

}  // namespace terminus::drill
