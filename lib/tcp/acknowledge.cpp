#include <algorithm>

#include "base/assert.hpp"
#include "tcp/connection.hpp"

namespace terminus::tcp {

using stats::DropReason;
using stats::Timer;

// RFC 5681 3.2: the third duplicate says that a segment is lost.
constexpr std::uint8_t kDuplicateThreshold = 3;

// RFC 9293 3.10.7.4, fifth.
Connection::Stop Connection::check_ack(const wire::TcpSegment& segment, const Environment& env) {
    if (!segment.flags.ack()) return drop(DropReason::TcpNoAck, env);
    if (state_ == State::SynReceived) {
        if (!segment.ack.after(snd_.una) || segment.ack.after(snd_.nxt)) {
            env.stats.drops[DropReason::TcpAckInvalid].add();
            leg_stats(env).resets_sent[stats::ResetReason::HandshakeInvalid].add();
            return Disposition::ResetPeer;
        }
        rtt_.acknowledged(segment.ack, echoed_age(segment, env), env.now, env.tunables);
        snd_.una = snd_.iss + 1;
        establish(env);
    }
    // RFC 5961 5.2: neither what was never sent, nor older than anything the peer can still be sending.
    if (segment.ack.after(snd_.nxt) || segment.ack.before(snd_.una - snd_.max_wnd)) {
        challenge(env);
        return drop(DropReason::TcpAckInvalid, env);
    }
    answered(env);
    if (segment.ack.before(snd_.una)) return {};  // old: nothing new in it, its text may be

    const std::uint32_t window = std::uint32_t{segment.window} << snd_.scale;
    const bool window_changed = window != snd_.wnd;
    if (snd_.wl1.before(segment.seq) || (snd_.wl1 == segment.seq && snd_.wl2.at_or_before(segment.ack))) {
        snd_.wnd = window;
        snd_.max_wnd = std::max(snd_.max_wnd, window);
        snd_.wl1 = segment.seq;
        snd_.wl2 = segment.ack;
    }
    if (segment.ack.after(snd_.una)) {
        new_ack(segment, env);
        return act_on_acknowledged_fin(env);
    }
    // RFC 5681 2: outstanding data, no text, no FIN, the same window.
    if (snd_.flight() > 0 && !probe_outstanding_ && segment.seg_len() == 0 && !window_changed)
        duplicate_ack();
    return {};
}

/// The peer lives and has seen something of ours: unanswered probes are no longer counted.
void Connection::answered(const Environment& env) {
    probes_unanswered_ = 0;
    keepalive_pending_ = false;
    if (state_ != State::TimeWait) arm_keepalive(env);
}

Duration Connection::echoed_age(const wire::TcpSegment& segment, const Environment& env) const {
    if (!timestamps_ || !segment.options.timestamps) return Duration(-1);
    const std::uint32_t age = own_timestamp(env) - segment.options.timestamps->echo_reply;
    // A peer that echoes nonsense gets no say in our RTO.
    if (segment.options.timestamps->echo_reply == 0 || age > 120'000) return Duration(-1);
    return std::max<Duration>(std::chrono::milliseconds(age), std::chrono::milliseconds(1));
}

/// snd_.una moves: bytes leave the send queue, congestion control and timers learn of it.
void Connection::new_ack(const wire::TcpSegment& segment, const Environment& env) {
    const std::uint32_t flight = snd_.flight();
    const std::uint32_t acked = segment.ack - snd_.una;
    const std::uint32_t text = std::min(acked, send_queue_.size_bytes());
    TERMINUS_ASSERT(acked - text <= (fin_sent_ ? 1u : 0u), "only our FIN occupies a number besides the text");
    send_queue_.drop_front(text);
    leg_stats(env).bytes_sent.add(text);
    snd_.una = segment.ack;
    snd_.resend = wire::latest(snd_.resend, snd_.una);
    rtt_.acknowledged(segment.ack, echoed_age(segment, env), env.now, env.tunables);
    retransmits_ = 0;
    progress_at_ = env.now;
    fast_retransmit_pending_ = false;
    if (text > 0)
        events_ |= Events::kSendRoom;  // after finish() too: it is how the application sees progress

    bool restart_timer = true;
    if (in_recovery_ && snd_.una.before(recover_)) {
        // RFC 6582 3.2 step 5, partial: the next hole is lost too. Only the first restarts the timer, so that
        // a window full of holes ends by a time-out and not by one hole a round trip.
        congestion_.partially_acknowledged(acked, snd_.mss);
        fast_retransmit_pending_ = true;
        fast_cause_ = stats::RetransmitCause::PartialAck;
        restart_timer = !partial_ack_seen_;
        partial_ack_seen_ = true;
    } else if (in_recovery_) {
        congestion_.recovery_left(snd_.flight(), snd_.mss);
        in_recovery_ = false;
        dup_acks_ = 0;
    } else {
        dup_acks_ = 0;
        // RFC 7661's concern in its simplest form: a window that was not used is no proof of capacity.
        if (flight >= congestion_.window() / 2) congestion_.acknowledged(acked, snd_.mss);
    }

    if (snd_.flight() == 0) {
        probe_outstanding_ = false;
        deadlines_.cancel(Timer::Retransmission);  // RFC 6298 5.2
    } else if (restart_timer && !probe_outstanding_) {
        arm_retransmission(env);  // RFC 6298 5.3
    }
}

/// RFC 5681 3.2, RFC 6582 3.2.
void Connection::duplicate_ack() {
    if (in_recovery_) {
        congestion_.duplicate_arrived(snd_.mss);
        return;
    }
    if (dup_acks_ < UINT8_MAX) ++dup_acks_;
    if (dup_acks_ != kDuplicateThreshold) return;  // RFC 3042 for the first two: see plan_data()
    // RFC 6582 3.2 step 2: duplicates of what was retransmitted before start no second recovery.
    if (!snd_.una.after(recover_)) return;
    in_recovery_ = true;
    partial_ack_seen_ = false;
    recover_ = snd_.nxt;
    congestion_.recovery_entered(snd_.flight(), snd_.mss);
    fast_retransmit_pending_ = true;
    fast_cause_ = stats::RetransmitCause::FastRetransmit;
}

/// The transitions that the acknowledgement of our FIN makes.
Connection::Stop Connection::act_on_acknowledged_fin(const Environment& env) {
    if (!is_fin_acknowledged()) return {};
    switch (state_) {
        case State::FinWait1:
            enter(State::FinWait2, env);
            if (orphan_) deadlines_.arm(Timer::FinWait2, env.now + env.tunables.fin_timeout);
            return {};
        case State::Closing:
            enter_time_wait(env);
            return Disposition::Accepted;
        case State::LastAck:
            close(stats::CloseReason::Normal, env);
            return Disposition::Accepted;
        case State::FinWait2:
        case State::TimeWait:
            return {};
        case State::Closed:
        case State::Listen:
        case State::SynSent:
        case State::SynReceived:
        case State::Established:
        case State::CloseWait:
            break;
    }
    TERMINUS_ASSERT(false, "a state in which our FIN has been sent");
    return {};
}

}  // namespace terminus::tcp
