#include "neigh/responder.hpp"

#include <utility>

#include "wire/ethernet.hpp"

namespace terminus::neigh {

Responder::Responder(std::vector<Interface> interfaces, const LocalAddresses& locals, NeighbourCache& cache)
    : interfaces_(std::move(interfaces)), locals_(locals), cache_(cache) {}

std::optional<Message> Responder::arp_arrives(const wire::ArpMessage& arp, std::uint16_t port,
                                              base::Instant now) {
    const Interface* interface = interface_of(interfaces_, port);
    if (interface == nullptr) return std::nullopt;
    if (arp.sender_mac == interface->mac) return std::nullopt;  // our own, come back
    if (locals_.find(arp.sender)) {
        ++address_conflicts_;
        return std::nullopt;
    }
    const bool for_us = locals_.is_local_on(arp.target, port);
    if (arp.operation == wire::ArpOperation::Reply) {
        // RFC 5227 3: a reply that names its sender as target was sent to all, nobody asked for it.
        cache_.advertised({arp.sender, port, arp.sender_mac, for_us, true}, now);
        return std::nullopt;
    }
    cache_.solicited_by(arp.sender, arp.sender_mac, port, for_us, now);
    if (!for_us) return std::nullopt;

    Message reply;
    reply.port = port;
    reply.ether_type = wire::kEtherTypeArp;
    reply.source_mac = interface->mac;
    reply.destination_mac = arp.sender_mac;
    wire::ArpMessage answer;
    answer.operation = wire::ArpOperation::Reply;
    answer.sender_mac = interface->mac;
    answer.sender = arp.target;
    answer.target_mac = arp.sender_mac;
    answer.target = arp.sender;
    wire::write_arp(answer, reply.storage);
    reply.length = wire::kArpLength;
    return reply;
}

std::optional<Message> Responder::nd_arrives(const wire::NdMessage& nd, const wire::Frame& frame,
                                             std::uint16_t port, base::Instant now) {
    const Interface* interface = interface_of(interfaces_, port);
    if (interface == nullptr || frame.source_mac == interface->mac) return std::nullopt;
    switch (nd.kind) {
        case wire::NdKind::Ignored:
            return std::nullopt;
        case wire::NdKind::Advertisement:
            if (locals_.find(nd.target)) {
                ++address_conflicts_;
                return std::nullopt;
            }
            cache_.advertised({nd.target, port, nd.link_address, nd.solicited, nd.override}, now);
            return std::nullopt;
        case wire::NdKind::Solicitation:
            break;
    }
    // RFC 4861 7.2.3: a target that is not ours is dropped silently, and teaches nothing.
    if (!locals_.is_local_on(nd.target, port)) return std::nullopt;
    if (locals_.find(frame.source)) {
        ++address_conflicts_;
        return std::nullopt;
    }
    if (nd.link_address) cache_.solicited_by(frame.source, *nd.link_address, port, true, now);
    return advertisement(nd, frame, *interface);
}

// RFC 4861 7.2.4. Without a source link-layer address the answer goes where the frame came from, which spares
// a resolution that only an answer to this very question could end.
Message Responder::advertisement(const wire::NdMessage& nd, const wire::Frame& frame,
                                 const Interface& interface) const {
    const bool detects_duplicates = frame.source.is_unspecified();
    Message reply;
    reply.port = interface.port;
    reply.ether_type = wire::kEtherTypeIpv6;
    reply.source_mac = interface.mac;
    reply.source = nd.target;
    reply.destination = detects_duplicates ? wire::all_nodes_multicast() : frame.source;
    reply.destination_mac = detects_duplicates ? wire::multicast_mac(reply.destination)
                                               : nd.link_address.value_or(frame.source_mac);
    wire::NdMessage answer;
    answer.kind = wire::NdKind::Advertisement;
    answer.target = nd.target;
    answer.link_address = interface.mac;
    answer.solicited = !detects_duplicates;
    answer.override = true;
    reply.length =
        static_cast<std::uint8_t>(wire::write_nd(answer, reply.source, reply.destination, reply.storage));
    return reply;
}

void Responder::announce(base::Instant now) {
    rounds_left_ = kAnnounceRounds;
    round_at_ = now;
    announced_ = 0;
}

std::optional<Message> Responder::poll_announcement(base::Instant now) {
    if (rounds_left_ == 0 || now < round_at_) return std::nullopt;
    const std::size_t pairs = interfaces_.size() * locals_.size();
    while (announced_ < pairs) {
        const Interface& interface = interfaces_[announced_ / locals_.size()];
        const auto& own = locals_.address(static_cast<LocalId>(announced_ % locals_.size()));
        ++announced_;
        if (locals_.is_local_on(own, interface.port)) return announcement_message(own, interface);
    }
    announced_ = 0;
    --rounds_left_;
    round_at_ = rounds_left_ == 0 ? base::kNever : now + kAnnounceInterval;
    return std::nullopt;
}

base::Instant Responder::next_deadline() const {
    return round_at_;
}

}  // namespace terminus::neigh
