#pragma once

// Frames in: parse, find, and give each segment to what its 4-tuple names. Part of stack/stack.hpp.

#include <algorithm>
#include <utility>

#include "packet/chain.hpp"
#include "stack/stack.hpp"

namespace terminus::stack {

// DESIGN 3.7: what takes its time to come out of memory is asked for before it is needed, while others have
// their turns: headers of a burst at once; then, frame by frame and two turns apart, buckets of the table,
// slots, connections, and the same of the other leg. A prefetch decides nothing: who is who is found out when
// a segment has its turn, for the one before may have made or ended its connection.
template <typename App>
void Stack<App>::ingress(packet::Batch& frames, std::uint16_t port) {
    for (std::uint16_t i = 0; i < frames.size(); ++i)
        frames.prefetch(i);
    for (std::uint16_t i = 0; i < frames.size(); ++i) {
        stats_.frames_received.add();
        stats_.bytes_received.add(frames.frame_length(i));
        Looked& looked = ahead_.place();
        looked.arrival = Arrival{};
        looked.received = network_.receive_plain(frames.take(i), port, Origin::Device, looked.arrival);
        if (looked.received == Received::Tcp) {
            look_up(looked, ahead_.last());
            ahead_.enter();
            step();
            continue;
        }
        // What comes before it has its turn before it: a SYN may be what an ARP reply is for.
        finish_steps();
        if (looked.received == Received::Other)
            looked.received = network_.receive_other(looked.arrival, env_.now);
        if (looked.received != Received::Nothing) look_up(looked);
        arrives(looked);
    }
    finish_steps();
    frames.clear();
}

/// Each frame in line goes a step further, and the first has its turn.
template <typename App>
void Stack<App>::step() {
    if (Looked* const looked = ahead_.after(2)) prefetch_slot(*looked);
    if (Looked* const looked = ahead_.after(4)) prefetch_connection(looked->candidate);
    if (Looked* const looked = ahead_.after(6)) prefetch_beside(*looked);
    if (Looked* const looked = ahead_.after(8)) prefetch_connection(looked->candidate);
    static_assert(Ahead::kSteps > 8);
    if (Looked* const looked = ahead_.after(Ahead::kSteps))
        has_its_turn(*looked, ahead_.after(Ahead::kSteps - 1));
    ahead_.step();
}

template <typename App>
void Stack<App>::finish_steps() {
    while (!ahead_.empty())
        step();
}

template <typename App>
void Stack<App>::has_its_turn(Looked& looked, const Looked* next) {
    // The one before the two is of the same flow, so that what it met is known.
    if (looked.is_same_flow && next != nullptr && next->overtakes && needs_only_the_next(looked, *next)) {
        looked.arrival.frame = packet::Buffer();
    } else {
        arrives(looked);
    }
}

/// Nothing but an ACK, perhaps PSH and text, with timestamps or without any option.
inline bool is_plain_segment(const wire::TcpSegment& segment) {
    const unsigned flags = segment.flags.bits & ~unsigned{wire::TcpFlags::kPsh};
    const std::size_t options = segment.options.timestamps ? wire::kTimestampsAloneLength : 0;
    return flags == wire::TcpFlags::kAck && segment.header_length == wire::kTcpHeaderMin + options &&
           !segment.congestion_experienced;
}

/// Whether `next`, of the same flow, goes on with the text of `before` and is otherwise the same: what
/// generic receive offload would make one segment of.
template <typename App>
bool Stack<App>::is_continued(const wire::TcpSegment& before, const wire::TcpSegment& next) {
    return before.payload_length > 0 && next.payload_length > 0 &&
           next.seq == before.seq + before.payload_length && next.ack == before.ack &&
           next.window == before.window && next.options.timestamps == before.options.timestamps &&
           is_plain_segment(before) && is_plain_segment(next);
}

/// Whether `next`, of the same flow, acknowledges what `before` does and more, and neither does anything
/// else.
template <typename App>
bool Stack<App>::is_overtaken(const wire::TcpSegment& before, const wire::TcpSegment& next) {
    return before.payload_length == 0 && next.payload_length == 0 && next.seq == before.seq &&
           next.ack.after(before.ack) && is_plain_segment(before) && is_plain_segment(next);
}

template <typename App>
void Stack<App>::look_up(Looked& looked, const Looked* before) {
    looked.is_same_flow = before != nullptr && before->arrival.tuple == looked.arrival.tuple;
    looked.continues = looked.overtakes = false;
    if (looked.is_same_flow) {
        const wire::TcpSegment& one = before->arrival.segment;
        const wire::TcpSegment& next = looked.arrival.segment;
        looked.continues = is_continued(one, next) && looked.arrival.frame.is_linear();
        looked.overtakes = is_overtaken(one, next);
        looked.key = before->key;
        looked.hash = before->hash;
        return;
    }
    looked.key = key_of(looked.arrival.tuple, looked.arrival.local_id);
    looked.hash = table_.hash(looked.key);
    table_.prefetch(looked.hash);
}

template <typename App>
void Stack<App>::prefetch_slot(Looked& looked) const {
    looked.candidate = Connections::kNone;
    if (looked.is_same_flow) return;  // the one before it has asked
    const flow::Handle handle = table_.candidate(looked.hash);
    if (handle.is_none()) return;
    switch (handle.kind()) {
        case flow::HandleKind::Connection:
            looked.candidate = handle.index();
            connections_.prefetch(handle.index());
            break;
        case flow::HandleKind::HalfOpen:
            half_opens_.prefetch(handle.index());
            break;
        case flow::HandleKind::TimeWait:
            time_waits_.prefetch(handle.index());
            break;
        case flow::HandleKind::Application:
            break;
    }
}

template <typename App>
void Stack<App>::prefetch_connection(std::uint32_t candidate) const {
    if (candidate == Connections::kNone || !connections_.is_live(candidate)) return;
    connections_.prefetch_tcp(candidate);
    if (connections_[candidate].timer != timer::kNoTimer) wheel_.prefetch(connections_[candidate].timer);
    if constexpr (kIsPrefetching) {
        const Cookie cookie = connections_[candidate].cookie;
        if (cookie != kNoCookie) app_.prefetch(cookie);
    }
}

/// What says nothing but that something has arrived concerns the other leg only if that waits for room.
inline bool concerns_both_legs(const wire::TcpSegment& segment) {
    return segment.payload_length > 0 || !is_plain_segment(segment);
}

/// Asks for the slot of the other leg, which is the candidate from now on.
template <typename App>
void Stack<App>::prefetch_beside(Looked& looked) const {
    const std::uint32_t candidate = std::exchange(looked.candidate, Connections::kNone);
    if constexpr (kIsPrefetching) {
        if (candidate == Connections::kNone || !connections_.is_live(candidate)) return;
        if (!concerns_both_legs(looked.arrival.segment)) return;
        const ConnectionSlot& slot = connections_[candidate];
        if (slot.cookie == kNoCookie || slot.is_closed) return;
        const ConnectionId beside = app_.beside({candidate, connections_.generation(candidate)}, slot.cookie);
        if (beside.index >= connections_.touched()) return;
        connections_.prefetch(beside.index);
        looked.candidate = beside.index;
    }
}

template <typename App>
void Stack<App>::arrives(Looked& looked) {
    switch (looked.received) {
        case Received::Tcp:
            if (looked.continues && text_continues(looked.arrival)) break;
            accepted_by_ = Connections::kNone;
            segment_arrives(looked.arrival, looked.key, looked.hash);
            break;
        case Received::IcmpError:
            icmp_error_arrives(looked.arrival, looked.key, looked.hash);
            break;
        case Received::Nothing:
        case Received::Other:
            break;
    }
    looked.arrival.frame = packet::Buffer();  // what nobody has taken is free now, not a group later
}

template <typename App>
void Stack<App>::handed_over(packet::Buffer frame, std::uint16_t port) {
    stats_.hand_overs_received.add();
    Looked& looked = ahead_.place();
    looked.arrival = Arrival{};
    looked.received = network_.receive(std::move(frame), port, Origin::HandOver, env_.now, looked.arrival);
    if (looked.received != Received::Nothing) look_up(looked);
    arrives(looked);
}

template <typename App>
void Stack<App>::segment_arrives(Arrival& arrival, const flow::Key& key, std::uint64_t hash) {
    const flow::Handle handle = find_handle(key, hash);
    if (handle.is_none()) {
        if (network_.hand_over_if_foreign(arrival)) return;  // DESIGN 3.4: never to a RST
        to_listener(arrival, hash);
        return;
    }
    switch (handle.kind()) {
        case flow::HandleKind::Connection:
            accepted_by_ = handle.index();
            give_segment(handle.index(), arrival);
            break;
        case flow::HandleKind::HalfOpen:
            to_half_open(handle.index(), arrival, hash);
            break;
        case flow::HandleKind::TimeWait:
            to_time_wait(handle.index(), arrival, hash);
            break;
        case flow::HandleKind::Application:
            break;  // never in the table
    }
}

/// Whether the connection that accepted the segment before needs of this ACK and the next one only that.
template <typename App>
bool Stack<App>::needs_only_the_next(const Looked& ack, const Looked& next) {
    if (accepted_by_ == Connections::kNone) return false;
    const ConnectionSlot& slot = connections_[accepted_by_];
    return slot.tcp->is_overtaken(ack.arrival.segment, next.arrival.segment, environment_for(slot));
}

/// Whether the connection that accepted the segment before this one has taken its text.
template <typename App>
bool Stack<App>::text_continues(Arrival& arrival) {
    if (accepted_by_ == Connections::kNone) return false;
    ConnectionSlot& slot = connections_[accepted_by_];  // awake, and dirty, from that segment on
    packet::Slice payload(std::move(arrival.frame), static_cast<std::uint16_t>(arrival.payload_offset),
                          static_cast<std::uint16_t>(arrival.segment.payload_length));
    if (slot.tcp->text_continues(arrival.segment, payload, environment_for(slot))) return true;
    arrival.frame = std::move(payload.buffer());
    return false;
}

template <typename App>
void Stack<App>::to_half_open(std::uint32_t index, Arrival& arrival, std::uint64_t hash) {
    HalfOpenSlot& slot = half_opens_[index];
    const tcp::Environment env = environment_for(slot);
    switch (slot.tcp.segment_arrives(arrival.segment, env)) {
        case tcp::HalfOpenVerdict::Ignore:
            return;
        case tcp::HalfOpenVerdict::Reply: {
            const std::uint32_t offset = tcp::timestamp_offset(settings_.secrets, arrival.tuple);
            answer(arrival.tuple, slot.tcp.poll_reply(offset, env), env.tunables);
            return;
        }
        case tcp::HalfOpenVerdict::ResetPeer:
            reset_peer(arrival, stats::Leg::Client, stats::ResetReason::HandshakeInvalid, env.tunables);
            return;
        case tcp::HalfOpenVerdict::Close:
            release_half_open(index, hash);
            return;
        case tcp::HalfOpenVerdict::Promote:
            promote(index, arrival, hash);
            return;
    }
}

// DESIGN 3.2: the completing ACK promotes, and the same segment goes on through the connection; with no slot
// free, or an application that takes no more, the half-open stays, and the peer's next segment tries again.
template <typename App>
void Stack<App>::promote(std::uint32_t half_open_index, Arrival& arrival, std::uint64_t hash) {
    if (half_open_index < half_opens_unchecked_ && reset_unserved(half_open_index)) return;
    HalfOpenSlot& half = half_opens_[half_open_index];
    if (connections_.size() == connections_.capacity() || !app_.may_accept(half.tcp.service())) {
        drop(stats::DropReason::TcpSlotLimit);
        return;
    }
    const std::uint32_t index = allocate_passive(half.tcp, arrival);
    wheel_.cancel(half.timer);
    half.tcp.released(env_);
    const bool replaced = table_.replace(hash, flow::Handle(flow::HandleKind::HalfOpen, half_open_index),
                                         flow::Handle(flow::HandleKind::Connection, index));
    TERMINUS_ASSERT(replaced, "a half-open is in the table for as long as its slot lives");
    half_opens_.release(half_open_index);
    stats_.half_open.set(half_opens_.size());
    give_segment(index, arrival);
}

// RFC 9293 3.10.7.4 for TIME_WAIT, RFC 6191, RFC 1337.
template <typename App>
void Stack<App>::to_time_wait(std::uint32_t index, Arrival& arrival, std::uint64_t hash) {
    TimeWaitSlot& slot = time_waits_[index];
    const base::Instant before = slot.tcp.deadline(env_);
    switch (slot.tcp.segment_arrives(arrival.segment, env_)) {
        case tcp::TimeWaitVerdict::Ignore:
            return;
        case tcp::TimeWaitVerdict::Acknowledge: {
            if (slot.tcp.deadline(env_) != before) time_waits_.restarted(index);
            const std::uint32_t offset = tcp::timestamp_offset(settings_.secrets, arrival.tuple);
            answer(arrival.tuple, slot.tcp.poll_reply(offset, env_), profiles_.tunables(slot.profile));
            return;
        }
        case tcp::TimeWaitVerdict::Close:
            release_time_wait(index, hash);
            return;
        case tcp::TimeWaitVerdict::Reopen:
            reopen(index, arrival, hash);
            return;
    }
}

// A frame in several mbufs (a reassembled datagram) is as many segments, one behind the other: the machine
// then deals with exactly one slice a segment. SYN belongs to the first, FIN and PSH to the last.
template <typename App>
void Stack<App>::give_segment(std::uint32_t index, Arrival& arrival) {
    if (arrival.frame.is_linear() || arrival.segment.payload_length == 0) {
        packet::Slice payload;
        if (arrival.segment.payload_length > 0) {
            payload =
                packet::Slice(std::move(arrival.frame), static_cast<std::uint16_t>(arrival.payload_offset),
                              static_cast<std::uint16_t>(arrival.segment.payload_length));
        }
        to_connection(index, arrival, arrival.segment, std::move(payload));
        return;
    }
    packet::SliceList pieces = packet::split_payload(std::move(arrival.frame), arrival.payload_offset,
                                                     arrival.segment.payload_length);
    if (pieces.empty()) drop(stats::DropReason::BufferPressure);
    wire::TcpSegment piece = arrival.segment;
    const std::uint8_t last_bits = wire::TcpFlags::kFin | wire::TcpFlags::kPsh;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        const bool is_last = i + 1 == pieces.size();
        piece.payload_length = pieces[i].length();
        piece.flags.bits = is_last ? arrival.segment.flags.bits
                                   : static_cast<std::uint8_t>(arrival.segment.flags.bits & ~last_bits);
        if (i > 0) piece.flags.bits = static_cast<std::uint8_t>(piece.flags.bits & ~wire::TcpFlags::kSyn);
        const std::uint32_t advance = piece.payload_length + (piece.flags.syn() ? 1u : 0u);
        to_connection(index, arrival, piece, std::move(pieces[i]));
        piece.seq += advance;
    }
}

