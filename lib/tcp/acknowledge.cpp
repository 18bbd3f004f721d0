#include <algorithm>

#include "base/assert.hpp"
#include "tcp/connection.hpp"

namespace terminus::tcp {

using stats::DropReason;
using stats::Timer;

namespace {

/// What the segment says of the peer's window is the newest.
void take_window(SendSpace& snd, const wire::TcpSegment& segment) {
    snd.wnd = std::uint32_t{segment.window} << snd.scale;
    snd.max_wnd = std::max(snd.max_wnd, snd.wnd);
    snd.wl1 = segment.seq;
    snd.wl2 = segment.ack;
}

}  // namespace

// RFC 9293 3.10.7.4, fifth.
// RFC 9293 3.10.7.4, MAY-12: an ACK of the far past is no ACK.
Connection::Stop Connection::check_ack(const wire::TcpSegment& segment, const Environment& env) {
    if (!segment.flags.ack()) return drop(DropReason::TcpNoAck, env);
    if (state_ == State::SynReceived) {
        if (!segment.ack.after(snd_.iss) || segment.ack.after(snd_.nxt)) {
            env.stats.drops[DropReason::TcpAckInvalid].add();
            return Disposition::ResetPeer;
        }
        if (active_) {
            syn_acknowledged(segment.ack, env);
        } else {
            snd_.una = snd_.iss + 1;
        }
        // The window, too, whatever number the segment begins with: there was only a SYN's before.
        take_window(snd_, segment);
        establish(handshake_rtt(segment, env), env);
    }
    // RFC 5961 5.2: neither what was never sent, nor older than anything the peer can still be sending.
    if (segment.ack.after(snd_.nxt) || segment.ack.before(snd_.una - snd_.max_wnd)) {
        challenge(env);
        return drop(DropReason::TcpAckInvalid, env);
    }
    answered(env);
    // Old: its text may be new, and so may what its SACK reports (RFC 2883: a late ACK tells of duplicates).
    if (segment.ack.before(snd_.una)) {
        take_old_report(segment, env);
        return {};
    }

    const bool window_changed = std::uint32_t{segment.window} << snd_.scale != snd_.wnd;
    // RFC 9293 3.10.7.4 asks for the numbers alone. But snd.wnd counts from snd.una: where that moves, the
    // window that was told with it is the newest there is, also in a segment that was sent again, and the old
    // one would reach further than the peer ever offered.
    if (segment.ack.after(snd_.una) || snd_.wl1.before(segment.seq) ||
        (snd_.wl1 == segment.seq && snd_.wl2.at_or_before(segment.ack))) {
        take_window(snd_, segment);
    }
    if (is_parked_ && snd_.wnd > 0) {
        is_parked_ = false;
        recovery_.resend_blamelessly(sending(env), stats::RetransmitCause::WindowReopened);
        recovery_.restart_timeout(sending(env));
    }
    take_ack(segment, window_changed, env);
    return act_on_acknowledged_fin(env);
}

// RFC 9293 3.8.6.1: a closed window is news of its own.
bool Connection::is_overtaken(const wire::TcpSegment& ack, const wire::TcpSegment& next,
                              const Environment& env) {
    const bool is_expected = state_ == State::Established && recovery_.is_calm() &&
                             !recovery_.counts_acks() && !is_parked_ && ack.seq == rcv_.nxt &&
                             ack.ack.after(snd_.una) && next.ack.at_or_before(snd_.nxt) && ack.window != 0 &&
                             next.window != 0;
    if (!is_expected || timestamps_ != next.options.timestamps.has_value()) return false;
    if (timestamps_ && is_older(next.options.timestamps->value, recent_timestamp_)) return false;
    leg_stats(env).segments_received.add();
    return true;
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

/// Loss recovery judges the ACK, then snd_.una moves and timers follow.
void Connection::take_ack(const wire::TcpSegment& segment, bool window_changed, const Environment& env) {
    if (snd_.flight() == 0) return;
    const bool is_forward = segment.ack.after(snd_.una);
    LossRecovery::Ack ack{.ack = segment.ack, .options = segment.options};
    // RFC 5681 2: outstanding data, no text, no FIN, the same window.
    ack.is_duplicate = !is_forward && segment.seg_len() == 0 && !window_changed && !is_parked_;
    ack.ece = ecn_ && segment.flags.ece();
    if (timestamps_ && segment.options.timestamps)
        ack.echoed_timestamp = segment.options.timestamps->echo_reply;
    const std::uint32_t acked = segment.ack - snd_.una;
    const LossRecovery::Outcome outcome = recovery_.acknowledge(sending(env), ack);
    follow_mtu_probe(env);

    if (is_forward) {
        drop_acknowledged(acked, env);
        Duration rtt = outcome.rtt;
        // RFC 7323 4.1: the echoed timestamp says which transmission is being acknowledged.
        if (rtt < Duration::zero()) rtt = echoed_age(segment, env);
        if (rtt > Duration::zero()) rtt_.sample(rtt, snd_.una, snd_.nxt, env.tunables);
        if (outcome.undone) rtt_.undo_back_off(env.tunables);
        if (!is_parked_) recovery_.restart_timeout(sending(env));
        tail_probe_pending_ = false;
    }
    if (snd_.flight() == 0) is_parked_ = false;
    sync_retransmission(env);
}

/// The report of an ACK that others have overtaken: what it says is held, is (RFC 2018 3).
void Connection::take_old_report(const wire::TcpSegment& segment, const Environment& env) {
    if (!sack_ || snd_.flight() == 0 || segment.options.sack_count == 0) return;
    (void)recovery_.acknowledge(sending(env), {.ack = segment.ack, .options = segment.options});
    sync_retransmission(env);
}

/// snd_.una moves: bytes leave the send queue.
void Connection::drop_acknowledged(std::uint32_t acked, const Environment& env) {
    const std::uint32_t text = std::min(acked, send_queue_.size_bytes());
    TERMINUS_ASSERT(acked - text <= (fin_sent_ ? 1u : 0u), "only our FIN occupies a number besides the text");
    send_queue_.drop_front(text);
    leg_stats(env).bytes_sent.add(text);
    snd_.una += acked;
    retransmits_ = 0;
    progress_at_ = env.now;
    path_.forget_old(env.tunables, env.now);
    snd_.mss = path_.text_max();
    // After finish() too: it is how the application sees progress.
    if (text > 0) events_ |= Events::kSendRoom;
}

/// The round trip of SYN and SYN-ACK; negative when it can't be told which copy was answered (Karn) and no
/// timestamp says it.
Duration Connection::handshake_rtt(const wire::TcpSegment& segment, const Environment& env) const {
    // Text that has followed a SYN-ACK is what text_sent_at_ tells of.
    const bool is_followed = fast_open_ && snd_.flight() > 0;
    if (handshake_repeated_ || retransmits_ > 0 || is_followed) return echoed_age(segment, env);
    return std::max<Duration>(env.now - text_sent_at_, Duration(1));
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
