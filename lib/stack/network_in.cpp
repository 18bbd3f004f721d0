#include <algorithm>
#include <array>

#include "packet/chain.hpp"
#include "packet/frame_access.hpp"
#include "stack/network.hpp"
#include "wire/arp.hpp"
#include "wire/ethernet.hpp"
#include "wire/icmp.hpp"
#include "wire/nd.hpp"
#include "wire/plain_tcp.hpp"
#include "wire/protocol.hpp"

namespace terminus::stack {
namespace {

// The reasons of `stats` have the same words as `wire`'s faults; `wire` may not know `stats`.
stats::DropReason reason_of(wire::Fault fault) {
    switch (fault) {
        case wire::Fault::EthernetTruncated:
            return stats::DropReason::EthernetTruncated;
        case wire::Fault::EthernetSource:
            return stats::DropReason::EthernetSource;
        case wire::Fault::VlanTagged:
            return stats::DropReason::VlanTagged;
        case wire::Fault::EtherTypeUnknown:
            return stats::DropReason::EtherTypeUnknown;
        case wire::Fault::ArpMalformed:
            return stats::DropReason::ArpMalformed;
        case wire::Fault::IpTruncated:
            return stats::DropReason::IpTruncated;
        case wire::Fault::IpVersion:
            return stats::DropReason::IpVersion;
        case wire::Fault::IpHeaderLength:
            return stats::DropReason::IpHeaderLength;
        case wire::Fault::IpTotalLength:
            return stats::DropReason::IpTotalLength;
        case wire::Fault::IpChecksum:
            return stats::DropReason::IpChecksum;
        case wire::Fault::IpAddress:
            return stats::DropReason::IpAddress;
        case wire::Fault::IpExtensionChain:
            return stats::DropReason::IpExtensionChain;
        case wire::Fault::IpProtocolUnknown:
            return stats::DropReason::IpProtocolUnknown;
        case wire::Fault::FragmentMalformed:
            return stats::DropReason::FragmentMalformed;
        case wire::Fault::IcmpTruncated:
            return stats::DropReason::IcmpTruncated;
        case wire::Fault::IcmpChecksum:
            return stats::DropReason::IcmpChecksum;
        case wire::Fault::IcmpMalformed:
            return stats::DropReason::IcmpMalformed;
        case wire::Fault::NdMalformed:
            return stats::DropReason::NdMalformed;
        case wire::Fault::TcpTruncated:
            return stats::DropReason::TcpTruncated;
        case wire::Fault::TcpDataOffset:
            return stats::DropReason::TcpDataOffset;
        case wire::Fault::TcpChecksum:
            return stats::DropReason::TcpChecksum;
        case wire::Fault::TcpPortZero:
            return stats::DropReason::TcpPortZero;
    }
    TERMINUS_ASSERT(false, "the switch has every fault");
    return stats::DropReason::IpTruncated;
}

tcp::IcmpError error_of(neigh::IcmpEffect effect) {
    switch (effect) {
        case neigh::IcmpEffect::Soft:
            return tcp::IcmpError::Soft;
        case neigh::IcmpEffect::Hard:
            return tcp::IcmpError::Hard;
        case neigh::IcmpEffect::Refused:
            return tcp::IcmpError::Refused;
        case neigh::IcmpEffect::TooBig:
            return tcp::IcmpError::TooBig;
    }
    TERMINUS_ASSERT(false, "the switch has every effect");
    return tcp::IcmpError::Soft;
}

}  // namespace

Network::Network(const Settings& settings, std::vector<packet::Port*> ports, stats::CoreStats& stats,
                 base::Instant now)
    : settings_(settings),
      stats_(stats),
      ports_(std::move(ports)),
      local_(settings.interfaces),
      routes_(settings.routes),
      neighbours_(settings.table_key, {.entries_max = settings.neighbours_max}),
      responder_(settings.interfaces, local_, neighbours_),
      echo_(local_),
      reassembler_(packet::Reassembler::Settings{}),
      resets_(settings.table_key),
      hop_limit_(settings.tunables.hop_limit) {
    for (packet::Port* port : ports_) {
        builders_.emplace_back(settings.buffers.header, settings.buffers.indirect, port->capabilities());
        unsent_.push_back(std::make_unique<packet::Batch>());
    }
    add_local_addresses(settings.local_addresses, now);
    responder_.announce(now);
}

void Network::add_local_addresses(const std::vector<wire::IpAddress>& by_id, base::Instant now) {
    bool any_new = false;
    for (std::size_t id = 0; id < by_id.size(); ++id) {
        if (id < local_.size()) {
            TERMINUS_ASSERT(local_.address(static_cast<neigh::LocalId>(id)) == by_id[id],
                            "all workers intern what the control thread lists, in its order");
            continue;
        }
        const std::optional<neigh::LocalId> given = local_.add(by_id[id], home_of(by_id[id]));
        TERMINUS_ASSERT(given == id, "the config bounds the addresses of a process");
        any_new = true;
    }
    if (any_new) responder_.announce(now);
}

// A virtual address inside a port's network is answered for there only: two ports on one link must not both
// claim it.
std::uint16_t Network::home_of(const wire::IpAddress& address) const {
    for (const neigh::Interface& interface : settings_.interfaces) {
        for (const wire::Prefix& own : interface.addresses) {
            if (own.contains(address)) return interface.port;
        }
    }
    return neigh::kEveryPort;
}

Received Network::receive(packet::Buffer frame, std::uint16_t port, Origin origin, base::Instant now,
                          Arrival& arrival) {
    const Received received = receive_plain(std::move(frame), port, origin, arrival);
    return received == Received::Other ? receive_other(arrival, now) : received;
}

Received Network::receive_plain(packet::Buffer frame, std::uint16_t port, Origin origin, Arrival& arrival) {
    arrival.port = port;
    arrival.origin = origin;
    if (!packet::linearise_headers(frame, wire::kHeaderBytesMax, settings_.buffers.payload)) {
        drop(stats::DropReason::NoBuffer);
        return Received::Nothing;
    }
    arrival.frame = std::move(frame);
    wire::Frame plain;
    const base::Bytes bytes = arrival.frame.bytes();
    if (!wire::read_plain_tcp(bytes, arrival.frame.length(), plain, arrival.segment)) [[unlikely]]
        return Received::Other;
    const std::optional<neigh::LocalId> local_id = local_.find(plain.destination);
    if (!local_id || plain.destination_mac != ports_[port]->mac()) {
        drop(stats::DropReason::NotForUs);
        return Received::Nothing;
    }
    return segment_received(plain, *local_id, arrival);
}

Received Network::receive_other(Arrival& arrival, base::Instant now) {
    base::Result<wire::Frame, wire::Fault> parsed =
        wire::parse_frame(arrival.frame.bytes(), arrival.frame.length());
    if (!parsed) {
        drop(reason_of(parsed.error()));
        return Received::Nothing;
    }
    wire::Frame& header = parsed.value();
    if (!header.destination_mac.is_group() && header.destination_mac != ports_[arrival.port]->mac()) {
        drop(stats::DropReason::NotForUs);
        return Received::Nothing;
    }
    if (header.ether_type == wire::kEtherTypeArp) {
        receive_arp(header, arrival, now);
        return Received::Nothing;
    }
    if (!is_for_us(header)) {
        drop(stats::DropReason::NotForUs);
        return Received::Nothing;
    }
    return receive_ip(header, arrival, now);
}

bool Network::is_for_us(const wire::Frame& header) const {
    if (local_.find(header.destination)) return true;
    // Neighbour discovery comes to groups; which of our addresses it is about stands inside.
    return header.protocol == wire::kProtocolIcmpv6 && header.destination.is_multicast();
}

Received Network::receive_ip(wire::Frame& header, Arrival& arrival, base::Instant now) {
    if (header.is_fragment) {
        stats_.fragments_received.add();
        packet::Reassembler::Outcome outcome = reassembler_.offer(std::move(arrival.frame), header, now);
        if (outcome.dropped)
            drop(*outcome.dropped == packet::FragmentFault::Malformed ? stats::DropReason::FragmentMalformed
                                                                      : stats::DropReason::FragmentLimit);
        if (!outcome.datagram) return Received::Nothing;
        stats_.datagrams_reassembled.add();
        // Whole again, and from here on a frame like any other: it may even belong to another worker.
        return receive(std::move(outcome.datagram), arrival.port, arrival.origin, now, arrival);
    }
    if (header.protocol == wire::kProtocolTcp) return receive_tcp(header, arrival);
    return receive_icmp(header, arrival, now);
}

Received Network::receive_tcp(const wire::Frame& header, Arrival& arrival) {
    base::Result<wire::TcpSegment, wire::Fault> segment =
        wire::parse_tcp(arrival.frame.bytes().subspan(header.l4_offset), header.l4_length);
    if (!segment) {
        drop(reason_of(segment.error()));
        return Received::Nothing;
    }
    arrival.segment = segment.value();
    return segment_received(header, *local_.find(header.destination), arrival);
}

// Whole and well-formed; whether it is what its sender sent is asked here.
Received Network::segment_received(const wire::Frame& header, neigh::LocalId local_id, Arrival& arrival) {
    arrival.segment.congestion_experienced = (header.traffic_class & wire::kEcnMask) == wire::kEcnCe;
    const bool device_vouches =
        ports_[arrival.port]->capabilities().rx_checksum && packet::device_verified_l4(arrival.frame);
    if (!device_vouches) {  // RFC 9293 3.1, MUST-3
        stats_.checksums_verified_in_software.add();
        if (!wire::is_good(packet::sum_bytes(arrival.frame, header.l4_offset, header.l4_length,
                                             wire::l4_pseudo_sum(header)))) {
            drop(stats::DropReason::TcpChecksum);
            return Received::Nothing;
        }
    }
    if (local_.is_directed_broadcast(header.source)) {  // RFC 1122 4.2.3.10
        drop(stats::DropReason::IpAddress);
        return Received::Nothing;
    }
    arrival.tuple = {{header.destination, arrival.segment.destination_port},
                     {header.source, arrival.segment.source_port}};
    arrival.local_id = local_id;
    arrival.payload_offset = header.l4_offset + std::uint32_t{arrival.segment.header_length};
    return Received::Tcp;
}

bool Network::hand_over_if_foreign(Arrival& arrival) {
    if (settings_.workers == 1 || arrival.origin == Origin::HandOver) return false;
    const std::uint16_t owner = settings_.steering[arrival.port].owner(arrival.tuple);
    if (owner == settings_.worker) return false;
    Message message;
    message.kind = Message::Kind::Frame;
    message.port = arrival.port;
    message.frame = std::move(arrival.frame);
    stats_.hand_overs_sent.add();
    post(owner, std::move(message));
    return true;
}

// What is not TCP has one place to be dealt with. True when the frame has gone there.
bool Network::to_worker_0(Arrival& arrival) {
    if (settings_.worker == 0) return false;
    Message message;
    message.kind = Message::Kind::Frame;
    message.port = arrival.port;
    message.frame = std::move(arrival.frame);
    stats_.hand_overs_sent.add();
    post(0, std::move(message));
    return true;
}

void Network::post(std::uint16_t worker, Message message) {
    if (outbox_.full()) {
        drop(stats::DropReason::HandOverFull);
        return;
    }
    outbox_.push_back({worker, std::move(message)});
}

std::optional<OutMessage> Network::poll_message() {
    if (outbox_taken_ == outbox_.size()) {
        outbox_.clear();
        outbox_taken_ = 0;
        return std::nullopt;
    }
    return std::optional<OutMessage>(std::move(outbox_[outbox_taken_++]));
}

Received Network::receive_icmp(const wire::Frame& header, Arrival& arrival, base::Instant now) {
    // A reassembled echo may be longer than one packet; what is answered must fit one.
    if (header.l4_length > kEchoBytesMax ||
        !packet::linearise_headers(arrival.frame, header.l4_offset + header.l4_length,
                                   settings_.buffers.payload)) {
        drop(stats::DropReason::IcmpIgnored);
        return Received::Nothing;
    }
    const base::Bytes message = arrival.frame.bytes().subspan(header.l4_offset, header.l4_length);
    base::Result<wire::IcmpMessage, wire::Fault> parsed =
        wire::parse_icmp(header.source, header.destination, message);
    if (!parsed) {
        drop(reason_of(parsed.error()));
        return Received::Nothing;
    }
    switch (parsed.value().kind) {
        case wire::IcmpKind::Error:
            return receive_icmp_error(parsed.value(), arrival);
        case wire::IcmpKind::EchoRequest:
            if (!to_worker_0(arrival)) answer_echo(header, message, arrival, now);
            break;
        case wire::IcmpKind::NeighbourDiscovery:
            if (!to_worker_0(arrival)) receive_nd(header, message, arrival, now);
            break;
        case wire::IcmpKind::EchoReply:
        case wire::IcmpKind::Other:
            drop(stats::DropReason::IcmpIgnored);
            break;
    }
    return Received::Nothing;
}

// RFC 5927: an error names the connection by the packet that it quotes, and is nothing without one.
Received Network::receive_icmp_error(const wire::IcmpMessage& message, Arrival& arrival) {
    const std::optional<neigh::IcmpVerdict> verdict = neigh::icmp_verdict(message);
    if (!verdict) {
        drop(stats::DropReason::IcmpIgnored);
        return Received::Nothing;
    }
    if (!message.quote || message.quote->protocol != wire::kProtocolTcp) {
        drop(stats::DropReason::IcmpUnmatched);
        return Received::Nothing;
    }
    const std::optional<neigh::LocalId> local_id = local_.find(message.quote->tuple.local.address);
    if (!local_id) {
        drop(stats::DropReason::IcmpUnmatched);
        return Received::Nothing;
    }
    arrival.tuple = message.quote->tuple;
    arrival.local_id = *local_id;
    arrival.icmp_error = error_of(verdict->effect);
    arrival.quoted_seq = message.quote->seq;
    arrival.next_hop_mtu = verdict->next_hop_mtu;
    return Received::IcmpError;
}

void Network::receive_arp(const wire::Frame& header, Arrival& arrival, base::Instant now) {
    if (to_worker_0(arrival)) return;
    base::Result<wire::ArpMessage, wire::Fault> parsed =
        wire::parse_arp(arrival.frame.bytes().subspan(header.l3_offset));
    if (!parsed) {
        drop(reason_of(parsed.error()));
        return;
    }
    const std::optional<neigh::Message> reply = responder_.arp_arrives(parsed.value(), arrival.port, now);
    if (reply) send_message(*reply);
    poll_neighbours();
}

void Network::receive_nd(const wire::Frame& header, base::Bytes message, const Arrival& arrival,
                         base::Instant now) {
    base::Result<wire::NdMessage, wire::Fault> parsed =
        wire::parse_nd(header.source, header.destination, header.hop_limit, message);
    if (!parsed) {
        drop(reason_of(parsed.error()));
        return;
    }
    if (parsed.value().kind == wire::NdKind::Ignored) {
        drop(stats::DropReason::IcmpIgnored);
        return;
    }
    const std::optional<neigh::Message> reply =
        responder_.nd_arrives(parsed.value(), header, arrival.port, now);
    if (reply) send_message(*reply);
    poll_neighbours();
}

void Network::answer_echo(const wire::Frame& header, base::Bytes request, const Arrival& arrival,
                          base::Instant now) {
    std::array<std::uint8_t, kEchoBytesMax> reply;
    const base::Result<std::size_t, stats::DropReason> length =
        echo_.echo_arrives(header, request, reply, now);
    if (!length) {
        drop(length.error());
        return;
    }
    packet::FrameAddressing to = addressing(header.destination, header.source, arrival.port);
    to.destination_mac = header.source_mac;  // whoever brought the request knows the way back
    const std::uint8_t protocol = header.source.is_v4() ? wire::kProtocolIcmp : wire::kProtocolIcmpv6;
    enqueue_built(builders_[arrival.port].ip(to, protocol, base::Bytes(reply).first(length.value())),
                  arrival.port);
}

base::Instant Network::next_deadline() const {
    base::Instant earliest = neighbours_.next_deadline();
    if (settings_.worker == 0) earliest = std::min(earliest, responder_.next_deadline());
    return std::min(earliest, reassembler_.next_deadline());
}

wire::FourTuple Network::tuple_of(const flow::Key& key) const {
    return {{local_.address(key.local_id), key.local_port}, {key.remote, key.remote_port}};
}

flow::Key key_of(const wire::FourTuple& tuple, std::uint16_t local_id) {
    return {tuple.remote.address, tuple.remote.port, tuple.local.port, local_id, 0};
}
flow::Key key_of(const tcp::HalfOpen& half_open) {
    return {half_open.remote_address(), half_open.remote_port(), half_open.local_port(), half_open.local_id(),
            0};
}
flow::Key key_of(const tcp::TimeWait& time_wait) {
    return {time_wait.remote_address(), time_wait.remote_port(), time_wait.local_port(), time_wait.local_id(),
            0};
}

}  // namespace terminus::stack