template <typename App>
void Stack<App>::to_connection(std::uint32_t index, const Arrival& arrival, const wire::TcpSegment& segment,
                               packet::Slice payload) {
    ConnectionSlot& slot = connections_.awake(index);
    const bool had_text = slot.is_fast_open_tried && slot.tcp->send_space().flight() > 1;
    const bool is_repeated = slot.is_fast_open_tried && slot.tcp->snapshot().retransmits > 0;
    const tcp::Environment env = environment_for(slot);
    const tcp::Disposition disposition = slot.tcp->segment_arrives(segment, std::move(payload), env);
    if (slot.is_fast_open_tried && slot.tcp->state() != tcp::State::SynSent)
        learn_fast_open(slot, arrival, had_text, is_repeated);
    switch (disposition) {
        case tcp::Disposition::Accepted:
            break;
        case tcp::Disposition::Dropped:
            accepted_by_ = Connections::kNone;
            break;
        case tcp::Disposition::ResetPeer:
            accepted_by_ = Connections::kNone;
            reset_peer(arrival, slot.tcp->leg(), stats::ResetReason::HandshakeInvalid, env.tunables);
            break;
    }
    mark_dirty(index);
}

// RFC 5927: only what quotes bytes of ours in flight counts; the connection checks that.
// RFC 9293 3.9.2.2, MUST-54: to the connection whose segment is quoted.
template <typename App>
void Stack<App>::icmp_error_arrives(Arrival& arrival, const flow::Key& key, std::uint64_t hash) {
    const flow::Handle handle = find_handle(key, hash);
    if (handle.is_none() && network_.hand_over_if_foreign(arrival)) return;
    if (!handle.is_none() && handle.kind() == flow::HandleKind::HalfOpen) {
        tcp::HalfOpen& half = half_opens_[handle.index()].tcp;
        const auto verdict = half.icmp_error_arrives(arrival.icmp_error, arrival.quoted_seq, env_);
        if (verdict == tcp::HalfOpenVerdict::Close) release_half_open(handle.index(), hash);
        return;
    }
    if (handle.is_none() || handle.kind() != flow::HandleKind::Connection) {
        drop(stats::DropReason::IcmpUnmatched);
        return;
    }
    ConnectionSlot& slot = connections_.awake(handle.index());
    if (!slot.tcp->icmp_error_arrives(arrival.icmp_error, arrival.quoted_seq, arrival.next_hop_mtu,
                                      environment_for(slot))) {
        drop(stats::DropReason::IcmpUnmatched);
        return;
    }
    mark_dirty(handle.index());
}

/// RFC 9293 3.5.2: a RST that only what it answers makes acceptable; counted when it is sent.
template <typename App>
void Stack<App>::reset_peer(const Arrival& arrival, stats::Leg leg, stats::ResetReason reason,
                            const tcp::Tunables& tunables) {
    const std::optional<tcp::OutSegment> reset = tcp::reset_for(arrival.segment);
    if (!reset || !network_.may_answer_with_reset(arrival.tuple.remote.address, env_.now)) return;
    stats_.resets_sent_without_connection.add();
    stats_.leg(leg).segments_sent.add();
    stats_.leg(leg).resets_sent[reason].add();
    answer(arrival.tuple, *reset, tunables);
}

// A segment that opens nothing here: counted by reason, answered by a RST within the limit.
template <typename App>
void Stack<App>::refuse(const Arrival& arrival, stats::DropReason dropped, stats::ResetReason reason) {
    drop(dropped);
    reset_peer(arrival, stats::Leg::Client, reason, tunables_);
}

}  // namespace terminus::stack
