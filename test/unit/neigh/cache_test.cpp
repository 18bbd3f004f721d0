#include "neigh/cache.hpp"

#include <catch2/catch.hpp>

#include "base/rng.hpp"
#include "support/archived.hpp"

using namespace terminus;
using namespace std::chrono_literals;
using base::Duration;
using base::Instant;
using neigh::Advertised;
using neigh::Lookup;
using neigh::NeighbourCache;
using neigh::NeighbourLimits;
using neigh::NeighbourState;
using wire::IpAddress;
using wire::MacAddress;

namespace {

constexpr Duration kTick{1};
const IpAddress kHop = IpAddress::v4(192, 0, 2, 1);
const MacAddress kMac{{0x02, 0, 0, 0, 0, 1}};
const MacAddress kOther{{0x02, 0, 0, 0, 0, 2}};

struct Bench {
    explicit Bench(NeighbourLimits limits = {}) : cache(base::SipKey::from_seed(1), limits) {}

    Lookup lookup(const IpAddress& hop = kHop) { return cache.lookup(hop, 0, now); }
    std::optional<NeighbourState> state(const IpAddress& hop = kHop) { return cache.state(hop, 0); }
    void at(Duration since_start) {
        now = Instant{since_start};
        cache.advance(now);
    }
    void advertised(bool solicited, bool override, std::optional<MacAddress> mac = kMac) {
        cache.advertised({kHop, 0, mac, solicited, override}, now);
    }
    int questions() {
        int count = 0;
        while (cache.poll_transmit())
            ++count;
        return count;
    }
    void fail() {
        for (const auto second : {1s, 2s, 3s})
            at(second);
    }
    // Leaves kHop in the state, at the time at which it was entered.
    void reach(NeighbourState wanted) {
        if (wanted == NeighbourState::Stale) {
            cache.solicited_by(kHop, kMac, 0, true, now);
            return;
        }
        lookup();
        if (wanted == NeighbourState::Failed) fail();
        if (wanted == NeighbourState::Incomplete || wanted == NeighbourState::Failed) return;
        advertised(true, true);
        if (wanted == NeighbourState::Reachable) return;
        at(30s);
        lookup();
        if (wanted == NeighbourState::Probe) at(35s);
    }

    NeighbourCache cache;
    Instant now{};
};

}  // namespace

TEST_CASE("the first look at an unknown neighbour asks everybody, and later ones wait for the same answer") {
    Bench bench;
    const Lookup first = bench.lookup();
    CHECK(first.kind == Lookup::Kind::Pending);
    CHECK(bench.state() == NeighbourState::Incomplete);
    const auto question = bench.cache.poll_transmit();
    REQUIRE(question);
    CHECK(question->target == kHop);
    CHECK(question->port == 0);
    CHECK_FALSE(question->unicast_to);
    CHECK_FALSE(bench.cache.poll_transmit());
    const Lookup second = bench.lookup();
    CHECK(second.kind == Lookup::Kind::Pending);
    CHECK(second.entry == first.entry);
    CHECK_FALSE(bench.cache.poll_transmit());
}

TEST_CASE("an answer resolves the entry, tells who waited and ends the questions") {
    Bench bench;
    const Lookup pending = bench.lookup();
    bench.advertised(true, true);
    CHECK(bench.state() == NeighbourState::Reachable);
    const auto resolution = bench.cache.poll_resolved();
    REQUIRE(resolution);
    CHECK(resolution->entry == pending.entry);
    CHECK(resolution->address == kHop);
    CHECK(resolution->mac == kMac);
    CHECK_FALSE(bench.cache.poll_resolved());
    CHECK(bench.questions() == 0);  // the unsent question is no longer one
    CHECK(bench.lookup().kind == Lookup::Kind::Resolved);
    CHECK(bench.lookup().mac == kMac);
}

