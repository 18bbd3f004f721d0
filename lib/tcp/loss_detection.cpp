#include <algorithm>

#include "tcp/loss_recovery.hpp"
#include "tcp/recovery_work.hpp"

namespace terminus::tcp {

// RFC 5681 3.2, RFC 8985 6.2 step 4: so many segments reported behind a missing one are evidence.
constexpr std::uint32_t kDuplicateThreshold = 3;

void LossRecovery::find_losses(const Context& context, Work& work) {
    if (!context.sack) {
        // RFC 6582 3.2 step 2: the third duplicate, or step 5, a partial acknowledgement in recovery.
        const bool third = duplicates_ >= kDuplicateThreshold && state_ <= RecoveryState::Cwr;
        const bool partial =
            state_ == RecoveryState::Recovery && work.is_forward && context.snd.una.before(recover_);
        if (third || partial) lose_first(context);
        return;
    }
    const std::uint32_t resent = records_.retransmitted_bytes();
    const Duration wait = find_by_time(context);
    work.resent_was_lost = records_.retransmitted_bytes() < resent;
    reordering_at_ = wait > Duration::zero() ? context.env.now + wait : base::kNever;
}

/// RFC 8985 6.2 step 5. Returns how long until the next may be lost; zero when none is waiting.
Duration LossRecovery::find_by_time(const Context& context) {
    if (!rack_.has_delivery()) return Duration::zero();
    SentPool& pool = context.env.sent;
    const bool is_evident =
        state_ >= RecoveryState::Recovery || records_.sacked_bytes() >= kDuplicateThreshold * context.snd.mss;
    const Duration window = rack_.reordering_window(min_rtt_, context.rtt.smoothed(), is_evident);
    Duration longest{0};
    std::uint32_t index = records_.oldest();
    while (index != SentPool::kNone) {
        const SentRecord& record = pool[index];
        const std::uint32_t later = record.later;
        if (!rack_.is_older(record.sent_at, record.end)) {
            // Everything sent later is newer still; of one instant, those of lower number may follow.
            if (record.sent_at > rack_.newest_sent_at()) break;
            index = later;
            continue;
        }
        const Duration remaining = record.sent_at + rack_.rtt() + window - context.env.now;
        if (remaining <= Duration::zero()) {
            lose(context, index);
        } else {
            longest = std::max(longest, remaining);
        }
        index = later;
    }
    return longest;
}

void LossRecovery::lose(const Context& context, std::uint32_t index) {
    SentRecord& record = context.env.sent[index];
    if (!record.has(SentRecord::kLost) || record.has(SentRecord::kRetransmitted)) rate_.lost(record.length());
    records_.mark_lost(context.env.sent, index);
}

/// Without SACK: the first segment, once.
void LossRecovery::lose_first(const Context& context) {
    SentPool& pool = context.env.sent;
    const std::uint32_t index = records_.first();
    if (index == SentPool::kNone || pool[index].has(SentRecord::kLost)) return;
    const wire::SeqNum end = pool[index].begin + context.snd.mss;
    if (pool[index].end.after(end) && records_.split(pool, index, end) == SentPool::kNone) return;
    lose(context, index);
    unsacked_duplicates_ = std::min(unsacked_duplicates_, most_duplicates(context.snd));
}

/// After a time-out: what isn't reported as held is lost, and what was sent again as well; reports are
/// forgotten too when the peer has gone back on one (RFC 2018 8, HARDENING 24). What now has one fate is one
/// record.
void LossRecovery::lose_all(const Context& context, bool with_sacked) {
    SentPool& pool = context.env.sent;
    std::uint32_t index = records_.first();
    while (index != SentPool::kNone) {
        if (pool[index].has(SentRecord::kSacked)) {
            if (!with_sacked) {
                index = pool[index].next;
                continue;
            }
            records_.unmark_sacked(pool, index);
        }
        lose(context, index);
        const std::uint32_t before = pool[index].previous;
        // A PSH stays where it was.
        const bool is_alike = before != SentPool::kNone && pool[before].flags == pool[index].flags;
        if (is_alike && !pool[before].push) {
            records_.join_next(pool, before);
            index = before;
        }
        index = pool[index].next;
    }
    reset_duplicates();
}

}  // namespace terminus::tcp
