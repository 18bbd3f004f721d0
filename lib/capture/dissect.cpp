#include "capture/dissect.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "wire/ethernet.hpp"
#include "wire/protocol.hpp"

namespace terminus::capture {
namespace {

std::string hex(std::uint64_t value, int digits) {
    char text[24];
    std::snprintf(text, sizeof text, "0x%0*llx", digits, static_cast<unsigned long long>(value));
    return text;
}

std::string hex(base::Bytes bytes) {
    std::string text;
    for (const std::uint8_t byte : bytes)
        text += hex(byte, 2).substr(2);
    return text;
}

std::string mac_text(base::Bytes bytes) {
    wire::MacAddress mac;
    std::copy_n(bytes.begin(), mac.bytes.size(), mac.bytes.begin());
    return wire::to_string(mac);
}

wire::IpAddress address_of(base::Bytes bytes) {
    if (bytes.size() == 4) return wire::IpAddress::v4(base::load_be32(bytes.data()));
    std::array<std::uint8_t, 16> all{};
    std::copy_n(bytes.begin(), all.size(), all.begin());
    return wire::IpAddress::v6(all);
}

/// "S." as packet scripts and tcpdump have it: . is ACK.
std::string flags_text(std::uint8_t flags) {
    constexpr std::string_view kLetters = "FSRP.UEW";
    std::string text;
    for (std::size_t bit = 0; bit < kLetters.size(); ++bit) {
        if ((flags >> bit & 1) != 0) text += kLetters[bit];
    }
    return text.empty() ? "-" : text;
}

std::string sack_blocks_text(base::Bytes blocks) {
    std::string text = "sack";
    for (std::size_t at = 0; at + 8 <= blocks.size(); at += 8) {
        text += ' ' + std::to_string(base::load_be32(&blocks[at])) + ':' +
                std::to_string(base::load_be32(&blocks[at + 4]));
    }
    return text;
}

std::string option_text(std::uint8_t kind, base::Bytes value) {
    if (kind == 2 && value.size() == 2) return "mss " + std::to_string(base::load_be16(value.data()));
    if (kind == 3 && value.size() == 1) return "wscale " + std::to_string(value[0]);
    if (kind == 4 && value.empty()) return "sackOK";
    if (kind == 5 && value.size() % 8 == 0) return sack_blocks_text(value);
    if (kind == 8 && value.size() == 8) {
        return "TS val " + std::to_string(base::load_be32(value.data())) + " ecr " +
               std::to_string(base::load_be32(&value[4]));
    }
    if (kind == 34) return "FO " + hex(value);
    return "option " + std::to_string(kind) + ' ' + hex(value);
}

std::string options_text(base::Bytes options) {
    std::string text;
    const auto say = [&](const std::string& what) { text += (text.empty() ? "" : ",") + what; };
    while (!options.empty() && options[0] != 0) {
        if (options[0] == 1) {
            say("nop");
            options = options.subspan(1);
            continue;
        }
        if (options.size() < 2 || options[1] < 2 || options[1] > options.size()) {
            say("broken " + hex(options));
            return text;
        }
        say(option_text(options[0], options.subspan(2, options[1] - 2u)));
        options = options.subspan(options[1]);
    }
    return text;
}

/// Goes through a frame from its front; what is not there any more ends the walk.
class Walk {
 public:
    explicit Walk(base::Bytes frame) : frame_(frame) {}

    Dissection run() {
        if (frame_.size() < wire::kEthernetHeader) {
            out_.summary = "a frame of " + std::to_string(frame_.size()) + " bytes";
            return std::move(out_);
        }
        say("eth.destination", mac_text(frame_));
        say("eth.source", mac_text(frame_.subspan(6)));
        ether_type_ = base::load_be16(&frame_[12]);
        at_ = wire::kEthernetHeader;
        if (ether_type_ == wire::kEtherTypeVlan && has(4)) {
            say("vlan.tag", hex(base::load_be16(&frame_[at_]), 4));
            ether_type_ = base::load_be16(&frame_[at_ + 2]);
            at_ += 4;
        }
        say("eth.type", hex(ether_type_, 4));
        out_.summary = "EtherType " + hex(ether_type_, 4) + ", " + std::to_string(frame_.size()) + " bytes";
        if (ether_type_ == wire::kEtherTypeArp) arp();
        if (ether_type_ == wire::kEtherTypeIpv4) ipv4();
        if (ether_type_ == wire::kEtherTypeIpv6) ipv6();
        out_.payload = at_;
        return std::move(out_);
    }

 private:
    [[nodiscard]] bool has(std::size_t bytes) const { return frame_.size() - at_ >= bytes; }
    [[nodiscard]] std::uint8_t u8(std::size_t offset) const { return frame_[at_ + offset]; }
    [[nodiscard]] std::uint16_t u16(std::size_t offset) const {
        return base::load_be16(&frame_[at_ + offset]);
    }
    [[nodiscard]] std::uint32_t u32(std::size_t offset) const {
        return base::load_be32(&frame_[at_ + offset]);
    }
    void say(const char* name, std::string value) { out_.fields.push_back({name, std::move(value)}); }
    void say(const char* name, std::uint64_t value) { say(name, std::to_string(value)); }
    void meet(const wire::Endpoint& source, const wire::Endpoint& destination) {
        out_.ends = std::minmax(source, destination);
    }

