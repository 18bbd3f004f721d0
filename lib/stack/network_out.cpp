#include <algorithm>

#include "packet/frame_access.hpp"
#include "stack/network.hpp"
#include "wire/nd.hpp"
#include "wire/protocol.hpp"

namespace terminus::stack {
namespace {

constexpr std::uint16_t kTcpIpv4Headers = 20 + 20;
constexpr std::uint16_t kTcpIpv6Headers = 40 + 20;

}  // namespace

std::optional<std::uint16_t> Network::port_to(const wire::IpAddress& remote) const {
    const std::optional<neigh::NextHop> hop = routes_.lookup(remote);
    if (!hop) return std::nullopt;
    return hop->port;
}

std::uint16_t Network::mss_towards(const wire::IpAddress& remote) const {
    const std::uint16_t mtu = ports_[port_to(remote).value_or(0)]->mtu();
    return static_cast<std::uint16_t>(mtu - (remote.is_v4() ? kTcpIpv4Headers : kTcpIpv6Headers));
}

std::uint32_t Network::room(std::uint16_t port) {
    packet::Batch& unsent = *unsent_[port];
    if (unsent.full()) ports_[port]->transmit(unsent);
    return unsent.room();
}

bool Network::has_unsent() const {
    return std::any_of(unsent_.begin(), unsent_.end(), [](const auto& batch) { return !batch->empty(); });
}

void Network::flush() {
    for (std::size_t port = 0; port < ports_.size(); ++port) {
        if (!unsent_[port]->empty()) ports_[port]->transmit(*unsent_[port]);
    }
}

// A frame handed to a port is sent or counted as lost, never silently either (DESIGN 3.7).
void Network::enqueue(packet::Buffer frame, std::uint16_t port) {
    if (room(port) == 0) {
        drop(stats::DropReason::TransmitFull);
        return;
    }
    stats_.frames_sent.add();
    stats_.bytes_sent.add(frame.length());
    if (const std::uint32_t segments = packet::segments_of_run(frame); segments > 0) {
        stats_.tso_frames.add();
        stats_.tso_segments.add(segments);
    }
    unsent_[port]->push_back(std::move(frame));
}

packet::FrameAddressing Network::addressing(const wire::IpAddress& source, const wire::IpAddress& destination,
                                            std::uint16_t port) const {
    packet::FrameAddressing result;
    result.source_mac = ports_[port]->mac();
    result.source = source;
    result.destination = destination;
    result.hop_limit = hop_limit_;
    return result;
}

void Network::send_tcp(const wire::FourTuple& tuple, const neigh::NextHop& next_hop, const HopFields& hop,
                       const wire::TcpHeader& header, const Text& text, base::Instant now) {
    packet::FrameAddressing to = addressing(tuple.local.address, tuple.remote.address, next_hop.port);
    to.hop_limit = hop.hop_limit;
    to.traffic_class = hop.traffic_class;
    to.flow_label = hop.flow_label;
    const neigh::Lookup lookup = neighbours_.lookup(next_hop.address, next_hop.port, now);
    to.destination_mac = lookup.mac;
    packet::FrameBuilder& builder = builders_[next_hop.port];
    const packet::TcpHeaders headers = builder.tcp_headers(to, header, text.length);
    std::uint32_t run_max = builder.run_max(headers);
    for (std::uint32_t i = 0; i < text.segments;) {
        const std::uint32_t together = std::min(text.segments - i, run_max);
        const std::uint32_t at = i * text.length;
        const bool push = header.flags.psh() && i + together == text.segments;
        packet::Buffer frame;
        if (together > 1) {
            frame = builder.tcp_run(headers, header.seq + at, push, *text.queue, text.offset + at, together);
            if (!frame) {
                run_max = 1;
                continue;
            }
        } else {
            frame = builder.tcp(headers, header.seq + at, push, text.queue, text.offset + at);
        }
        i += together;
        if (frame) {
            dispatch(std::move(frame), next_hop, lookup.kind);
        } else {
            drop(stats::DropReason::NoBuffer);
        }
    }
    poll_neighbours();
}

void Network::send_to_next_hop(packet::Buffer frame, const neigh::NextHop& next_hop, base::Instant now) {
    const neigh::Lookup lookup = neighbours_.lookup(next_hop.address, next_hop.port, now);
    packet::set_destination_mac(frame, lookup.mac);
    dispatch(std::move(frame), next_hop, lookup.kind);
    poll_neighbours();
}

/// A frame for a next hop that was looked up; resolved, its address is in the frame.
void Network::dispatch(packet::Buffer frame, const neigh::NextHop& next_hop, neigh::Lookup::Kind next) {
    switch (next) {
        case neigh::Lookup::Kind::Resolved:
            enqueue(std::move(frame), next_hop.port);
            break;
        case neigh::Lookup::Kind::Pending:
            wait_for(std::move(frame), next_hop);
            break;
        case neigh::Lookup::Kind::Failed:
            drop(stats::DropReason::NeighbourFailed);
            break;
    }
}

// RFC 4861 7.2.2: the newest packets are kept, the oldest of the same next hop gives way.
void Network::wait_for(packet::Buffer frame, const neigh::NextHop& next_hop) {
    std::size_t of_this_hop = 0;
    std::size_t oldest = waiting_.size();
    for (std::size_t i = 0; i < waiting_.size(); ++i) {
        if (waiting_[i].port != next_hop.port || waiting_[i].next_hop != next_hop.address) continue;
        if (of_this_hop++ == 0) oldest = i;
    }
    if (of_this_hop >= kWaitingPerHopMax || waiting_.full()) {
        drop(stats::DropReason::NeighbourQueueFull);
        if (oldest == waiting_.size()) return;
        std::move(waiting_.begin() + oldest + 1, waiting_.end(), waiting_.begin() + oldest);
        waiting_.pop_back();
    }
    waiting_.push_back({std::move(frame), next_hop.address, next_hop.port});
}

void Network::resolved(const wire::IpAddress& next_hop, std::uint16_t port,
                       const std::optional<wire::MacAddress>& mac) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < waiting_.size(); ++i) {
        WaitingFrame& entry = waiting_[i];
        if (entry.port != port || entry.next_hop != next_hop) {
            if (kept != i) waiting_[kept] = std::move(entry);
            ++kept;
            continue;
        }
        packet::Buffer frame = std::move(entry.frame);
        if (!mac) {
            drop(stats::DropReason::NeighbourFailed);
        } else {
            packet::set_destination_mac(frame, *mac);
            enqueue(std::move(frame), port);
        }
    }
    while (waiting_.size() > kept)
        waiting_.pop_back();
}

