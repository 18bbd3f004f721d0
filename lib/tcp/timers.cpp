#include "tcp/timers.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "tcp/connection.hpp"

namespace terminus::tcp {

using stats::CloseReason;
using stats::Timer;

// States in which the peer may be probed.
constexpr StateMask kKeptAlive = mask(State::Established) | mask(State::FinWait1) | mask(State::FinWait2) |
                                 mask(State::CloseWait) | mask(State::Closing) | mask(State::LastAck);

// Retransmissions without an answer after which it may be their size: Linux's tcp_retries1, the least that
// RFC 9293 3.8.3 wants R1 to be.
constexpr std::uint8_t kBlackHoleRetries = 3;

void Connection::timers_expired(const Environment& env) {
    is_paced_ = false;  // poll_transmit() says whether it still is
    for (std::size_t i = 0; i < Deadlines::kCount; ++i) {
        const auto timer = static_cast<Timer>(i);
        if (!deadlines_.is_due(timer, env.now)) continue;
        deadlines_.cancel(timer);
        leg_stats(env).timer_expirations[timer].add();
        switch (timer) {
            case Timer::Establishment:
                establishment_expired(env);
                break;
            case Timer::Retransmission:
                retransmission_expired(env);
                break;
            case Timer::DelayedAck:
                ack_pending_ = true;
                interactive_ = false;
                break;
            case Timer::Persist:
                persist_expired(env);
                break;
            case Timer::Keepalive:
                keepalive_expired(env);
                break;
            case Timer::FinWait2:
                close(CloseReason::FinTimeout, env);
                break;
            case Timer::TimeWait:
                close(CloseReason::Normal, env);
                break;
        }
        if (state_ == State::Closed) return;  // which has cancelled the rest
    }
    update_persist(env);
}

// RFC 9293 3.8.3, MUST-22: as data, until R2.
void Connection::establishment_expired(const Environment& env) {
    const bool with_ack = state_ == State::SynReceived;
    TERMINUS_ASSERT(with_ack || state_ == State::SynSent, "establish() cancels this timer");
    const std::uint32_t most = with_ack ? env.tunables.synack_retries : env.tunables.syn_retries;
    if (is_past_user_timeout(env)) return abort(CloseReason::UserTimeout, env);
    if (retransmits_ >= most)
        return close(with_ack ? CloseReason::SynAckTimeout : CloseReason::SynTimeout, env);
    if (retransmits_ < UINT8_MAX) ++retransmits_;
    rtt_.back_off(env.tunables);
    syn_pending_ = true;
    deadlines_.arm(Timer::Establishment, within_user_timeout(env.now + rtt_.rto(), env));
}

// What the one deadline stands for: RFC 6298 5.4 to 5.6, RFC 8985 6.3 and 7.3.
void Connection::retransmission_expired(const Environment& env) {
    TERMINUS_ASSERT(snd_.flight() > 0, "the timer is cancelled when everything is acknowledged");
    if (is_past_user_timeout(env)) return abort(CloseReason::UserTimeout, env);
    if (recovery_.deadline() > env.now) return sync_retransmission(env);  // user_timeout had come before it
    switch (recovery_.timer()) {
        case RetransmitTimer::Reordering:
            recovery_.reordering_expired(sending(env));
            follow_mtu_probe(env);
            break;
        case RetransmitTimer::TailLossProbe:
            recovery_.probe_due(sending(env));
            tail_probe_pending_ = true;
            leg_stats(env).tail_loss_probes.add();
            break;
        case RetransmitTimer::Timeout:
            timed_out(env);
            break;
    }
    if (state_ != State::Closed) sync_retransmission(env);
}

void Connection::timed_out(const Environment& env) {
    if (snd_.wnd == 0) {
        // The window has closed over what is on the way: that is no loss, and ends no connection (RFC 9293
        // 3.8.6, SHLD-17, MUST-34). Probing goes on from here (MUST-35).
        is_parked_ = true;
        probe_pending_ = true;
        tail_probe_pending_ = false;
        persist_backoff_ = 0;
        recovery_.stop_timers();
        return;  // update_persist() arms the timer
    }
    // RFC 9293 3.8.3, MUST-20, SHLD-11: R2, with the defaults a quarter of an hour.
    if (retransmits_ >= retries_max(rtt_.rto(), env)) return abort(CloseReason::RetransmitTimeout, env);
    // RFC 4821 7.7.
    if (retransmits_ >= kBlackHoleRetries && path_.shrink(env.tunables, env.now)) {
        snd_.mss = path_.text_max();
        leg_stats(env).path_black_holes.add();
    }
    recovery_.timed_out(sending(env), retransmits_);
    if (retransmits_ < UINT8_MAX) ++retransmits_;
    rtt_.back_off(env.tunables);
    tail_probe_pending_ = false;
    recovery_.restart_timeout(sending(env));
}

// RFC 9293 3.8.6.1. An answered probe keeps the connection alive for ever (MUST-37), unless nobody is left on
// this side to want that: an orphan is given up when its probes are rto_max apart (HARDENING 22, 23).
void Connection::persist_expired(const Environment& env) {
    if (is_past_user_timeout(env)) return abort(CloseReason::UserTimeout, env);
    const Duration timeout = persist_timeout(env);
    const std::uint32_t most = retries_max(timeout, env);
    const bool is_given_up =
        orphan_ && timeout >= env.tunables.rto_max && std::uint32_t{persist_backoff_} >= most;
    if (probes_unanswered_ >= most || is_given_up) return abort(CloseReason::PersistTimeout, env);
    if (probes_unanswered_ < UINT8_MAX) ++probes_unanswered_;
    if (persist_backoff_ < UINT8_MAX) ++persist_backoff_;
    probe_pending_ = true;
}

// RFC 9293 3.8.4, MAY-5.
void Connection::keepalive_expired(const Environment& env) {
    if (!is_in(state_, kKeptAlive) || !env.tunables.keepalive) return;
    if (snd_.flight() > 0 || !send_queue_.empty()) {  // the other timers ask the peer already (MUST-26)
        arm_keepalive(env);
        return;
    }
    // RFC 9293 3.8.4, MUST-29: one lost answer is no death.
    const Tunables& tunables = env.tunables;
    if (tunables.user_timeout == Duration::zero()) {
        if (probes_unanswered_ >= tunables.keepalive_probes) return abort(CloseReason::KeepaliveTimeout, env);
    } else if (probes_unanswered_ > 0) {
        // As in Linux: where it is said how long a peer may be silent, probes are not counted.
        const Duration silent = tunables.keepalive_time + tunables.keepalive_intvl * probes_unanswered_;
        if (silent >= tunables.user_timeout) return abort(CloseReason::UserTimeout, env);
    }
    if (probes_unanswered_ < UINT8_MAX) ++probes_unanswered_;
    keepalive_pending_ = true;
    deadlines_.arm(Timer::Keepalive, env.now + env.tunables.keepalive_intvl);
}

/// The deadline as loss recovery has it now. RFC 7413 4.2.2: what follows a SYN-ACK that may be lost can't be
/// taken and is not sent again before that is answered; establish() arms the timer.
void Connection::sync_retransmission(const Environment& env) {
    const Instant deadline = recovery_.deadline();
    if (snd_.flight() == 0 || deadline == base::kNever || state_ == State::SynReceived) {
        deadlines_.cancel(Timer::Retransmission);
    } else {
        deadlines_.arm(Timer::Retransmission, within_user_timeout(deadline, env));
    }
}

// RFC 9293 MUST-24: keepalives are the application's to turn on and off.
void Connection::tunables_changed(const Environment& env) {
    if (is_in(state_, kKeptAlive)) arm_keepalive(env);
}

void Connection::arm_keepalive(const Environment& env) {
    if (env.tunables.keepalive) {
        deadlines_.arm(Timer::Keepalive, env.now + env.tunables.keepalive_time);
    } else {
        deadlines_.cancel(Timer::Keepalive);
    }
}

/// Arms the persist timer when there is something to send, nothing on the way that an ACK could answer, and
/// the window alone forbids it; cancels it when that is over.
void Connection::update_persist(const Environment& env) {
    const bool waiting =
        is_in(state_, kKeptAlive) && !probe_pending_ &&
        (is_parked_ || (snd_.flight() == 0 && snd_.nxt.before(transmit_end()) &&
                        recovery_.paced_until() <= env.now && plan_text(env).kind == Plan::Kind::Nothing));
    if (probe_pending_ || waiting) {
        if (deadlines_.is_armed(Timer::Persist)) return;
        deadlines_.arm(Timer::Persist, within_user_timeout(env.now + persist_timeout(env), env));
        return;
    }
    persist_backoff_ = 0;
    deadlines_.cancel(Timer::Persist);
}

// RFC 9293 3.8.6.1, SHLD-29, SHLD-30: after the time-out, then twice as long each time.
Duration Connection::persist_timeout(const Environment& env) const {
    Duration timeout = rtt_.rto();
    for (unsigned i = 0; i < persist_backoff_ && timeout < env.tunables.rto_max; ++i)
        timeout *= 2;
    return std::min(timeout, env.tunables.rto_max);
}

// RFC 9293 3.9.1.1, RFC 5482 3, TCP_USER_TIMEOUT: how long what we have sent or queued may go without
// progress. RFC 9293 3.8.3, MUST-21: R2 as the application wants it.
bool Connection::is_past_user_timeout(const Environment& env) const {
    return env.tunables.user_timeout > Duration::zero() &&
           env.now >= progress_at_ + env.tunables.user_timeout;
}

Instant Connection::within_user_timeout(Instant deadline, const Environment& env) const {
    if (env.tunables.user_timeout <= Duration::zero()) return deadline;
    return std::min(deadline, std::max(env.now, progress_at_ + env.tunables.user_timeout));
}

}  // namespace terminus::tcp