    void arp() {
        if (!has(28)) return;
        const wire::IpAddress sender = address_of(frame_.subspan(at_ + 14, 4));
        const wire::IpAddress target = address_of(frame_.subspan(at_ + 24, 4));
        say("arp.operation", u16(6));
        say("arp.sender_mac", mac_text(frame_.subspan(at_ + 8)));
        say("arp.sender", sender.to_string());
        say("arp.target_mac", mac_text(frame_.subspan(at_ + 18)));
        say("arp.target", target.to_string());
        out_.summary = u16(6) == 1
                           ? "ARP who has " + target.to_string() + ", asks " + sender.to_string()
                           : "ARP " + sender.to_string() + " is at " + mac_text(frame_.subspan(at_ + 8));
        meet({sender, 0}, {target, 0});
        at_ += 28;
    }

    void ipv4() {
        if (!has(20)) return;
        const std::size_t header = (u8(0) & 15u) * 4;
        say("ip.version", u8(0) >> 4);
        say("ip.tos", hex(u8(1), 2));
        say("ip.length", u16(2));
        say("ip.id", u16(4));
        say("ip.fragment", hex(u16(6), 4));
        say("ip.ttl", u8(8));
        say("ip.checksum", hex(u16(10), 4));
        source_ = address_of(frame_.subspan(at_ + 12, 4));
        destination_ = address_of(frame_.subspan(at_ + 16, 4));
        const std::size_t length = u16(2);
        const std::uint8_t protocol = u8(9);
        const bool is_later_fragment = (u16(6) & 0x1fff) != 0;
        if (header < 20 || !has(header)) return;
        if (header > 20) say("ip.options", hex(frame_.subspan(at_ + 20, header - 20)));
        datagram(header, protocol, length > header ? length - header : 0, is_later_fragment);
    }

    void ipv6() {
        if (!has(40)) return;
        say("ip.version", u8(0) >> 4);
        say("ip.traffic_class", hex(u32(0) >> 20 & 255, 2));
        say("ip.flow_label", hex(u32(0) & 0xfffff, 5));
        say("ip.length", u16(4));
        say("ip.hop_limit", u8(7));
        source_ = address_of(frame_.subspan(at_ + 8, 16));
        destination_ = address_of(frame_.subspan(at_ + 24, 16));
        datagram(40, u8(6), u16(4), false);
    }

    void datagram(std::size_t header, std::uint8_t protocol, std::size_t length, bool is_later_fragment) {
        at_ += header;
        say("ip.source", source_.to_string());
        say("ip.destination", destination_.to_string());
        say("ip.protocol", protocol);
        meet({source_, 0}, {destination_, 0});
        out_.summary = source_.to_string() + " > " + destination_.to_string() + " protocol " +
                       std::to_string(protocol) + ", " + std::to_string(length) + " bytes";
        if (is_later_fragment) return;
        if (protocol == wire::kProtocolTcp) tcp(length);
        if (protocol == wire::kProtocolIcmp || protocol == wire::kProtocolIcmpv6) icmp();
    }

    void icmp() {
        if (!has(8)) return;
        say("icmp.type", u8(0));
        say("icmp.code", u8(1));
        say("icmp.checksum", hex(u16(2), 4));
        say("icmp.rest", hex(u32(4), 8));
        out_.summary = source_.to_string() + " > " + destination_.to_string() + " ICMP type " +
                       std::to_string(u8(0)) + " code " + std::to_string(u8(1));
        at_ += 8;
    }

    void tcp(std::size_t length) {
        if (!has(20)) return;
        const wire::Endpoint source{source_, u16(0)}, destination{destination_, u16(2)};
        meet(source, destination);
        const std::size_t header = (u8(12) >> 4) * 4u;
        const std::uint8_t flags = u8(13);
        say("tcp.source_port", u16(0));
        say("tcp.destination_port", u16(2));
        say("tcp.seq", u32(4));
        say("tcp.ack", u32(8));
        say("tcp.header_length", header);
        say("tcp.flags", flags_text(flags));
        say("tcp.window", u16(14));
        say("tcp.checksum", hex(u16(16), 4));
        say("tcp.urgent_pointer", u16(18));
        const std::size_t text = length > header ? length - header : 0;
        out_.summary = source.to_string() + " > " + destination.to_string() + ' ' + flags_text(flags) + ' ' +
                       std::to_string(u32(4)) + ':' +
                       std::to_string(u32(4) + static_cast<std::uint32_t>(text)) + '(' +
                       std::to_string(text) + ')';
        if ((flags & 0x10) != 0) out_.summary += " ack " + std::to_string(u32(8));
        out_.summary += " win " + std::to_string(u16(14));
        if (header < 20 || !has(header)) return;
        if (header > 20) {
            const std::string options = options_text(frame_.subspan(at_ + 20, header - 20));
            say("tcp.options", options);
            out_.summary += " <" + options + '>';
        }
        at_ += header;
    }

    base::Bytes frame_;
    std::size_t at_ = 0;
    std::uint16_t ether_type_ = 0;
    wire::IpAddress source_;
    wire::IpAddress destination_;
    Dissection out_;
};

}  // namespace

Dissection dissect(base::Bytes frame) {
    return Walk(frame).run();
}

}  // namespace terminus::capture
