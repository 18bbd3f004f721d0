#include <algorithm>

#include "base/assert.hpp"
#include "tcp/loss_recovery.hpp"
#include "tcp/recovery_work.hpp"

namespace terminus::tcp {

/// Where the sender stands after an ACK: what is over, what was a mistake, what is lost, what begins.
void LossRecovery::follow_state(const Context& context, Work& work) {
    new_text_first_ = false;
    if (work.first_is_sacked && !reneged_) context.stats.sack_reneging.add();
    // RFC 2018 8: an ACK that stops before what the peer said it holds: it has dropped that. A time-out soon
    // makes sure, for a reordered ACK says the same for a moment.
    if (work.is_forward) reneged_ = work.first_is_sacked;

    const bool recovered = context.snd.una.at_or_after(recover_);
    switch (state_) {
        case RecoveryState::Open:
        case RecoveryState::Disorder:
            undo_by_dsack(context);
            break;
        case RecoveryState::Cwr:
            if (context.snd.una.after(recover_)) leave(context, RecoveryState::Open);
            break;
        case RecoveryState::Recovery:
            if (recovered ? end_episode(context, work) : undo_in_recovery(context, work)) return;
            break;
        case RecoveryState::Loss:
            if (in_loss(context, work)) return;
            break;
    }
    find_losses(context, work);
    if (state_ >= RecoveryState::Recovery) return;
    if (has_lost_mtu_probe_alone(context.snd)) {
        resend_mtu_probe(context);
        work.prior_lost = records_.lost_bytes();
        return;
    }
    if (records_.to_resend_bytes() > 0)
        return enter_recovery(context, work.ack.ece, work.sample.newly_delivered);
    if (work.ack.ece && state_ != RecoveryState::Cwr) enter_cwr(context);
    if (state_ == RecoveryState::Cwr) return;
    const bool disorder = sacked_bytes() > 0 || records_.lost_bytes() > 0;
    state_ = disorder ? RecoveryState::Disorder : RecoveryState::Open;
}

// RFC 6675 5, RFC 6582 3.2 step 2: the threshold falls, once; PRR (RFC 9937) brings the window there.
void LossRecovery::enter_recovery(const Context& context, bool ece, std::uint32_t newly_delivered) {
    const bool is_reduced = state_ == RecoveryState::Cwr;
    begin_undo(context.snd);
    may_undo_ = may_undo_ && !ece && !is_reduced;  // an echo of congestion is no mistake of ours
    recover_ = context.snd.nxt;
    if (!is_reduced) {
        cwr_pending_ = true;
        congestion_.loss_detected(event(context));
        const std::uint32_t held = std::min(context.snd.flight(), sacked_bytes());
        prr_.begin(context.snd.flight() - held + newly_delivered);
    }
    state_ = RecoveryState::Recovery;
    reducing_ = true;
    frto_ = false;
    cause_ = stats::RetransmitCause::FastRetransmit;
    context.stats.recoveries.add();
}

// RFC 3168 6.1.2: the reaction to a lost segment, once a window; nothing is sent again.
void LossRecovery::enter_cwr(const Context& context) {
    may_undo_ = false;
    recover_ = context.snd.nxt;
    congestion_.congestion_marked(event(context));
    prr_.begin(pipe(context.snd));
    state_ = RecoveryState::Cwr;
    reducing_ = true;
    cwr_pending_ = true;
    context.stats.ecn_reductions.add();
}

/// Everything outstanding when it began is acknowledged. True: nothing more is to be concluded from this ACK.
bool LossRecovery::end_episode(const Context& context, Work& work) {
    if (is_proven_spurious(work)) {
        undo(context, false);
        work.outcome.undone = work.outcome.undone || state_ == RecoveryState::Loss;
        context.stats.spurious_recoveries.add();
        leave(context, RecoveryState::Open);
        return false;
    }
    // RFC 6582 3.2 step 2: without SACK, duplicates of what was sent again would begin a second recovery, so
    // this one goes on until something beyond it is acknowledged; its window is that of step 5.
    if (!context.sack && context.snd.una == recover_) {
        if (reducing_ && !congestion_.owns_recovery()) {
            const std::uint32_t flight = std::max<std::uint32_t>(context.snd.flight(), context.snd.mss);
            congestion_.set_window(std::min(congestion_.slow_start_threshold(), flight + context.snd.mss));
            reducing_ = false;
        }
        reset_duplicates();
        return true;
    }
    rack_.recovery_left();
    leave(context, RecoveryState::Open);
    return false;
}

/// The window arrives at its threshold, unless the reduction was taken back.
void LossRecovery::leave(const Context& context, RecoveryState next) {
    if (reducing_ && !congestion_.owns_recovery()) congestion_.set_window(congestion_.slow_start_threshold());
    reducing_ = false;
    frto_ = false;
    state_ = next;
    reset_duplicates();
    congestion_.recovery_left(context.env.now);
}

/// True: what was sent again is still under way and says more soon.
bool LossRecovery::undo_in_recovery(const Context& context, Work& work) {
    if (work.is_forward && may_undo_ && is_delayed(work)) {
        // RFC 3522 3.2: the ACK is for the original. While copies are on the way nothing more is sent again.
        if (records_.retransmitted_bytes() > 0) return true;
        undo(context, true);
        context.stats.spurious_recoveries.add();
        leave(context, RecoveryState::Open);
        return false;
    }
    if (undo_by_dsack(context)) leave(context, RecoveryState::Open);
    return false;
}

// RFC 3708: every segment sent again has been reported as a duplicate.
bool LossRecovery::undo_by_dsack(const Context& context) {
    if (!may_undo_ || undo_bytes_ != 0) return false;
    undo(context, false);
    context.stats.spurious_recoveries.add();
    return true;
}

// RFC 5682 2.1 and its SACK version 3.1: a time-out is spurious when what was never sent again arrives after
// it. True: nothing more is to be concluded from this ACK.
bool LossRecovery::in_loss(const Context& context, Work& work) {
    const bool recovered = context.snd.una.at_or_after(recover_);
    // Without SACK, an ACK of something sent again says nothing of what else it covers.
    const bool original = work.original_arrived && (context.sack || !work.resent_arrived);
    const bool by_clock = work.is_forward && may_undo_ && is_delayed(work);
    if (by_clock || (frto_ && original)) {
        undo(context, true);
        work.outcome.undone = true;
        context.stats.spurious_timeouts.add();
        leave(context, RecoveryState::Open);
        return false;
    }
    if (frto_) {
        if (context.snd.nxt.after(recover_)) {
            if (work.newly_sacked || work.ack.is_duplicate) frto_ = false;  // step 3a: the loss is real
        } else if (work.is_forward && !recovered) {
            recover_ = context.snd.nxt;
            new_text_first_ = true;  // step 2b
            return true;
        }
    }
    if (recovered) return end_episode(context, work);
    return false;
}

// RFC 6298 5.4 to 5.6, RFC 5681 3.1 (4), RFC 6582 4.
void LossRecovery::timed_out(const Context& context, std::uint32_t timeouts_before) {
    const bool is_new = state_ < RecoveryState::Recovery;
    // RFC 5681 3.1: the threshold is set by what the first expiry found, until something of it is
    // acknowledged.
    if (is_new || recover_.at_or_before(context.snd.una) || timeouts_before == 0) {
        congestion_.timed_out(event(context));
        begin_undo(context.snd);
    }
    const std::uint32_t first = records_.first();
    const bool gone_back = first != SentPool::kNone && context.env.sent[first].has(SentRecord::kSacked);
    const bool tells_times = context.sack && rack_.has_delivery();
    lose_all(context, gone_back ? Reach::Everything : tells_times ? Reach::Overdue : Reach::Unreported);
    // Room for one segment beside what is taken to be on the way.
    congestion_.set_window(pipe(context.snd) + context.snd.mss);
    reneged_ = false;
    recover_ = context.snd.nxt;
    state_ = RecoveryState::Loss;
    reducing_ = false;
    frto_ = context.env.tunables.frto && (is_new || timeouts_before > 0);
    new_text_first_ = false;
    probe_outstanding_ = false;
    reordering_at_ = base::kNever;
    cwr_pending_ = true;
    cause_ = stats::RetransmitCause::Timeout;
}

/// What is outstanding goes again without anybody being to blame: no reduction, so nothing to undo.
void LossRecovery::resend_blamelessly(const Context& context, stats::RetransmitCause cause) {
    lose_all(context, Reach::Unreported);
    if (state_ != RecoveryState::Loss) leave(context, RecoveryState::Loss);
    recover_ = context.snd.nxt;
    may_undo_ = frto_ = new_text_first_ = false;
    reordering_at_ = base::kNever;
    cause_ = cause;
}

void LossRecovery::begin_undo(const SendSpace& snd) {
    undo_from_ = snd.una;
    may_undo_ = true;
    has_resent_ = records_.retransmitted_bytes() > 0 && has_resent_;
    const std::uint32_t resent = records_.retransmitted_bytes();
    undo_bytes_ = resent > 0 ? static_cast<std::int32_t>(resent) : -1;
}

bool LossRecovery::is_proven_spurious(const Work& work) const {
    return may_undo_ && (undo_bytes_ == 0 || is_delayed(work));
}

// RFC 3522 3.2 (Eifel): the echoed timestamp is older than the first retransmission's.
bool LossRecovery::is_delayed(const Work& work) const {
    return has_resent_ && work.ack.echoed_timestamp &&
           is_older(*work.ack.echoed_timestamp, first_resent_stamp_);
}

void LossRecovery::undo(const Context& context, bool with_losses) {
    if (with_losses) {
        SentPool& pool = context.env.sent;
        // From the newest back: each finds its place by time in one step.
        for (std::uint32_t i = records_.last(); i != SentPool::kNone; i = pool[i].previous) {
            if (pool[i].has(SentRecord::kLost)) records_.unmark_lost(pool, i);
        }
    }
    congestion_.undone(context.env.now);
    reducing_ = false;
    may_undo_ = false;
}

LossEvent LossRecovery::event(const Context& context) const {
    // What the path carried in the last round trip: ACKs are taken in bursts, so right now there may be less.
    // RFC 5681 3.2 step 2: what limited transmit let out does not count.
    const std::uint32_t carried = std::max(context.snd.flight(), flight_max_);
    return {.now = context.env.now,
            .mss = context.snd.mss,
            .in_flight = std::min(carried, congestion_.window()),
            .delivered = rate_.delivered_bytes(),
            .newly_lost = records_.lost_bytes()};
}

}  // namespace terminus::tcp
