#include "tcp/loss_recovery.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "tcp/recovery_work.hpp"

namespace terminus::tcp {

// RFC 8985 6.2: RACK.min_RTT; Linux's tcp_min_rtt_wlen.
constexpr Duration kMinRttLifetime = std::chrono::seconds(300);

void LossRecovery::begin(const Context& context, std::uint32_t initial_window, Duration handshake_rtt,
                         std::uint64_t random) {
    recover_ = undo_from_ = probe_end_ = limited_round_end_ = context.snd.una;
    rack_.begin(context.snd.una);
    if (handshake_rtt > Duration::zero()) {
        min_rtt_ = handshake_rtt;
        min_rtt_at_ = context.env.now;
    }
    congestion_.begin({.now = context.env.now,
                       .mss = context.snd.mss,
                       .initial_window = initial_window,
                       .rtt = std::max(handshake_rtt, Duration::zero()),
                       .random = random});
}

std::uint32_t LossRecovery::pipe(const SendSpace& snd) const {
    // RFC 3042 2: what duplicates stand for has left, so that each of the first two lets a new segment out.
    const std::uint32_t gone = records_.sacked_bytes() + records_.lost_bytes() + unsacked_duplicates_;
    const std::uint32_t there = snd.flight() + records_.retransmitted_bytes();
    return there > gone ? there - gone : 0;
}

void LossRecovery::sent(const Context& context, wire::SeqNum begin, wire::SeqNum end, bool push) {
    const std::uint32_t length = end - begin;
    const std::uint32_t with_it = pipe(context.snd);
    const std::uint32_t before = with_it - std::min(with_it, length);
    records_.append(context.env.sent, begin, end, rate_.stamp(context.env.now, before, length), push);
    prr_.sent(length);
    pace(context, length);
    if (timeout_at_ == base::kNever) restart_timeout(context);
    schedule_probe(context);
    if (limited_round_end_.at_or_before(context.snd.una)) {
        limited_round_end_ = begin + std::min<std::uint32_t>(length, context.snd.mss);  // of a run, the first
        flight_max_ = 0;
    }
    flight_max_ = std::max(flight_max_, before + length);
}

void LossRecovery::resent(const Context& context, wire::SeqNum begin, wire::SeqNum end) {
    close_mtu_probe(MtuProbe::Fate::None);  // RFC 4821 7.6.4
    SentPool& pool = context.env.sent;
    std::uint32_t index = records_.first();
    while (pool[index].end.at_or_before(begin))
        index = pool[index].next;
    if (pool[index].begin != begin) {
        const std::uint32_t second = records_.split(pool, index, begin);
        if (second != SentPool::kNone) index = second;
    }
    // With no record to be had the whole of it counts as sent again, and what wasn't is found by a time-out.
    if (pool[index].end.after(end)) (void)records_.split(pool, index, end);
    const std::uint32_t length = end - begin;
    records_.mark_retransmitted(pool, index, rate_.stamp(context.env.now, pipe(context.snd), length));
    prr_.sent(length);
    pace(context, length);
    if (!has_resent_) {
        has_resent_ = true;
        first_resent_stamp_ = context.own_timestamp;
    }
    undo_bytes_ = std::max(undo_bytes_, 0) + static_cast<std::int32_t>(length);
    if (new_text_first_) frto_ = new_text_first_ = false;  // RFC 5682 2.1 step 2b: there was no new text
    if (begin == context.snd.una) restart_timeout(context);
}

void LossRecovery::pace(const Context& context, std::uint32_t length) {
    const std::uint64_t rate = congestion_.pacing_rate();
    if (rate == 0) {
        pace_at_ = Instant{};
        return;
    }
    // What the quantum allows may go out at once; from then on each byte takes its time.
    const auto time_of = [rate](std::uint64_t bytes) {
        return Duration(static_cast<std::int64_t>(bytes * 1'000'000'000u / rate));
    };
    const Instant earliest = context.env.now - time_of(congestion_.send_quantum());
    pace_at_ = std::max(pace_at_, earliest) + time_of(length);
}

void LossRecovery::application_limits(const Context& context) {
    if (records_.to_resend_bytes() > 0 || pipe(context.snd) >= congestion_.window()) return;
    rate_.application_limited(pipe(context.snd));
}

std::optional<LossRecovery::Range> LossRecovery::next_lost(const Context& context) const {
    if (records_.to_resend_bytes() == 0) return std::nullopt;
    if (new_text_first_ && context.snd.nxt.after(recover_))
        return std::nullopt;  // RFC 5682 2.1 step 2b: wait
    const SentRecord& record = context.env.sent[records_.first_to_resend(context.env.sent)];
    return Range{record.begin, record.end, record.push};
}

// The order matters: what SACK says is read before the cumulative part removes the records it speaks of;
// losses are judged by what is then known; the window follows what was delivered and lost.
LossRecovery::Outcome LossRecovery::acknowledge(const Context& context, const Ack& ack) {
    Work work{ack};
    AckSample& sample = work.sample;
    sample.now = context.env.now;
    sample.mss = context.snd.mss;
    sample.prior_in_flight = pipe(context.snd);
    sample.ece = ack.ece;
    work.is_forward = work.outcome.is_forward = ack.ack.after(context.snd.una);
    sample.acked = work.is_forward ? ack.ack - context.snd.una : 0;
    work.was_reducing = reducing_;
    work.prior_lost = records_.lost_bytes();
    const std::uint64_t delivered_before = rate_.delivered_bytes();

    if (work.is_forward) rack_.acknowledged(ack.ack);
    if (context.sack) take_sack(context, work);
    if (work.is_forward) take_cumulative(context, work);
    if (ack.ack.at_or_after(mtu_probe_.end)) close_mtu_probe(MtuProbe::Fate::Arrived);
    rack_.order_noted(context.snd.mss);
    SendSpace snd = context.snd;
    snd.una = wire::latest(snd.una, ack.ack);
    const Context after{context.env, snd, context.rtt, context.stats, context.sack, context.own_timestamp};
    if (!context.sack) count_duplicate(after, work);
    if (sample.rtt > Duration::zero()) note_rtt(sample.rtt, context.env.now);
    sample.newly_delivered = static_cast<std::uint32_t>(rate_.delivered_bytes() - delivered_before);
    // RFC 3042 2: what was reported before has let as much new text out already, unless the report was taken
    // back.
    sample.acked = std::min(sample.acked, sample.newly_delivered + work.recounted);
    probe_answered(after, work);

    if (work.is_forward || work.newly_sacked || work.dsack || ack.is_duplicate ||
        state_ != RecoveryState::Open || ack.ece) {
        follow_state(after, work);
    }
    steer_window(after, work);
    // Nothing is being repaired: the mark stays behind snd.una, and within reach of a comparison.
    if (state_ < RecoveryState::Cwr) recover_ = wire::latest(recover_, snd.una - 1);
    return work.outcome;
}

/// Bytes of `record` have arrived: clocks, order, rates. Its flags are still those it had on the way.
void LossRecovery::deliver(const Context& context, const SentRecord& record, std::uint32_t bytes,
                           bool cumulatively, Work& work) {
    const Instant now = context.env.now;
    const bool ever_resent = record.has(SentRecord::kEverRetransmitted);
    const wire::SeqNum end = record.begin + bytes;
    // HARDENING 24: who goes back on a report and repeats it has not been sent anything twice as fast.
    const bool is_counted = record.has(SentRecord::kCounted);
    if (is_counted) work.recounted += bytes;
    rate_.delivered(work.newest, record, is_counted ? 0 : bytes, now);
    const Duration rtt = now - record.sent_at;
    if (ever_resent) {
        work.resent_arrived = work.resent_arrived || cumulatively;
        // RFC 8985 6.2 step 2: a retransmission that "arrives" sooner than anything could, or for which the
        // timestamp of an earlier one is echoed, was not what arrived.
        const bool too_soon = min_rtt_ >= Duration::zero() && rtt < min_rtt_;
        if (!too_soon && !echoes_earlier(context, work, rtt)) rack_.delivered(record.sent_at, end, rtt);
    } else {
        work.original_arrived = work.original_arrived || end.at_or_before(recover_);
        rack_.delivered(record.sent_at, end, rtt);
        work.sample.rtt = rtt;
        if (cumulatively && work.outcome.rtt < Duration::zero()) work.outcome.rtt = rtt;
        if (!cumulatively && work.sack_rtt < Duration::zero()) work.sack_rtt = rtt;
    }
    if (rack_.note_order(record.begin, end, ever_resent)) context.stats.reordering_seen.add();
}

/// Whether the ACK echoes a timestamp from before what was sent `rtt` ago; rounded in its favour.
bool LossRecovery::echoes_earlier(const Context& context, const Work& work, Duration rtt) {
    if (!work.ack.echoed_timestamp) return false;
    const auto millis = static_cast<std::uint32_t>((rtt + 1ms - 1ns) / 1ms);
    return is_older(*work.ack.echoed_timestamp, context.own_timestamp - millis);
}

void LossRecovery::take_cumulative(const Context& context, Work& work) {
    SentPool& pool = context.env.sent;
    const wire::SeqNum una = work.ack.ack;
    while (!records_.empty()) {
        const SentRecord& record = pool[records_.first()];
        if (record.begin.at_or_after(una)) break;
        const bool is_whole = record.end.at_or_before(una);
        const bool was_sacked = record.has(SentRecord::kSacked);
        if (!was_sacked) {
            const std::uint32_t bytes = (is_whole ? record.end : una) - record.begin;
            deliver(context, record, bytes, true, work);
        }
        if (!is_whole) {
            records_.trim_front(pool, una);
            break;
        }
        records_.pop_front(pool);
    }
    if (!records_.empty()) work.first_is_sacked = pool[records_.first()].has(SentRecord::kSacked);
    // Karn (RFC 6298 3, RFC 9293 3.8.1, MUST-18): with a retransmission among what is acknowledged, nothing
    // is a measurement.
    if (work.resent_arrived) work.outcome.rtt = Duration(-1);
}

/// RFC 6582 and 5681 without SACK: each duplicate stands for a segment that has left the network; never for
/// more than what is outstanding less the one that is missing (HARDENING 24).
void LossRecovery::count_duplicate(const Context& context, Work& work) {
    const std::uint32_t mss = context.snd.mss;
    if (work.is_forward) {
        // The first segment is the one that was missing; what follows it is what the duplicates stood for.
        const std::uint32_t acked = work.sample.acked;
        const std::uint32_t answered = acked > mss ? acked - mss : 0;
        unsacked_duplicates_ -= std::min(unsacked_duplicates_, answered);
        uncount_unseen(context.snd, answered);
        if (state_ < RecoveryState::Recovery) reset_duplicates();
        unsacked_duplicates_ = std::min(unsacked_duplicates_, most_duplicates(context.snd));
        return;
    }
    if (!work.ack.is_duplicate) return;
    if (duplicates_ < UINT8_MAX) ++duplicates_;
    const std::uint32_t most = most_duplicates(context.snd);
    const std::uint32_t more = std::min(mss, most > unsacked_duplicates_ ? most - unsacked_duplicates_ : 0);
    unsacked_duplicates_ += more;
    const std::uint32_t unseen = std::min(more, most > delivered_unseen_ ? most - delivered_unseen_ : 0);
    if (unseen == 0) return;
    delivered_unseen_ += unseen;
    rate_.delivered_unseen(unseen, context.env.now);
}

/// What duplicates stood for was counted as delivered when they came, and now was by its numbers. Whatever
/// else becomes of the duplicates, no more is counted than is outstanding: a receiver could invent two for
/// each byte that it acknowledges, and be taken for a faster one (RFC 9937 6, HARDENING 24).
void LossRecovery::uncount_unseen(const SendSpace& snd, std::uint32_t answered) {
    const std::uint32_t beyond = delivered_unseen_ > snd.flight() ? delivered_unseen_ - snd.flight() : 0;
    const std::uint32_t counted = std::min(delivered_unseen_, std::max(answered, beyond));
    delivered_unseen_ -= counted;
    rate_.uncount(counted);
}

std::uint32_t LossRecovery::most_duplicates(const SendSpace& snd) const {
    // What was sent since the recovery began could answer too, but then invented duplicates would bring out
    // ever more of it.
    const bool is_open = state_ <= RecoveryState::Cwr || !recover_.after(snd.una);
    const std::uint32_t could_answer = is_open ? snd.flight() : recover_ - snd.una;
    const std::uint32_t missing = std::max<std::uint32_t>(snd.mss, records_.lost_bytes());
    return could_answer > missing ? could_answer - missing : 0;
}

void LossRecovery::note_rtt(Duration rtt, Instant now) {
    if (min_rtt_ >= Duration::zero() && rtt > min_rtt_ && now - min_rtt_at_ < kMinRttLifetime) return;
    min_rtt_ = rtt;
    min_rtt_at_ = now;
}

// RFC 7661's concern, Linux's tcp_is_cwnd_limited(): in slow start half a window in use shows that it is
// needed.
bool LossRecovery::is_window_limited() const {
    return window_limited_ || (is_in_slow_start() && congestion_.window() / 2 < flight_max_);
}

/// Window and rate after everything is known: PRR while the window comes down, else the control's own growth.
void LossRecovery::steer_window(const Context& context, Work& work) {
    AckSample& sample = work.sample;
    const std::uint32_t lost = records_.lost_bytes();
    sample.newly_lost = lost > work.prior_lost ? lost - work.prior_lost : 0;
    sample.in_flight = pipe(context.snd);
    sample.smoothed_rtt = context.rtt.smoothed();
    sample.min_rtt = min_rtt_;
    sample.window_limited = is_window_limited();
    rate_.finish(work.newest, sample, min_rtt_);
    if (work.outcome.rtt < Duration::zero() && !work.resent_arrived) work.outcome.rtt = work.sack_rtt;

    if (reducing_ && !congestion_.owns_recovery()) {
        if (sample.newly_delivered == 0 && !work.is_forward && sample.newly_lost == 0) return;
        const bool is_safe = work.is_forward && sample.newly_lost == 0;
        congestion_.set_window(prr_.window(sample.newly_delivered, sample.in_flight,
                                           congestion_.slow_start_threshold(), sample.mss, is_safe));
        return;
    }
    // What the last ACK of a recovery delivers has been paid for by then.
    if (work.was_reducing && !congestion_.owns_recovery()) return;
    if (sample.newly_delivered + sample.acked + sample.newly_lost > 0) congestion_.acknowledged(sample);
}

}  // namespace terminus::tcp