TEST_CASE("RFC 4861 7.2.2: three questions a second apart, then failure") {
    Bench bench;
    const Lookup pending = bench.lookup();
    CHECK(bench.questions() == 1);
    CHECK(bench.cache.next_deadline() == Instant{1s});
    bench.at(1s - kTick);
    CHECK(bench.questions() == 0);
    bench.at(1s);
    CHECK(bench.questions() == 1);
    bench.at(2s - kTick);
    CHECK(bench.questions() == 0);
    bench.at(2s);
    CHECK(bench.questions() == 1);
    bench.at(3s - kTick);
    CHECK(bench.state() == NeighbourState::Incomplete);
    CHECK_FALSE(bench.cache.poll_resolved());
    bench.at(3s);
    CHECK(bench.state() == NeighbourState::Failed);
    CHECK(bench.questions() == 0);
    const auto resolution = bench.cache.poll_resolved();
    REQUIRE(resolution);
    CHECK(resolution->entry == pending.entry);
    CHECK_FALSE(resolution->mac);
    CHECK(bench.cache.counters().failures == 1);
}

TEST_CASE("HARDENING 29: a process that was paused asks as often as one that was not") {
    Bench bench;
    bench.lookup();
    bench.at(1h);
    CHECK(bench.state() == NeighbourState::Incomplete);
    bench.at(1h + 1s);
    bench.at(1h + 2s - kTick);
    CHECK(bench.state() == NeighbourState::Incomplete);
    bench.at(1h + 2s);
    CHECK(bench.state() == NeighbourState::Failed);
}

TEST_CASE("a failed neighbour is held down for three seconds and then asked again") {
    Bench bench;
    bench.reach(NeighbourState::Failed);
    REQUIRE(bench.cache.poll_resolved());
    bench.questions();
    CHECK(bench.lookup().kind == Lookup::Kind::Failed);
    bench.at(6s - kTick);
    CHECK(bench.lookup().kind == Lookup::Kind::Failed);
    CHECK(bench.questions() == 0);
    bench.at(6s);
    CHECK_FALSE(bench.state());
    CHECK(bench.lookup().kind == Lookup::Kind::Pending);
    CHECK(bench.questions() == 1);
}

TEST_CASE("a failure that nobody has polled keeps its slot") {
    Bench bench(NeighbourLimits{.entries_max = 1});
    bench.reach(NeighbourState::Failed);
    CHECK(bench.lookup(IpAddress::v4(192, 0, 2, 9)).kind == Lookup::Kind::Failed);
    bench.at(6s);
    CHECK(bench.state() == NeighbourState::Failed);
    REQUIRE(bench.cache.poll_resolved());
    bench.at(9s);
    CHECK_FALSE(bench.state());
}

TEST_CASE("a failed neighbour that speaks is believed at once") {
    Bench bench;
    bench.reach(NeighbourState::Failed);
    bench.cache.solicited_by(kHop, kMac, 0, true, bench.now);
    CHECK(bench.state() == NeighbourState::Stale);
    CHECK(bench.lookup().kind == Lookup::Kind::Resolved);
}

TEST_CASE("RFC 4861 7.3.3: reachable for 30 s, then stale until it is used") {
    Bench bench;
    bench.reach(NeighbourState::Reachable);
    bench.at(30s - kTick);
    CHECK(bench.state() == NeighbourState::Reachable);
    bench.at(30s);
    CHECK(bench.state() == NeighbourState::Stale);
    CHECK(bench.cache.next_deadline() == base::kNever);
    bench.at(1h);
    CHECK(bench.state() == NeighbourState::Stale);
    CHECK(bench.lookup().kind == Lookup::Kind::Resolved);
    CHECK(bench.state() == NeighbourState::Delay);
}

TEST_CASE("RFC 4861 7.3.3: a used stale neighbour is probed after 5 s, by three questions to it alone") {
    Bench bench;
    bench.reach(NeighbourState::Delay);
    bench.questions();
    bench.at(35s - kTick);
    CHECK(bench.state() == NeighbourState::Delay);
    CHECK(bench.questions() == 0);
    bench.at(35s);
    CHECK(bench.state() == NeighbourState::Probe);
    const auto question = bench.cache.poll_transmit();
    REQUIRE(question);
    CHECK(question->unicast_to == kMac);
    CHECK(bench.lookup().mac == kMac);
    bench.at(36s);
    CHECK(bench.questions() == 1);
    bench.at(37s);
    CHECK(bench.questions() == 1);
    bench.at(38s - kTick);
    CHECK(bench.state() == NeighbourState::Probe);
    const auto version = bench.cache.version();
    REQUIRE(bench.cache.poll_resolved());
    bench.at(38s);
    CHECK_FALSE(bench.state());
    CHECK(bench.cache.version() != version);
    CHECK(bench.lookup().kind == Lookup::Kind::Pending);  // it may have moved: ask everybody
}

