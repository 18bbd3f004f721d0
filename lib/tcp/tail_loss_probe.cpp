#include <algorithm>

#include "tcp/loss_recovery.hpp"
#include "tcp/recovery_work.hpp"

// RFC 8985 7, and the deadline that probe, reordering window and time-out share.
namespace terminus::tcp {

// A receiver may hold back the ACK of a lone segment (RFC 8985 7.2, TLP.max_ack_delay): what Linux allows.
constexpr Duration kAckDelayMax = std::chrono::milliseconds(200);
// What a suspicion of reneging waits before it is believed; Linux's number.
constexpr Duration kRenegingDelay = std::chrono::milliseconds(10);

// RFC 8985 7.2.
Duration LossRecovery::probe_timeout(const Context& context) const {
    if (!context.rtt.has_sample()) return std::chrono::seconds(1);
    Duration timeout = 2 * context.rtt.smoothed();
    if (context.snd.flight() <= context.snd.mss) timeout += kAckDelayMax;
    return timeout;
}

void LossRecovery::schedule_probe(const Context& context) {
    const bool may = context.sack && context.env.tunables.early_retrans && !probe_outstanding_ &&
                     (state_ == RecoveryState::Open || state_ == RecoveryState::Cwr) &&
                     context.snd.flight() > 0 && sacked_bytes() == 0;
    // RFC 8985 7.2: where the time-out would come sooner, the probe takes its place.
    probe_at_ = may ? std::min(context.env.now + probe_timeout(context), timeout_at_) : base::kNever;
}

void LossRecovery::probe_due(const Context& context) {
    probe_at_ = base::kNever;
    timeout_at_ = context.env.now + context.rtt.rto();
}

void LossRecovery::restart_timeout(const Context& context) {
    timeout_at_ = context.snd.flight() > 0 ? context.env.now + context.rtt.rto() : base::kNever;
    if (reneged_) {
        const Duration soon = std::max(context.rtt.smoothed() / 2, kRenegingDelay);
        timeout_at_ = std::min(timeout_at_, context.env.now + soon);
    }
    schedule_probe(context);
}

Instant LossRecovery::deadline() const {
    return std::min({timeout_at_, probe_at_, reordering_at_});
}

RetransmitTimer LossRecovery::timer() const {
    if (reordering_at_ <= std::min(timeout_at_, probe_at_) && reordering_at_ != base::kNever)
        return RetransmitTimer::Reordering;
    const bool probes = probe_at_ != base::kNever && probe_at_ <= timeout_at_;
    return probes ? RetransmitTimer::TailLossProbe : RetransmitTimer::Timeout;
}

// RFC 8985 7.3: the last segment, when there is no new text to probe with.
std::optional<LossRecovery::Range> LossRecovery::tail_probe(const Context& context) const {
    SentPool& pool = context.env.sent;
    std::uint32_t index = records_.last();
    while (index != SentPool::kNone && pool[index].has(SentRecord::kSacked))
        index = pool[index].previous;
    if (index == SentPool::kNone) return std::nullopt;
    const SentRecord& record = pool[index];
    const std::uint32_t rest = record.length() % context.snd.mss;
    return Range{record.end - (rest > 0 ? rest : context.snd.mss), record.end, record.push};
}

void LossRecovery::tail_probe_sent(const Context& context, bool was_sent_before) {
    probe_outstanding_ = true;
    probe_was_resent_ = was_sent_before;
    probe_end_ = context.snd.nxt;
    probe_flight_ = context.snd.flight();
    restart_timeout(context);
}

// RFC 8985 7.4: whether the probe repaired a loss that nothing else tells of, in which case the window pays
// for it.
void LossRecovery::probe_answered(const Context& context, Work& work) {
    if (!probe_outstanding_ || work.ack.ack.before(probe_end_)) return;
    if (!probe_was_resent_ || work.dsack) {
        probe_outstanding_ = false;
        return;
    }
    if (work.ack.ack.after(probe_end_)) {
        probe_outstanding_ = false;
        if (state_ > RecoveryState::Disorder) return;
        LossEvent then = event(context);
        then.in_flight = std::min(probe_flight_, congestion_.window());
        congestion_.loss_detected(then);
        context.stats.tail_losses.add();
        reducing_ = true;
        may_undo_ = false;
        leave(context, RecoveryState::Open);
    } else if (work.ack.is_duplicate || (!work.is_forward && !work.newly_sacked)) {
        probe_outstanding_ = false;  // both copies arrived: nothing was lost
    }
}

void LossRecovery::reordering_expired(const Context& context) {
    reordering_at_ = base::kNever;
    const Ack none{.ack = context.snd.una, .options = kNoOptions};
    Work work{none};
    find_losses(context, work);
    if (state_ >= RecoveryState::Recovery || records_.to_resend_bytes() == 0) return;
    if (has_lost_mtu_probe_alone(context.snd)) return resend_mtu_probe(context);
    enter_recovery(context, false, 0);
    if (congestion_.owns_recovery()) return;
    // RFC 9937 6: nothing was delivered; the first retransmission goes out all the same.
    congestion_.set_window(
        prr_.window(0, pipe(context.snd), congestion_.slow_start_threshold(), context.snd.mss, false));
}

}  // namespace terminus::tcp
