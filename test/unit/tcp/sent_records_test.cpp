// The sender's records against a model that keeps a fate for each byte.
#include "tcp/sent_records.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "base/rng.hpp"

using namespace terminus;
using tcp::SentPool;
using tcp::SentRecord;
using tcp::SentRecords;
using wire::SeqNum;

namespace {

/// Records over numbers from `base` on, and beside them flags and time of each byte.
struct Books {
    explicit Books(std::uint32_t owners = 4, std::uint32_t spare = 1000) : pool(owners, spare) {}
    ~Books() { records.clear(pool); }

    void append(std::uint32_t length) {
        const SeqNum begin = base + static_cast<std::uint32_t>(flags.size());
        records.append(pool, begin, begin + length, {.sent_at = now});
        flags.insert(flags.end(), length, 0);
    }
    /// The record that begins at byte `at`, after splitting what has to be; kNone when there is no room.
    std::uint32_t at(std::uint32_t offset) {
        std::uint32_t index = records.first();
        while (!(pool[index].end.after(base + offset)))
            index = pool[index].next;
        if (pool[index].begin == base + offset) return index;
        return records.split(pool, index, base + offset);
    }
    void check() {
        std::uint32_t sacked = 0, lost = 0, retransmitted = 0, to_resend = 0, count = 0;
        SeqNum expected = base;
        for (std::uint32_t i = records.first(); i != SentRecords::kNone; i = pool[i].next) {
            REQUIRE(pool[i].begin == expected);
            REQUIRE(pool[i].begin.before(pool[i].end));
            for (SeqNum seq = pool[i].begin; seq != pool[i].end; seq = seq + 1)
                REQUIRE(pool[i].flags == flags[seq - base]);
            expected = pool[i].end;
            ++count;
        }
        REQUIRE(expected == base + static_cast<std::uint32_t>(flags.size()));
        for (const std::uint8_t flag : flags) {
            sacked += (flag & SentRecord::kSacked) != 0;
            lost += (flag & SentRecord::kLost) != 0;
            retransmitted += (flag & SentRecord::kRetransmitted) != 0;
            to_resend += (flag & SentRecord::kLost) != 0 && (flag & SentRecord::kRetransmitted) == 0;
        }
        REQUIRE(records.sacked_bytes() == sacked);
        REQUIRE(records.lost_bytes() == lost);
        REQUIRE(records.retransmitted_bytes() == retransmitted);
        REQUIRE(records.to_resend_bytes() == to_resend);
        REQUIRE(records.count() == count);
        REQUIRE(pool.used() == count);
        // The list by time has what is on the way, once, the oldest first.
        base::Instant before{};
        std::uint32_t timed = 0;
        for (std::uint32_t i = records.oldest(); i != SentRecords::kNone; i = pool[i].later) {
            REQUIRE(pool[i].sent_at >= before);
            before = pool[i].sent_at;
            timed += pool[i].length();
        }
        std::uint32_t on_the_way = 0;
        for (const std::uint8_t flag : flags) {
            const bool gone = (flag & SentRecord::kSacked) != 0 ||
                              ((flag & SentRecord::kLost) != 0 && (flag & SentRecord::kRetransmitted) == 0);
            on_the_way += !gone;
        }
        REQUIRE(timed == on_the_way);
    }
    void set(std::uint32_t index, std::uint8_t value) {
        for (SeqNum seq = pool[index].begin; seq != pool[index].end; seq = seq + 1)
            flags[seq - base] = value;
    }

    SentPool pool;
    SentRecords records;
    SeqNum base{0u - 300u};
    base::Instant now{};
    std::vector<std::uint8_t> flags;
};

}  // namespace

TEST_CASE("what is sent in one turn is one record, what is sent later another") {
    Books books;
    books.append(1000);
    books.append(1000);
    CHECK(books.records.count() == 1);
    books.now += base::Duration(1);
    books.append(500);
    CHECK(books.records.count() == 2);
    books.check();
}

TEST_CASE("every history of sending, reports and losses keeps the sums and both orders") {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        base::Rng rng(seed);
        Books books;
        for (int step = 0; step < 300; ++step) {
            books.now += base::Duration(rng.below(3));
            const auto size = static_cast<std::uint32_t>(books.flags.size());
            const std::uint32_t choice = size == 0 ? 0 : rng.below(6);
            if (choice == 0 && size < 400) books.append(1 + rng.below(60));
            if (choice == 1) {  // acknowledged up to somewhere
                const std::uint32_t una = 1 + rng.below(size);
                while (!books.records.empty() &&
                       books.pool[books.records.first()].end.at_or_before(books.base + una))
                    books.records.pop_front(books.pool);
                if (!books.records.empty() &&
                    books.pool[books.records.first()].begin.before(books.base + una))
                    books.records.trim_front(books.pool, books.base + una);
                books.base = books.base + una;
                books.flags.erase(books.flags.begin(), books.flags.begin() + una);
            }
            if (choice >= 2 && choice <= 5) {
                const std::uint32_t index = books.at(rng.below(size));
                REQUIRE(index != SentRecords::kNone);
                SentRecord& record = books.pool[index];
                const std::uint8_t ever = record.flags & SentRecord::kEverRetransmitted;
                if (choice == 2 && !record.has(SentRecord::kSacked)) {
                    books.set(index, ever | SentRecord::kSacked);
                    books.records.mark_sacked(books.pool, index);
                } else if (choice == 3 && !record.has(SentRecord::kSacked)) {
                    books.set(index, ever | SentRecord::kLost);
                    books.records.mark_lost(books.pool, index);
                } else if (choice == 4 && record.has(SentRecord::kLost)) {
                    books.set(index, SentRecord::kLost | SentRecord::kRetransmitted |
                                         SentRecord::kEverRetransmitted);
                    books.records.mark_retransmitted(books.pool, index, {.sent_at = books.now});
                } else if (choice == 5 && record.has(SentRecord::kLost) &&
                           !record.has(SentRecord::kRetransmitted)) {
                    books.set(index, ever);
                    books.records.unmark_lost(books.pool, index);
                }
            }
            books.check();
        }
    }
}

TEST_CASE("a connection's first record is always to be had, splits go before new text") {
    SentPool pool(2, 16);
    SentRecords a, b;
    for (std::uint32_t i = 0; i < 100; ++i)
        a.append(pool, SeqNum(i * 10), SeqNum(i * 10 + 10), {.sent_at = base::Instant(base::Duration(i))});
    CHECK(a.count() == 14);  // an eighth is left; the last has taken the rest
    CHECK(pool[a.last()].end == SeqNum(1000));
    CHECK(a.split(pool, a.first(), SeqNum(5)) != SentRecords::kNone);
    CHECK(a.split(pool, a.first(), SeqNum(2)) != SentRecords::kNone);
    CHECK(a.split(pool, a.first(), SeqNum(1)) == SentRecords::kNone);
    b.append(pool, SeqNum(0), SeqNum(10), {});
    CHECK(b.count() == 1);
    a.clear(pool);
    b.clear(pool);
    CHECK(pool.used() == 0);
}