TEST_CASE("an answer to a probe makes the neighbour reachable again") {
    Bench bench;
    bench.reach(NeighbourState::Probe);
    bench.advertised(true, true);
    CHECK(bench.state() == NeighbourState::Reachable);
    CHECK(bench.questions() == 0);
    bench.at(65s - kTick);
    CHECK(bench.state() == NeighbourState::Reachable);
    bench.at(65s);
    CHECK(bench.state() == NeighbourState::Stale);
}

TEST_CASE("RFC 4861 7.3.1: progress of the transport confirms, but can't resolve") {
    for (const auto state : {NeighbourState::Stale, NeighbourState::Delay, NeighbourState::Probe}) {
        Bench bench;
        bench.reach(state);
        bench.cache.confirm(kHop, 0, bench.now);
        CHECK(bench.state() == NeighbourState::Reachable);
    }
    for (const auto state : {NeighbourState::Incomplete, NeighbourState::Failed}) {
        Bench bench;
        bench.reach(state);
        bench.cache.confirm(kHop, 0, bench.now);
        CHECK(bench.state() == state);
    }
}

TEST_CASE("RFC 4861 7.2.5: advertisements while incomplete") {
    struct Row {
        bool solicited;
        std::optional<MacAddress> mac;
        NeighbourState after;
    };
    for (const Row& row :
         {Row{true, kMac, NeighbourState::Reachable}, Row{false, kMac, NeighbourState::Stale},
          Row{true, std::nullopt, NeighbourState::Incomplete},
          Row{true, MacAddress::broadcast(), NeighbourState::Incomplete},
          Row{true, MacAddress{}, NeighbourState::Incomplete}}) {
        for (const bool override : {false, true}) {
            Bench bench;
            bench.reach(NeighbourState::Incomplete);
            bench.advertised(row.solicited, override, row.mac);
            CHECK(bench.state() == row.after);
            CHECK(bench.cache.poll_resolved().has_value() == (row.after != NeighbourState::Incomplete));
        }
    }
}

TEST_CASE("RFC 4861 7.2.5: advertisements when an address is known, every row of appendix C") {
    struct Row {
        NeighbourState before;
        bool solicited;
        bool override;
        std::optional<MacAddress> mac;
        NeighbourState after;
        MacAddress mac_after;
    };
    const Row rows[] = {
        {NeighbourState::Reachable, true, false, kMac, NeighbourState::Reachable, kMac},
        {NeighbourState::Stale, true, false, kMac, NeighbourState::Reachable, kMac},
        {NeighbourState::Reachable, true, false, kOther, NeighbourState::Stale, kMac},
        {NeighbourState::Stale, true, false, kOther, NeighbourState::Stale, kMac},
        {NeighbourState::Probe, true, false, kOther, NeighbourState::Probe, kMac},
        {NeighbourState::Reachable, true, true, kOther, NeighbourState::Reachable, kOther},
        {NeighbourState::Probe, true, true, kOther, NeighbourState::Reachable, kOther},
        {NeighbourState::Reachable, false, false, kMac, NeighbourState::Reachable, kMac},
        {NeighbourState::Stale, false, false, kMac, NeighbourState::Stale, kMac},
        {NeighbourState::Reachable, false, false, kOther, NeighbourState::Stale, kMac},
        {NeighbourState::Probe, false, false, kOther, NeighbourState::Probe, kMac},
        {NeighbourState::Reachable, false, true, kOther, NeighbourState::Stale, kOther},
        {NeighbourState::Delay, false, true, kOther, NeighbourState::Stale, kOther},
        {NeighbourState::Delay, false, true, kMac, NeighbourState::Delay, kMac},
        {NeighbourState::Probe, true, false, std::nullopt, NeighbourState::Reachable, kMac},
        {NeighbourState::Stale, false, true, std::nullopt, NeighbourState::Stale, kMac},
    };
    for (const Row& row : rows) {
        INFO("row " << (&row - rows));
        Bench bench;
        bench.reach(row.before);
        REQUIRE(bench.state() == row.before);
        const auto version = bench.cache.version();
        bench.advertised(row.solicited, row.override, row.mac);
        CHECK(bench.state() == row.after);
        CHECK((bench.cache.version() != version) == (row.mac_after != kMac));
        CHECK(bench.lookup().mac == row.mac_after);
    }
}

