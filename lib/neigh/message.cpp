#include "neigh/message.hpp"

#include "wire/arp.hpp"
#include "wire/ethernet.hpp"
#include "wire/nd.hpp"

namespace terminus::neigh {

namespace {

// Ours for asking about `target`: the address whose network holds it, else any of the family on the
// interface, else any that is answered for there.
std::optional<wire::IpAddress> source_for(const wire::IpAddress& target, const Interface& interface,
                                          const LocalAddresses& locals) {
    std::optional<wire::IpAddress> any;
    for (const wire::Prefix& prefix : interface.addresses) {
        if (prefix.contains(target)) return prefix.address;
        if (!any && prefix.address.is_v4() == target.is_v4()) any = prefix.address;
    }
    if (any) return any;
    for (std::size_t id = 0; id < locals.size(); ++id) {
        const wire::IpAddress& own = locals.address(static_cast<LocalId>(id));
        if (own.is_v4() == target.is_v4() && locals.is_local_on(own, interface.port)) return own;
    }
    return std::nullopt;
}

Message arp_question(const Solicitation& question, const wire::IpAddress& source,
                     const Interface& interface) {
    Message message;
    message.port = interface.port;
    message.ether_type = wire::kEtherTypeArp;
    message.source_mac = interface.mac;
    message.destination_mac = question.unicast_to.value_or(wire::MacAddress::broadcast());
    wire::ArpMessage arp;
    arp.sender_mac = interface.mac;
    arp.sender = source;
    arp.target = question.target;
    wire::write_arp(arp, message.storage);
    message.length = wire::kArpLength;
    return message;
}

Message nd_question(const Solicitation& question, const wire::IpAddress& source, const Interface& interface) {
    Message message;
    message.port = interface.port;
    message.ether_type = wire::kEtherTypeIpv6;
    message.source_mac = interface.mac;
    message.source = source;
    message.destination =
        question.unicast_to ? question.target : wire::solicited_node_multicast(question.target);
    message.destination_mac =
        question.unicast_to ? *question.unicast_to : wire::multicast_mac(message.destination);
    wire::NdMessage nd;
    nd.kind = wire::NdKind::Solicitation;
    nd.target = question.target;
    nd.link_address = interface.mac;
    message.length =
        static_cast<std::uint8_t>(wire::write_nd(nd, message.source, message.destination, message.storage));
    return message;
}

}  // namespace

const Interface* interface_of(std::span<const Interface> interfaces, std::uint16_t port) {
    for (const Interface& interface : interfaces) {
        if (interface.port == port) return &interface;
    }
    return nullptr;
}

std::optional<Message> solicitation_message(const Solicitation& question, const Interface& interface,
                                            const LocalAddresses& locals) {
    const auto source = source_for(question.target, interface, locals);
    if (!source) return std::nullopt;
    return question.target.is_v4() ? arp_question(question, *source, interface)
                                   : nd_question(question, *source, interface);
}

Message announcement_message(const wire::IpAddress& own, const Interface& interface) {
    if (own.is_v4()) {
        // RFC 5227 3: a request whose sender and target are both the announced address.
        return arp_question({own, interface.port, std::nullopt}, own, interface);
    }
    Message message;
    message.port = interface.port;
    message.ether_type = wire::kEtherTypeIpv6;
    message.source_mac = interface.mac;
    message.source = own;
    message.destination = wire::all_nodes_multicast();
    message.destination_mac = wire::multicast_mac(message.destination);
    wire::NdMessage nd;
    nd.kind = wire::NdKind::Advertisement;
    nd.target = own;
    nd.link_address = interface.mac;
    nd.override = true;  // RFC 4861 7.2.6: old entries are to be replaced
    message.length = static_cast<std::uint8_t>(wire::write_nd(nd, own, message.destination, message.storage));
    return message;
}

}  // namespace terminus::neigh