// DESIGN 3.4: worker 0 asks the wire, the others ask worker 0.
void Network::poll_neighbours() {
    if (!neighbours_.has_news()) return;
    while (const std::optional<neigh::Solicitation> solicitation = neighbours_.poll_transmit()) {
        if (settings_.worker == 0) {
            const neigh::Interface& interface = settings_.interfaces[solicitation->port];
            const std::optional<neigh::Message> question =
                neigh::solicitation_message(*solicitation, interface, local_);
            if (question) {
                send_message(*question);
            } else {
                drop(stats::DropReason::NoRoute);  // no address of ours of that family to ask from
            }
        } else {
            Message wanted;
            wanted.kind = Message::Kind::NeighbourWanted;
            wanted.address = solicitation->target;
            wanted.port = solicitation->port;
            post(0, std::move(wanted));
        }
    }
    while (const std::optional<neigh::Resolution> resolution = neighbours_.poll_resolved()) {
        resolved(resolution->address, resolution->port, resolution->mac);
        if (settings_.worker == 0 && resolution->mac)
            tell_workers(resolution->address, resolution->port, *resolution->mac);
    }
}

// Who asked is not remembered: an answer is short, and what one worker needs the others soon do.
void Network::tell_workers(const wire::IpAddress& address, std::uint16_t port, const wire::MacAddress& mac) {
    for (std::uint16_t other = 1; other < settings_.workers; ++other) {
        Message answer;
        answer.kind = Message::Kind::NeighbourAnswer;
        answer.address = address;
        answer.port = port;
        answer.mac = mac;
        post(other, std::move(answer));
    }
}

void Network::message_arrives(const Message& message, base::Instant now) {
    switch (message.kind) {
        case Message::Kind::NeighbourWanted: {
            const neigh::Lookup lookup = neighbours_.lookup(message.address, message.port, now);
            if (lookup.kind == neigh::Lookup::Kind::Resolved)
                tell_workers(message.address, message.port, lookup.mac);
            break;
        }
        case Message::Kind::NeighbourAnswer:
            neighbours_.advertised({.address = message.address,
                                    .port = message.port,
                                    .mac = message.mac,
                                    .solicited = true,
                                    .override = true},
                                   now);
            break;
        case Message::Kind::None:
        case Message::Kind::Frame:
            break;  // the worker deals with these
    }
    poll_neighbours();
}

void Network::send_message(const neigh::Message& message) {
    packet::FrameBuilder& builder = builders_[message.port];
    packet::Buffer frame;
    if (message.ether_type == wire::kEtherTypeArp) {
        frame = builder.ethernet(message.source_mac, message.destination_mac, message.ether_type,
                                 message.bytes());
    } else {
        packet::FrameAddressing to = addressing(message.source, message.destination, message.port);
        to.destination_mac = message.destination_mac;
        to.hop_limit = wire::kNdHopLimit;
        frame = builder.ip(to, wire::kProtocolIcmpv6, message.bytes());
    }
    enqueue_built(std::move(frame), message.port);
}

void Network::enqueue_built(packet::Buffer frame, std::uint16_t port) {
    if (frame) {
        enqueue(std::move(frame), port);
    } else {
        drop(stats::DropReason::NoBuffer);
    }
}

void Network::advance(base::Instant now) {
    neighbours_.advance(now);
    poll_neighbours();
    if (settings_.worker == 0) {
        while (const std::optional<neigh::Message> announcement = responder_.poll_announcement(now)) {
            send_message(*announcement);
        }
    }
    for (std::uint32_t lost = reassembler_.expire(now); lost > 0; --lost)
        drop(stats::DropReason::FragmentLimit);
    stats_.neighbours.set(neighbours_.size());
}

}  // namespace terminus::stack
