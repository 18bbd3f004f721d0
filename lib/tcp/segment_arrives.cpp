#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "tcp/connection.hpp"

namespace terminus::tcp {

using stats::DropReason;

// RFC 7323 5.5: after 24 days without a segment the peer's timestamps may have wrapped round.
constexpr std::uint32_t kTimestampLifetimeSeconds = 24 * 24 * 3600;

// RFC 9293 3.10.7.4: the checks, in the order the RFC gives them.
Disposition Connection::segment_arrives(const wire::TcpSegment& segment, packet::Slice payload,
                                        const Environment& env) {
    TERMINUS_ASSERT(payload.length() == segment.payload_length,
                    "the caller hands over the text it announces");
    leg_stats(env).segments_received.add();
    if (state_ == State::Closed) return drop(DropReason::TcpClosed, env);
    if (state_ == State::SynSent) return syn_sent_segment_arrives(segment, std::move(payload), env);

    wire::TcpSegment seg = segment;
    if (state_ == State::SynReceived && seg.flags.syn() && seg.flags.ack() && seg.seq == rcv_.irs) {
        // RFC 9293 figure 8: the SYN-ACKs of a simultaneous open cross; its SYN has been counted, its ACK has
        // not.
        seg.flags.bits = static_cast<std::uint8_t>(seg.flags.bits & ~wire::TcpFlags::kSyn);
        seg.seq += 1;
        // RFC 7323 2.2: a SYN's window is not scaled; from here on it is, down to whole units.
        seg.window = static_cast<std::uint16_t>(seg.window >> snd_.scale);
    }
    if (is_fast_open_syn_again(seg, env)) return drop(DropReason::TcpDuplicate, env);
    if (Stop stop = check_paws(seg, env)) return *stop;      // RFC 7323 5.3 R1
    if (Stop stop = check_sequence(seg, env)) return *stop;  // first
    if (Stop stop = check_reset(seg, env)) return *stop;     // second
    if (Stop stop = check_syn(seg, env)) return *stop;       // fourth (third, security, does not apply)
    if (Stop stop = check_ack(seg, env)) {                   // fifth
        if (*stop == Disposition::Accepted) update_recent_timestamp(seg, env);
        return *stop;
    }
    // RFC 7323 5.3 R3, but only from a segment whose ACK has proved that it isn't made up (RFC 5961 5): a
    // forged timestamp would make PAWS refuse all that is real.
    update_recent_timestamp(seg, env);
    if (ecn_) note_congestion(seg, env);
    rcv_.note_push(seg.seq + seg.payload_length, seg.flags.psh());  // MAY-17
    // Sixth, URG: urgent data stays in-line, where RFC 6093 wants it; the pointer is not looked at.
    const Disposition disposition = process_text(seg, std::move(payload), env);  // seventh and eighth
    marks_.more = false;
    update_persist(env);
    return disposition;
}

// RFC 9293 3.10.7.4, seventh, alone. An ACK that says what the last one said moves nothing while no loss is
// being looked into: it has text, so it is no duplicate (RFC 5681 2).
bool Connection::text_continues(const wire::TcpSegment& segment, packet::Slice& payload,
                                const Environment& env) {
    const bool is_plain = state_ == State::Established && segment.seq == rcv_.nxt &&
                          segment.ack == snd_.una && payload.length() <= rcv_.wnd() && reassembly_.empty() &&
                          !fin_ahead_ && !orphan_ && env.may_keep_payload;
    if (!is_plain || payload.empty() || !(snd_.flight() == 0 || recovery_.is_calm())) return false;
    leg_stats(env).segments_received.add();
    snd_.wl1 = segment.seq;
    rcv_.note_push(segment.seq + payload.length(), segment.flags.psh());
    accept_text(std::move(payload), env);
    measure_arrival(segment, env);
    marks_.more = false;
    return true;
}

// RFC 9293 3.10.7.3.
Disposition Connection::syn_sent_segment_arrives(const wire::TcpSegment& segment, packet::Slice payload,
                                                 const Environment& env) {
    const wire::TcpFlags flags = segment.flags;
    const bool acceptable = flags.ack() && segment.ack.after(snd_.iss) && segment.ack.at_or_before(snd_.nxt);
    if (flags.ack() && !acceptable) {  // first
        env.stats.drops[DropReason::TcpAckInvalid].add();
        if (flags.rst()) return Disposition::Dropped;
        return Disposition::ResetPeer;
    }
    if (flags.rst()) {  // second; RFC 5961 3.2: only one that acknowledges our SYN is believed
        if (!acceptable) return drop(DropReason::TcpRstInvalid, env);
        leg_stats(env).resets_received.add();
        close(stats::CloseReason::Refused, env);
        return Disposition::Accepted;
    }
    if (!flags.syn()) return drop(DropReason::TcpBadFlags, env);  // fifth
    if (flags.fin() && !flags.ack()) return drop(DropReason::TcpBadFlags, env);
    const auto& timestamps = segment.options.timestamps;
    if (acceptable && timestamps_ && timestamps && timestamps->echo_reply != 0 &&
        !(own_timestamp(env) - timestamps->echo_reply <=
          static_cast<std::uint32_t>((env.now - progress_at_) / std::chrono::milliseconds(1)) + 1)) {
        // It echoes what we never sent: an old incarnation's SYN-ACK (HARDENING 15).
        env.stats.drops[DropReason::TcpPaws].add();
        return Disposition::ResetPeer;
    }

    // Fourth: the peer's SYN.
    rcv_.adv = segment.seq + 1 + rcv_.wnd();
    rcv_.irs = segment.seq;
    rcv_.nxt = rcv_.acked = rcv_.pushed = segment.seq + 1;
    window_scaling_ = window_scaling_ && segment.options.window_scale.has_value();
    rcv_.scale = window_scaling_ ? rcv_.scale : 0;
    snd_.scale = window_scaling_ ? std::min(*segment.options.window_scale, kScaleMax) : 0;
    sack_ = sack_ && segment.options.sack_permitted;
    // RFC 3168 6.1.1: ECE without CWR on the SYN-ACK agrees; both are an echo of our SYN by something old.
    // SYNs that cross agree on nothing.
    ecn_ = ecn_ && acceptable && segment.flags.ece() && !segment.flags.cwr();
    snd_.wnd = snd_.max_wnd = segment.window;  // RFC 7323 2.2: unscaled
    snd_.wl1 = segment.seq;
    snd_.wl2 = acceptable ? segment.ack : snd_.iss;
    agree_on(segment.options.mss.value_or(default_mss(ipv6_)), timestamps_ && timestamps.has_value(),
             timestamps ? timestamps->value : 0, env);
    if (acceptable) return finish_active_open(segment, std::move(payload), env);

    // RFC 9293 3.5 and figure 8, MUST-10: simultaneous open. Text is not taken: the peer sends it again.
    enter(State::SynReceived, env);
    retransmits_ = 0;
    syn_pending_ = true;
    return Disposition::Accepted;
}

Disposition Connection::finish_active_open(const wire::TcpSegment& segment, packet::Slice payload,
                                           const Environment& env) {
    syn_acknowledged(segment.ack, env);
    establish(handshake_rtt(segment, env), env);
    ack_pending_ = true;
    wire::TcpSegment rest = segment;
    rest.seq += 1;
    rest.flags.bits = static_cast<std::uint8_t>(rest.flags.bits & ~wire::TcpFlags::kSyn);
    const Disposition disposition = process_text(rest, std::move(payload), env);
    update_persist(env);
    return disposition;
}

// RFC 7323 5.3 R1: before anything of the segment is believed. A RST is exempt.
Connection::Stop Connection::check_paws(const wire::TcpSegment& segment, const Environment& env) {
    if (!timestamps_ || !segment.options.timestamps || segment.flags.rst()) return {};
    if (!is_older(segment.options.timestamps->value, recent_timestamp_)) return {};
    const auto now_s = static_cast<std::uint32_t>(env.now.time_since_epoch() / std::chrono::seconds(1));
    if (now_s - recent_timestamp_s_ > kTimestampLifetimeSeconds) return {};
    answer_unacceptable(segment, env);
    return drop(DropReason::TcpPaws, env);
}

Connection::Stop Connection::check_sequence(const wire::TcpSegment& segment, const Environment& env) {
    // RFC 9293 3.5.3, SHLD-2: a RST may have text, which takes no room.
    const std::uint32_t length = segment.flags.rst() ? 0 : segment.seg_len();
    if (is_acceptable(segment.seq, length, rcv_.nxt, rcv_.wnd())) return {};
    const bool plain = segment.flags.ack() && !segment.flags.rst() && !segment.flags.syn();
    // A peer that has filled our window numbers its pure ACKs with the right edge: they count, or both
    // directions could wait for each other's retransmission (docs/rfc/9293.md).
    if (plain && length == 0 && segment.seq == rcv_.adv) return {};
    // RFC 9293 3.10.7.4: with a zero window the ACK is still processed; process_text() finds no room for the
    // rest.
    if (plain && rcv_.wnd() == 0 && segment.seq == rcv_.nxt) return {};
    if (segment.flags.rst()) return drop(DropReason::TcpRstInvalid, env);
    if (state_ == State::TimeWait && segment.flags.fin() && segment.seq + length == rcv_.nxt) {
        // RFC 9293 3.10.7.4: the remote FIN again restarts the 2 MSL.
        deadlines_.arm(stats::Timer::TimeWait, env.now + env.tunables.time_wait);
    }
    answer_unacceptable(segment, env);
    if (length > 0 && (segment.seq + length).at_or_before(rcv_.nxt)) {
        leg_stats(env).duplicate_segments.add();
        return drop(DropReason::TcpDuplicate, env);
    }
    return drop(DropReason::TcpOutOfWindow, env);
}

// RFC 5961 3.2, in place of RFC 9293's plain rule: exactly the next number, or a challenge.
// RFC 9293 3.4, 3.5.3, MUST-66, SHLD-2: whatever our window is, and whatever text it has.
Connection::Stop Connection::check_reset(const wire::TcpSegment& segment, const Environment& env) {
    if (!segment.flags.rst()) return {};
    if (state_ == State::TimeWait && env.tunables.rfc1337) return drop(DropReason::TcpTimeWaitRst, env);
    if (segment.seq != rcv_.nxt) {
        challenge(env);
        return drop(DropReason::TcpRstInvalid, env);
    }
    leg_stats(env).resets_received.add();
    reset_pending_ = false;
    // RFC 9293 3.5, MUST-11: what was opened passively is a HalfOpen until it is established.
    const bool refused = state_ == State::SynReceived && active_;
    close(refused ? stats::CloseReason::Refused : stats::CloseReason::ResetReceived, env);
    return Disposition::Accepted;
}

// RFC 5961 4.2: a SYN in a synchronised state may be an old duplicate or an attack; a peer that has really
// started anew answers the challenge with a RST.
Connection::Stop Connection::check_syn(const wire::TcpSegment& segment, const Environment& env) {
    if (!segment.flags.syn()) return {};
    challenge(env);
    return drop(DropReason::TcpSynInWindow, env);
}

// RFC 7323 4.3 (2): only from a segment that reaches back to the last ACK sent (CVE-2005-0356).
void Connection::update_recent_timestamp(const wire::TcpSegment& segment, const Environment& env) {
    if (!timestamps_ || !segment.options.timestamps || segment.seq.after(rcv_.acked)) return;
    recent_timestamp_ = segment.options.timestamps->value;
    recent_timestamp_s_ = static_cast<std::uint32_t>(env.now.time_since_epoch() / std::chrono::seconds(1));
}

Disposition Connection::drop(DropReason reason, const Environment& env) {
    env.stats.drops[reason].add();
    return Disposition::Dropped;
}

/// RFC 5961 7: an ACK with our numbers, a limited number a second for each connection.
void Connection::challenge(const Environment& env) {
    if (ack_pending_) return;  // the one that goes out anyway says the same
    if (!challenges_.admit(env.now, env.tunables.challenge_ack_limit)) {
        leg_stats(env).challenge_acks_limited.add();
        return;
    }
    leg_stats(env).challenge_acks.add();
    ack_pending_ = true;
}

/// RFC 9293 3.10.7.4: an ACK for every unacceptable segment. Text and FIN come from a peer that retransmits,
/// and are always answered; what is empty could be the other half of a loop of ACKs, and is answered within a
/// limit.
void Connection::answer_unacceptable(const wire::TcpSegment& segment, const Environment& env) {
    if (segment.payload_length > 0 || segment.flags.fin()) {
        acknowledge_quickly(env);
        if (!segment.flags.syn()) note_duplicate(segment.seq, segment.seq + segment.seg_len(), env);
    } else if (segment.flags.syn()) {
        challenge(env);
    } else if (challenges_.admit(env.now, env.tunables.challenge_ack_limit)) {
        ack_pending_ = true;
    }
}

}  // namespace terminus::tcp