TEST_CASE("an advertisement from an unknown neighbour, or on another port, makes no entry") {
    Bench bench;
    bench.advertised(true, true);
    CHECK(bench.cache.size() == 0);
    bench.reach(NeighbourState::Incomplete);
    bench.cache.advertised({kHop, 1, kMac, true, true}, bench.now);
    CHECK(bench.state() == NeighbourState::Incomplete);
}

TEST_CASE("RFC 4861 7.2.3: who asks us is known but stale; who asks another is only updated") {
    Bench bench;
    bench.cache.solicited_by(kHop, kMac, 0, false, bench.now);
    CHECK_FALSE(bench.state());
    bench.cache.solicited_by(kHop, kMac, 0, true, bench.now);
    CHECK(bench.state() == NeighbourState::Stale);
    CHECK_FALSE(bench.cache.poll_resolved());
    bench.cache.confirm(kHop, 0, bench.now);
    bench.cache.solicited_by(kHop, kMac, 0, true, bench.now);
    CHECK(bench.state() == NeighbourState::Reachable);
    bench.cache.solicited_by(kHop, kOther, 0, false, bench.now);
    CHECK(bench.state() == NeighbourState::Stale);
    CHECK(bench.lookup().mac == kOther);
}

TEST_CASE("a question from a neighbour that we are asking for resolves it") {
    Bench bench;
    const Lookup pending = bench.lookup();
    bench.cache.solicited_by(kHop, kMac, 0, false, bench.now);
    CHECK(bench.state() == NeighbourState::Stale);
    CHECK(bench.cache.poll_resolved()->entry == pending.entry);
}

TEST_CASE("HARDENING 8: questions from impossible addresses teach nothing") {
    Bench bench;
    bench.cache.solicited_by(kHop, MacAddress::broadcast(), 0, true, bench.now);
    bench.cache.solicited_by(kHop, MacAddress{}, 0, true, bench.now);
    bench.cache.solicited_by(IpAddress::v4(0), kMac, 0, true, bench.now);
    bench.cache.solicited_by(IpAddress{}, kMac, 0, true, bench.now);
    CHECK(bench.cache.size() == 0);
}

TEST_CASE("HARDENING 26: a full cache refuses the new while the old are in use") {
    Bench bench(NeighbourLimits{.entries_max = 2});
    bench.reach(NeighbourState::Reachable);
    REQUIRE(bench.cache.poll_resolved());
    bench.lookup(IpAddress::v4(192, 0, 2, 2));
    CHECK(bench.lookup(IpAddress::v4(192, 0, 2, 3)).kind == Lookup::Kind::Failed);
    CHECK(bench.cache.counters().refused == 1);
    CHECK(bench.state() == NeighbourState::Reachable);
    bench.fail();  // the second; it may go once its failure was told
    REQUIRE(bench.cache.poll_resolved());
    CHECK(bench.lookup(IpAddress::v4(192, 0, 2, 3)).kind == Lookup::Kind::Pending);
    CHECK(bench.cache.counters().evictions == 1);
    CHECK_FALSE(bench.state(IpAddress::v4(192, 0, 2, 2)));
}

TEST_CASE("HARDENING 26: of what may go, the longest in its state goes first") {
    Bench bench(NeighbourLimits{.entries_max = 3});
    for (std::uint8_t host = 1; host <= 3; ++host) {
        bench.at(Duration(host));
        bench.cache.solicited_by(IpAddress::v4(192, 0, 2, host), kMac, 0, true, bench.now);
    }
    bench.lookup(IpAddress::v4(192, 0, 2, 1));  // in use now
    bench.lookup(IpAddress::v4(192, 0, 2, 4));
    CHECK(bench.state(IpAddress::v4(192, 0, 2, 1)) == NeighbourState::Delay);
    CHECK_FALSE(bench.state(IpAddress::v4(192, 0, 2, 2)));
    CHECK(bench.state(IpAddress::v4(192, 0, 2, 3)) == NeighbourState::Stale);
    CHECK(bench.cache.size() == 3);
}

