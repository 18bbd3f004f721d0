#pragma once

// Segments out: what the dirty connections want sent, as far as ports have room. Part of stack/stack.hpp.

#include <algorithm>

#include "stack/stack.hpp"

namespace terminus::stack {

template <typename App>
void Stack<App>::mark_dirty(std::uint32_t index) {
    ConnectionSlot& slot = connections_.awake(index);
    if (slot.is_dirty) return;
    slot.is_dirty = true;
    const std::uint16_t tick = Connections::tick_of(env_.now);
    if (static_cast<std::uint16_t>(tick - slot.touched) >= kRareTicks) slot.is_rare = true;
    slot.touched = tick;
    dirty_.push_back(index);
}

// RFC 9293 3.10.7.4, MUST-58, MUST-59: after all that came in the turn, so that one ACK answers it.
template <typename App>
void Stack<App>::egress() {
    const std::uint32_t count = dirty_.size();
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint32_t index = dirty_.pop_front();
        connections_[index].is_dirty = false;
        transmit(index);
        settle(index);
    }
    network_.flush();
    connections_.rest(env_.now, [this](std::uint32_t index) { set_timer(index); });
    stats_.connections_resting.set(connections_.resting());
    stats_.connections_woken.set(connections_.wakes());
}

template <typename App>
bool Stack<App>::has_work() const {
    return !dirty_.empty() || network_.has_unsent() || half_opens_unchecked_ > 0;
}

// RFC 9293 3.9.1.1, MUST-45: every segment has the addresses of the connection's key.
template <typename App>
void Stack<App>::transmit(std::uint32_t index) {
    ConnectionSlot& slot = connections_[index];
    const tcp::Environment env = environment_for(slot);
    const wire::FourTuple named = network_.tuple_of(slot.key);
    const std::optional<neigh::NextHop> next_hop = network_.route_to(named.remote.address);
    bool is_all = false;
    for (std::uint32_t sent = 0; sent < kSegmentsPerTurn;) {
        const std::uint32_t room = next_hop ? network_.room(next_hop->port) : 1;
        if (room == 0) break;
        const bool is_opening = slot.wants_fast_open || slot.is_fast_open_cookie_due;
        const std::optional<tcp::OutSegment> segment =
            is_opening ? poll_opening(slot, named, env)
                       : slot.tcp->poll_transmit(env, std::min(room, kSegmentsPerTurn - sent));
        if (!segment) {
            is_all = true;
            break;
        }
        sent += segment->segments();
        send(named, next_hop, *segment, &slot.tcp->send_queue(), env.tunables, slot.flow_label);
    }
    // What went out may have made room for the application (tunables.notsent_lowat).
    if ((!is_all && slot.tcp->wants_transmit(env)) || slot.tcp->has_events()) mark_dirty(index);
}

// RFC 6437 3: whatever is sent for a 4-tuple has one label, whether or not there is a connection to keep it.
template <typename App>
std::uint32_t Stack<App>::flow_label_of(const wire::FourTuple& tuple) const {
    return tuple.remote.address.is_v4() ? 0 : tcp::flow_label(settings_.secrets, tuple);
}

template <typename App>
void Stack<App>::answer(const wire::FourTuple& tuple, const tcp::OutSegment& segment,
                        const tcp::Tunables& tunables) {
    send(tuple, network_.route_to(tuple.remote.address), segment, nullptr, tunables, flow_label_of(tuple));
}

template <typename App>
void Stack<App>::send(const wire::FourTuple& tuple, const std::optional<neigh::NextHop>& next_hop,
                      const tcp::OutSegment& segment, const packet::ByteQueue* queue,
                      const tcp::Tunables& tunables, std::uint32_t flow_label) {
    if (!next_hop) {
        drop(stats::DropReason::NoRoute);
        return;
    }
    const wire::TcpHeader header{
        .source_port = tuple.local.port,
        .destination_port = tuple.remote.port,
        .seq = segment.seq,
        .ack = segment.ack,
        .flags = segment.flags,
        .window = segment.window,
        .options = segment.options,
    };
    // RFC 9293 3.9.1.9 and 3.9.2, MUST-48, SHLD-21, MUST-49: as they are set now.
    // The lower two bits are ECN's, whatever is configured.
    const unsigned ecn = segment.ecn_capable ? wire::kEcnEct0 : 0u;
    const HopFields hop{.hop_limit = tunables.hop_limit,
                        .traffic_class = static_cast<std::uint8_t>(
                            (tunables.traffic_class & ~unsigned{wire::kEcnMask}) | ecn),
                        .flow_label = tunables.auto_flowlabels ? flow_label : 0};
    network_.send_tcp(tuple, *next_hop, hop, header,
                      {.queue = segment.payload_length > 0 ? queue : nullptr,
                       .offset = segment.payload_offset,
                       .length = segment.payload_length / segment.segments(),
                       .segments = segment.segments()},
                      env_.now);
}

}  // namespace terminus::stack
