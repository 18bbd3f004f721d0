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
    const Duration wait = find_by_time(context);
    reordering_at_ = wait > Duration::zero() ? context.env.now + wait : base::kNever;
}

Duration LossRecovery::reordering_window(const Context& context) const {
    const bool is_evident =
        state_ >= RecoveryState::Recovery || records_.sacked_bytes() >= kDuplicateThreshold * context.snd.mss;
    return rack_.reordering_window(min_rtt_, context.rtt.smoothed(), is_evident);
}

/// Until its answer is overdue.
Duration LossRecovery::time_left(const Context& context, const SentRecord& record, Duration window) const {
    return record.sent_at + rack_.rtt() + window - context.env.now;
}

/// RFC 8985 6.2 step 5. Returns how long until the next may be lost; zero when none is waiting.
Duration LossRecovery::find_by_time(const Context& context) {
    if (!rack_.has_delivery()) return Duration::zero();
    SentPool& pool = context.env.sent;
    const Duration window = reordering_window(context);
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
        const Duration remaining = time_left(context, record, window);
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

/// What was sent again is lost as well. What now has one fate is one record. RFC 8985 6.3: the time-out is
/// the first segment's, and says nothing of one that was sent a moment ago.
void LossRecovery::lose_all(const Context& context, Reach reach) {
    SentPool& pool = context.env.sent;
    const Duration window = reordering_window(context);
    const auto is_spared = [&](const SentRecord& record) {
        if (record.has(SentRecord::kSacked)) return reach != Reach::Everything;
        return reach == Reach::Overdue && time_left(context, record, window) > Duration::zero();
    };
    std::uint32_t index = records_.first();
    if (reach == Reach::Overdue && index != SentPool::kNone && is_spared(pool[index])) {
        const wire::SeqNum end = pool[index].begin + context.snd.mss;
        // Without room for another record it is all of them.
        if (pool[index].end.after(end)) (void)records_.split(pool, index, end);
        lose(context, index);
        index = pool[index].next;
    }
    while (index != SentPool::kNone) {
        if (is_spared(pool[index])) {
            index = pool[index].next;
            continue;
        }
        if (pool[index].has(SentRecord::kSacked)) records_.unmark_sacked(pool, index);
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