TEST_CASE(
    "HARDENING 28: a thousand deadlines in one tick are handled a bounded number a turn, none is lost") {
    Bench bench;
    for (std::uint32_t host = 0; host < 1000; ++host)
        bench.lookup(IpAddress::v4(0x0a000001 + host));
    CHECK(bench.questions() == 1000);
    bench.at(1s);
    CHECK(bench.questions() == NeighbourCache::kAdvanceMax);
    CHECK(bench.cache.next_deadline() <= bench.now);
    int asked = NeighbourCache::kAdvanceMax;
    for (int turn = 0; turn < 20; ++turn) {
        bench.at(1s);
        asked += bench.questions();
    }
    CHECK(asked == 1000);
    CHECK(bench.cache.next_deadline() == Instant{2s});
}

TEST_CASE("HARDENING 26: a random life on few slots keeps every promise and returns to nothing") {
    base::Rng rng(6);
    Bench bench(NeighbourLimits{.entries_max = 8});
    for (int step = 0; step < 50000; ++step) {
        const auto hop = IpAddress::v4(0x0a000001 + rng.below(16));
        bench.now += Duration(rng.below(2'000'000'000));
        switch (rng.below(6)) {
            case 0:
            case 1:
                bench.lookup(hop);
                break;
            case 2:
                bench.cache.advertised({hop, 0, kMac, rng.below(2) == 1, rng.below(2) == 1}, bench.now);
                break;
            case 3:
                bench.cache.solicited_by(hop, kOther, 0, rng.below(2) == 1, bench.now);
                break;
            case 4:
                static_cast<void>(bench.cache.poll_transmit());
                break;
            default:
                while (const auto told = bench.cache.poll_resolved()) {
                    REQUIRE(told->entry < 8);
                    REQUIRE((!told->mac || *told->mac == kMac || *told->mac == kOther));
                }
        }
        bench.cache.advance(bench.now);
        REQUIRE(bench.cache.size() <= 8);
        REQUIRE(bench.cache.next_deadline() > bench.now);
    }
}

TEST_CASE("a cache copied by its bytes asks, answers and forgets as the other does") {
    Bench bench({.entries_max = 8});
    base::Rng rng(2);
    const auto hop = [](std::uint32_t i) { return IpAddress::v4(192, 0, 2, static_cast<std::uint8_t>(i)); };
    const auto live = [&](Bench& one, std::uint32_t what, std::uint32_t who) {
        switch (what) {
            case 0:
                one.cache.advertised({hop(who), 0, kMac, true, true}, one.now);
                return;
            case 1:
                one.cache.solicited_by(hop(who), kOther, 0, true, one.now);
                return;
            default:
                (void)one.lookup(hop(who));
        }
    };
    for (int i = 0; i < 100; ++i) {
        live(bench, rng.below(4), rng.below(12));
        bench.at(bench.now.time_since_epoch() + Duration(rng.below(2'000'000'000)));
        if (i % 2 == 0) (void)bench.questions();
        while (bench.cache.poll_resolved()) {
        }
    }
    live(bench, 0, 1);
    Bench copy({.entries_max = 8});
    copy.now = bench.now;
    terminus::test::copy_by_archive(bench.cache, copy.cache);
    for (int i = 0; i < 300; ++i) {
        const std::uint32_t what = rng.below(4), who = rng.below(12);
        live(bench, what, who);
        live(copy, what, who);
        const Duration later = bench.now.time_since_epoch() + Duration(rng.below(2'000'000'000));
        bench.at(later);
        copy.at(later);
        REQUIRE(copy.questions() == bench.questions());
        REQUIRE(copy.state(hop(who)) == bench.state(hop(who)));
        REQUIRE(copy.cache.next_deadline() == bench.cache.next_deadline());
        std::optional<neigh::Resolution> one;
        do {
            one = bench.cache.poll_resolved();
            const auto other = copy.cache.poll_resolved();
            REQUIRE(one.has_value() == other.has_value());
            if (one) REQUIRE(one->entry == other->entry);
        } while (one);
    }
}

TEST_CASE("a cache whose bytes name an entry that there is none of is refused") {
    Bench bench({.entries_max = 8});
    (void)bench.lookup();
    std::vector<std::uint8_t> bytes = terminus::test::archived(bench.cache);
    const std::size_t lists_end = bytes.size() - sizeof(neigh::NeighbourCounters) - 2 * sizeof(std::uint32_t);
    bytes[lists_end - 1] = 1;  // the highest byte of the last one's end
    terminus::test::reseal(bytes);
    Bench copy({.entries_max = 8});
    CHECK(terminus::test::read_archive(bytes, copy.cache) == base::ArchiveReader::kDamaged);
}
