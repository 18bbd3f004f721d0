#include "tcp/sent_records.hpp"

#include <memory>

namespace terminus::tcp {

SentPool::SentPool(std::uint32_t owners, std::uint32_t spare)
    : memory_((std::size_t{owners} + spare) * sizeof(SentRecord)),
      records_(static_cast<SentRecord*>(memory_.data())),
      capacity_(owners + spare),
      spare_(spare) {}

std::uint32_t SentPool::allocate(Use use) {
    // Below `spare` in use, those beyond the first ones are fewer than `spare`: an owner's first always
    // remains.
    if (use == Use::Append && !has_room()) return kNone;
    if (use == Use::Split && used_ >= spare_) return kNone;
    std::uint32_t index = free_head_;
    if (index != kNone) {
        free_head_ = records_[index].next;
    } else if (touched_ < capacity_) {
        index = touched_++;
    } else {
        return kNone;
    }
    std::construct_at(&records_[index]);
    ++used_;
    return index;
}

void SentPool::release(std::uint32_t index) {
    TERMINUS_ASSERT(used_ > 0, "what is released was allocated");
    records_[index].next = free_head_;
    free_head_ = index;
    --used_;
}

void SentRecords::append(SentPool& pool, wire::SeqNum begin, wire::SeqNum end, const SendStamp& stamp,
                         bool push) {
    if (tail_ != kNone) {
        SentRecord& last = pool[tail_];
        TERMINUS_ASSERT(last.end == begin, "records are contiguous");
        const bool is_short = count_ >= kCountMax || !pool.has_room();
        if (last.flags == 0 && ((last.sent_at == stamp.sent_at && !last.push) || is_short)) {
            // The later of two times for both: what is judged by it is judged late, never early.
            last.end = end;
            last.push = push;
            static_cast<SendStamp&>(last) = stamp;
            if (last.later != kNone) {
                unlink_timed(pool, tail_);
                link_latest(pool, tail_);
            }
            return;
        }
    }
    const std::uint32_t index = pool.allocate(tail_ == kNone ? SentPool::Use::First : SentPool::Use::Append);
    if (index == kNone) {
        TERMINUS_ASSERT(tail_ != kNone, "a connection's first record is always to be had");
        // What is sacked or was sent again is lumped with the new text and counts as sent now, as on the way:
        // the peer's next SACK says again what it holds.
        SentRecord& last = pool[tail_];
        if (last.has(SentRecord::kSacked)) unmark_sacked(pool, tail_);
        change(last, SentRecord::kLost | SentRecord::kRetransmitted, 0);
        last.end = end;
        last.push = push;
        last.sent_at = stamp.sent_at;
        if (last.timed) unlink_timed(pool, tail_);
        link_latest(pool, tail_);
        return;
    }
    SentRecord& record = pool[index];
    static_cast<SendStamp&>(record) = stamp;
    record.begin = begin;
    record.end = end;
    record.push = push;
    record.next = kNone;
    record.previous = tail_;
    if (tail_ != kNone) {
        pool[tail_].next = index;
    } else {
        head_ = index;
    }
    tail_ = index;
    ++count_;
    link_latest(pool, index);
}

std::uint32_t SentRecords::split(SentPool& pool, std::uint32_t index, wire::SeqNum at) {
    const std::uint32_t second = pool.allocate(SentPool::Use::Split);
    if (second == kNone) return kNone;
    SentRecord& front = pool[index];
    SentRecord& back = pool[second];
    TERMINUS_ASSERT(at.after(front.begin) && at.before(front.end), "both parts hold something");
    back = front;
    back.begin = at;
    front.end = at;
    front.push = false;
    back.previous = index;
    if (back.next != kNone) {
        pool[back.next].previous = second;
    } else {
        tail_ = second;
    }
    front.next = second;
    ++count_;
    if (front.timed) link_after(pool, second, index);
    return second;
}

void SentRecords::join_next(SentPool& pool, std::uint32_t index) {
    SentRecord& front = pool[index];
    const std::uint32_t gone = front.next;
    SentRecord& back = pool[gone];
    TERMINUS_ASSERT(front.flags == back.flags && front.timed == back.timed, "only what is alike is joined");
    if (back.timed) unlink_timed(pool, gone);
    front.end = back.end;
    front.push = back.push;
    if (back.sent_at > front.sent_at) front.sent_at = back.sent_at;
    front.next = back.next;
    if (front.next != kNone) {
        pool[front.next].previous = index;
    } else {
        tail_ = index;
    }
    pool.release(gone);
    --count_;
}

void SentRecords::pop_front(SentPool& pool) {
    const std::uint32_t index = head_;
    SentRecord& record = pool[index];
    count_out(record);
    if (record.timed) unlink_timed(pool, index);
    head_ = record.next;
    if (head_ != kNone) {
        pool[head_].previous = kNone;
    } else {
        tail_ = kNone;
    }
    pool.release(index);
    --count_;
}

void SentRecords::trim_front(SentPool& pool, wire::SeqNum una) {
    SentRecord& record = pool[head_];
    TERMINUS_ASSERT(una.after(record.begin) && una.before(record.end), "a part stays");
    count_out(record);
    record.begin = una;
    count_in(record);
}

void SentRecords::mark_sacked(SentPool& pool, std::uint32_t index) {
    change(pool[index], SentRecord::kLost | SentRecord::kRetransmitted, SentRecord::kSacked);
    if (pool[index].timed) unlink_timed(pool, index);
}

void SentRecords::unmark_sacked(SentPool& pool, std::uint32_t index) {
    change(pool[index], SentRecord::kSacked, SentRecord::kCounted);
}

void SentRecords::mark_lost(SentPool& pool, std::uint32_t index) {
    change(pool[index], SentRecord::kRetransmitted, SentRecord::kLost);
    if (pool[index].timed) unlink_timed(pool, index);
}

void SentRecords::unmark_lost(SentPool& pool, std::uint32_t index) {
    change(pool[index], SentRecord::kLost, 0);
    if (!pool[index].timed) link_by_time(pool, index);
}

void SentRecords::mark_retransmitted(SentPool& pool, std::uint32_t index, const SendStamp& stamp) {
    SentRecord& record = pool[index];
    if (record.timed) unlink_timed(pool, index);
    change(record, 0, SentRecord::kRetransmitted | SentRecord::kEverRetransmitted);
    static_cast<SendStamp&>(record) = stamp;
    link_latest(pool, index);
}

std::uint32_t SentRecords::first_to_resend(SentPool& pool) const {
    if (to_resend_ == 0) return kNone;
    std::uint32_t index = head_;
    while (!is_to_resend(pool[index]))
        index = pool[index].next;
    return index;
}

void SentRecords::clear(SentPool& pool) {
    while (!empty())
        pop_front(pool);
}

void SentRecords::link_latest(SentPool& pool, std::uint32_t index) {
    SentRecord& record = pool[index];
    record.timed = true;
    record.later = kNone;
    record.earlier = latest_;
    if (latest_ != kNone) {
        pool[latest_].later = index;
    } else {
        oldest_ = index;
    }
    latest_ = index;
}

/// For what comes back into the list: undone losses, which are older than most of it. The walk is short or
/// ends early: out of order by a little, a loss is found a little later.
void SentRecords::link_by_time(SentPool& pool, std::uint32_t index) {
    constexpr unsigned kStepsMax = 64;
    std::uint32_t later = oldest_;
    for (unsigned step = 0; later != kNone && step < kStepsMax; ++step) {
        if (pool[later].sent_at > pool[index].sent_at) break;
        later = pool[later].later;
    }
    if (later == kNone) return link_latest(pool, index);
    if (pool[later].earlier != kNone) return link_after(pool, index, pool[later].earlier);
    SentRecord& record = pool[index];
    record.timed = true;
    record.earlier = kNone;
    record.later = oldest_;
    pool[oldest_].earlier = index;
    oldest_ = index;
}

void SentRecords::link_after(SentPool& pool, std::uint32_t index, std::uint32_t predecessor) {
    SentRecord& record = pool[index];
    SentRecord& before = pool[predecessor];
    record.timed = true;
    record.earlier = predecessor;
    record.later = before.later;
    if (before.later != kNone) {
        pool[before.later].earlier = index;
    } else {
        latest_ = index;
    }
    before.later = index;
}

void SentRecords::unlink_timed(SentPool& pool, std::uint32_t index) {
    SentRecord& record = pool[index];
    if (record.earlier != kNone) {
        pool[record.earlier].later = record.later;
    } else {
        oldest_ = record.later;
    }
    if (record.later != kNone) {
        pool[record.later].earlier = record.earlier;
    } else {
        latest_ = record.earlier;
    }
    record.timed = false;
}

void SentRecords::change(SentRecord& record, std::uint8_t cleared, std::uint8_t set) {
    count_out(record);
    record.flags = static_cast<std::uint8_t>((record.flags & ~cleared) | set);
    count_in(record);
}

void SentRecords::count_in(const SentRecord& record) {
    if (record.has(SentRecord::kSacked)) sacked_ += record.length();
    if (record.has(SentRecord::kLost)) lost_ += record.length();
    if (record.has(SentRecord::kRetransmitted)) retransmitted_ += record.length();
    if (is_to_resend(record)) to_resend_ += record.length();
}

void SentRecords::count_out(const SentRecord& record) {
    if (record.has(SentRecord::kSacked)) sacked_ -= record.length();
    if (record.has(SentRecord::kLost)) lost_ -= record.length();
    if (record.has(SentRecord::kRetransmitted)) retransmitted_ -= record.length();
    if (is_to_resend(record)) to_resend_ -= record.length();
}

}  // namespace terminus::tcp
