#include "load/neighbours.hpp"

#include <array>
#include <utility>

#include "wire/arp.hpp"
#include "wire/ethernet.hpp"
#include "wire/nd.hpp"
#include "wire/protocol.hpp"

namespace terminus::load {

Neighbours::Neighbours(const SideSettings& settings, bool answers_for_all)
    : settings_(settings), answers_for_all_(answers_for_all), builder_(settings.pool, nullptr, {}) {}

bool Neighbours::is_ours(const wire::IpAddress& address) const {
    return answers_for_all_ || settings_.local.contains(address) || settings_.also_answers == address;
}

bool Neighbours::receive(const packet::Buffer& frame) {
    if (!frame.is_linear()) return false;
    const base::Bytes bytes = frame.bytes();
    const auto parsed = wire::parse_frame(bytes, frame.length());
    if (!parsed) return false;
    const wire::Frame& found = parsed.value();
    if (found.ether_type == wire::kEtherTypeArp) return arp_arrives(bytes.subspan(found.l3_offset));
    if (found.protocol != wire::kProtocolIcmpv6 || found.is_fragment) return false;
    const base::Bytes message = bytes.subspan(found.l4_offset, found.l4_length);
    return wire::l4_checksum_is_good(found, message) && nd_arrives(found, message);
}

bool Neighbours::arp_arrives(base::Bytes message) {
    const auto parsed = wire::parse_arp(message);
    if (!parsed) return false;
    const wire::ArpMessage& arp = parsed.value();
    if (settings_.next_hop == arp.sender) peer_ = arp.sender_mac;
    if (arp.operation != wire::ArpOperation::Request || !is_ours(arp.target)) return false;
    if (answers_.full()) return true;
    wire::ArpMessage answer;
    answer.operation = wire::ArpOperation::Reply;
    answer.sender_mac = settings_.mac;
    answer.sender = arp.target;
    answer.target_mac = arp.sender_mac;
    answer.target = arp.sender;
    std::array<std::uint8_t, wire::kArpLength> storage{};
    wire::write_arp(answer, storage);
    answers_.push_back(builder_.ethernet(settings_.mac, arp.sender_mac, wire::kEtherTypeArp, storage));
    return true;
}

bool Neighbours::nd_arrives(const wire::Frame& frame, base::Bytes message) {
    const auto parsed = wire::parse_nd(frame.source, frame.destination, frame.hop_limit, message);
    if (!parsed) return false;
    const wire::NdMessage& nd = parsed.value();
    if (nd.kind == wire::NdKind::Advertisement && settings_.next_hop == nd.target && nd.link_address)
        peer_ = *nd.link_address;
    if (nd.kind != wire::NdKind::Solicitation || !is_ours(nd.target)) return false;
    if (answers_.full()) return true;
    wire::NdMessage answer;
    answer.kind = wire::NdKind::Advertisement;
    answer.target = nd.target;
    answer.link_address = settings_.mac;
    answer.override = true;
    // RFC 4861 7.2.4: who asks without an address of its own is told by all nodes' group.
    answer.solicited = !frame.source.is_unspecified();
    const wire::IpAddress to = answer.solicited ? frame.source : wire::all_nodes_multicast();
    std::array<std::uint8_t, wire::kNdLengthMax> storage{};
    const std::size_t length = wire::write_nd(answer, nd.target, to, storage);
    answers_.push_back(nd_frame(nd.target, to, answer.solicited ? frame.source_mac : wire::multicast_mac(to),
                                base::Bytes(storage).first(length)));
    return true;
}

packet::Buffer Neighbours::nd_frame(const wire::IpAddress& source, const wire::IpAddress& destination,
                                    const wire::MacAddress& to, base::Bytes message) {
    packet::FrameAddressing addressing;
    addressing.source_mac = settings_.mac;
    addressing.destination_mac = to;
    addressing.source = source;
    addressing.destination = destination;
    addressing.hop_limit = wire::kNdHopLimit;
    return builder_.ip(addressing, wire::kProtocolIcmpv6, message);
}

packet::Buffer Neighbours::arp_question(const wire::IpAddress& sender, const wire::IpAddress& target) {
    wire::ArpMessage arp;
    arp.sender_mac = settings_.mac;
    arp.sender = sender;
    arp.target = target;
    std::array<std::uint8_t, wire::kArpLength> storage{};
    wire::write_arp(arp, storage);
    return builder_.ethernet(settings_.mac, wire::MacAddress::broadcast(), wire::kEtherTypeArp, storage);
}

packet::Buffer Neighbours::solicitation() {
    wire::NdMessage nd;
    nd.kind = wire::NdKind::Solicitation;
    nd.target = *settings_.next_hop;
    nd.link_address = settings_.mac;
    const wire::IpAddress to = wire::solicited_node_multicast(nd.target);
    std::array<std::uint8_t, wire::kNdLengthMax> storage{};
    const std::size_t length = wire::write_nd(nd, settings_.local.first, to, storage);
    return nd_frame(settings_.local.first, to, wire::multicast_mac(to), base::Bytes(storage).first(length));
}

void Neighbours::run(base::Instant now, packet::Batch& out) {
    while (!answers_.empty() && !out.full()) {
        packet::Buffer& last = answers_[answers_.size() - 1];
        if (last) out.push_back(std::move(last));  // the pool may have been empty
        answers_.pop_back();
    }
    if (!peer_ && settings_.next_hop && now >= ask_at_ && !out.full()) {
        packet::Buffer asked = settings_.next_hop->is_v4()
                                   ? arp_question(settings_.local.first, *settings_.next_hop)
                                   : solicitation();
        if (asked) out.push_back(std::move(asked));
        ask_at_ = now + kAskEvery;
    }
    if (!answers_for_all_) announce(out);
}

void Neighbours::announce(packet::Batch& out) {
    const std::uint32_t all = settings_.local.count + (settings_.also_answers ? 1 : 0);
    for (; announced_ < all && !out.full(); ++announced_) {
        const wire::IpAddress own =
            announced_ == settings_.local.count
                ? *settings_.also_answers
                : settings_.local.with_low(AddressRange::low(settings_.local.first) + announced_);
        packet::Buffer frame = announcement(own);
        if (!frame) return;
        out.push_back(std::move(frame));
    }
}

// RFC 5227 3: a request for the very address; RFC 4861 7.2.6: an advertisement that nobody asked for.
packet::Buffer Neighbours::announcement(const wire::IpAddress& own) {
    if (own.is_v4()) return arp_question(own, own);
    wire::NdMessage nd;
    nd.kind = wire::NdKind::Advertisement;
    nd.target = own;
    nd.link_address = settings_.mac;
    nd.override = true;
    const wire::IpAddress to = wire::all_nodes_multicast();
    std::array<std::uint8_t, wire::kNdLengthMax> storage{};
    const std::size_t length = wire::write_nd(nd, own, to, storage);
    return nd_frame(own, to, wire::multicast_mac(to), base::Bytes(storage).first(length));
}

}  // namespace terminus::load
