#pragma once

#include <cstdint>

#include "base/archive.hpp"
#include "base/assert.hpp"
#include "base/memory.hpp"
#include "base/time.hpp"
#include "wire/seq.hpp"

namespace terminus::tcp {

/// What is noted of a transmission: when it was, and draft-ietf-ccwg-bbr 4.1.2.1's view of the connection
/// then.
struct SendStamp {
    base::Instant sent_at;
    base::Instant delivered_at;
    base::Instant first_sent_at;
    std::uint32_t delivered = 0;  ///< low half of the total
    std::uint32_t lost = 0;       ///< low half of the total
    std::uint32_t in_flight = 0;  ///< pipe with this sent
    bool app_limited = false;
};

/// A stretch of sequence space that was sent in one turn and has had the same fate since: text, and perhaps
/// the FIN. The stamp is the last transmission's.
struct SentRecord : SendStamp {
    static constexpr std::uint8_t kSacked = 1;         ///< the peer holds it (RFC 2018)
    static constexpr std::uint8_t kLost = 2;           ///< the copy sent first (or last) is taken for lost
    static constexpr std::uint8_t kRetransmitted = 4;  ///< a copy that was sent again is on the way
    static constexpr std::uint8_t kEverRetransmitted = 8;
    static constexpr std::uint8_t kCounted = 16;  ///< was reported once, so its delivery has been counted

    wire::SeqNum begin;
    wire::SeqNum end;
    // Both lists, by index into the pool: by sequence, and by time what is on the way.
    std::uint32_t next;
    std::uint32_t previous;
    std::uint32_t later;
    std::uint32_t earlier;
    std::uint8_t flags = 0;
    bool timed = false;  ///< in the list by time
    bool push = false;   ///< its last byte was sent with PSH, and is whenever it is sent again

    [[nodiscard]] std::uint32_t length() const { return end - begin; }
    [[nodiscard]] bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
};
static_assert(sizeof(SentRecord) <= 72);

/// One core's records, all memory taken at construction (and touched when first used). A connection's first
/// record is always to be had: the spare ones, which all share, never take what those need.
class SentPool {
 public:
    static constexpr std::uint32_t kNone = UINT32_MAX;
    enum class Use : std::uint8_t {
        First,   ///< of a connection that has none
        Append,  ///< new text: an eighth of the spare ones stays for
        Split,   ///< loss recovery, which frees records
    };

    /// For at most `owners` connections at a time, and `spare` records beyond their first ones.
    SentPool(std::uint32_t owners, std::uint32_t spare);
    SentPool(const SentPool&) = delete;
    SentPool& operator=(const SentPool&) = delete;

    /// kNone when none is to be had for that use.
    [[nodiscard]] std::uint32_t allocate(Use use);
    void release(std::uint32_t index);
    /// Whether new text gets a record of its own.
    [[nodiscard]] bool has_room() const { return used_ < spare_ - spare_ / 8; }
    [[nodiscard]] std::uint32_t used() const { return used_; }
    [[nodiscard]] SentRecord& operator[](std::uint32_t index) {
        TERMINUS_ASSERT(index < touched_, "indices come from allocate()");
        return records_[index];
    }

    template <typename Archive>
    void archive(Archive& a) {
        a.layout(sizeof(SentRecord));
        a.same(capacity_);
        touched_ = a.count(touched_, capacity_);
        a.bytes(records_, touched_ * sizeof(SentRecord));
        a(free_head_, used_);
        if constexpr (Archive::kReads) a.require(used_ <= touched_);
    }

 private:
    base::Memory memory_;
    SentRecord* records_;
    std::uint32_t capacity_;
    std::uint32_t spare_;
    std::uint32_t touched_ = 0;
    std::uint32_t free_head_ = kNone;
    std::uint32_t used_ = 0;
};

/// What one connection has outstanding, in two orders: by sequence (contiguous from snd.una to snd.nxt), and
/// by the time of the last transmission for what is believed to be on the way (RFC 8985 6.2). The sums that
/// RFC 6675's pipe needs are kept beside. It owns no memory: whoever owns it calls clear() before it goes.
class SentRecords {
 public:
    static constexpr std::uint32_t kNone = SentPool::kNone;
    /// Records one connection may have before what it sends is lumped together: a window of a full-speed
    /// connection with an ACK for every second segment. More would cost every SACK more (HARDENING 20, 21).
    static constexpr std::uint32_t kCountMax = 1024;

    [[nodiscard]] bool empty() const { return head_ == kNone; }
    [[nodiscard]] std::uint32_t first() const { return head_; }
    [[nodiscard]] std::uint32_t last() const { return tail_; }
    [[nodiscard]] std::uint32_t oldest() const { return oldest_; }
    [[nodiscard]] std::uint32_t count() const { return count_; }
    [[nodiscard]] std::uint32_t sacked_bytes() const { return sacked_; }
    [[nodiscard]] std::uint32_t lost_bytes() const { return lost_; }
    [[nodiscard]] std::uint32_t retransmitted_bytes() const { return retransmitted_; }

    /// Bytes that are lost and of which no new copy is on the way; the first record of them, or kNone.
    [[nodiscard]] std::uint32_t to_resend_bytes() const { return to_resend_; }
    [[nodiscard]] std::uint32_t first_to_resend(SentPool& pool) const;

    /// New text behind the last, which ends with PSH or not. Joins the last record when
    /// both were sent in one turn and no PSH is between them, or when records are short.
    void append(SentPool& pool, wire::SeqNum begin, wire::SeqNum end, const SendStamp& stamp,
                bool push = false);
    /// Cuts `index` at `at`; the index of the second part, or kNone when no record is to be had.
    [[nodiscard]] std::uint32_t split(SentPool& pool, std::uint32_t index, wire::SeqNum at);
    /// Joins `index` with its successor, which has the same flags.
    void join_next(SentPool& pool, std::uint32_t index);
    /// The first record goes: acknowledged.
    void pop_front(SentPool& pool);
    /// What of the first record lies before `una` is acknowledged.
    void trim_front(SentPool& pool, wire::SeqNum una);
    void mark_sacked(SentPool& pool, std::uint32_t index);
    void unmark_sacked(SentPool& pool, std::uint32_t index);
    void mark_lost(SentPool& pool, std::uint32_t index);
    void unmark_lost(SentPool& pool, std::uint32_t index);
    /// Sent again: the last in time now.
    void mark_retransmitted(SentPool& pool, std::uint32_t index, const SendStamp& stamp);
    void clear(SentPool& pool);

 private:
    void link_latest(SentPool& pool, std::uint32_t index);
    void link_by_time(SentPool& pool, std::uint32_t index);
    void link_after(SentPool& pool, std::uint32_t index, std::uint32_t predecessor);
    void unlink_timed(SentPool& pool, std::uint32_t index);
    [[nodiscard]] static bool is_to_resend(const SentRecord& record) {
        return record.has(SentRecord::kLost) && !record.has(SentRecord::kRetransmitted);
    }
    /// Changes the flags, and the sums with them.
    void change(SentRecord& record, std::uint8_t cleared, std::uint8_t set);
    void count_in(const SentRecord& record);
    void count_out(const SentRecord& record);

    std::uint32_t head_ = kNone;
    std::uint32_t tail_ = kNone;
    std::uint32_t oldest_ = kNone;
    std::uint32_t latest_ = kNone;
    std::uint32_t count_ = 0;
    std::uint32_t sacked_ = 0;
    std::uint32_t lost_ = 0;
    std::uint32_t retransmitted_ = 0;
    std::uint32_t to_resend_ = 0;
};

}  // namespace terminus::tcp
