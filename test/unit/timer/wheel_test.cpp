#include "timer/wheel.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <vector>

#include "base/rng.hpp"
#include "support/archived.hpp"

using terminus::base::Duration;
using terminus::base::Instant;
using terminus::base::instant_from_ns;
using terminus::base::kNever;
using terminus::base::Rng;
using terminus::timer::kNoTimer;
using terminus::timer::Target;
using terminus::timer::TimerId;
using terminus::timer::Wheel;
using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t kPlenty = 1u << 20;

Instant at_tick(std::uint64_t tick) {
    return instant_from_ns(static_cast<std::int64_t>(tick << Wheel::kTickBits));
}

std::vector<std::uint32_t> fired_by(Wheel& wheel, Instant now, std::uint32_t budget = kPlenty) {
    std::vector<std::uint32_t> handles;
    wheel.advance(now, budget, [&](Target target) { handles.push_back(target.handle); });
    return handles;
}

using Handles = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("a timer fires with the tick that follows its deadline and not before") {
    // Each boundary of a level, one tick to both sides of it, and the far ends.
    const std::vector<std::uint64_t> distances = {
        0,          1,          2,           0xffe,        0xfff,        0x1000,       0x1001,
        0x1fff,     0x2000,     0x2001,      0xffffe,      0xfffff,      0x100000,     0x100001,
        0x1fffff,   0x200000,   0x200001,    0xfffffff,    0x10000000,   0x10000001,   0x1fffffff,
        0x20000000, 0x20000001, 0xfffffffff, 0x1000000000, 0x1fffffffff, 0x2000000000, 0x3fffffffffff};
    const std::vector<std::uint64_t> starts = {0,        1,         0xfff,      0x1000,       0xfffff,
                                               0x100000, 0xfffffff, 0x10000000, 0x1000000000, 0x123456789};
    for (const std::uint64_t start : starts) {
        for (const std::uint64_t distance : distances) {
            for (const std::int64_t within : {std::int64_t{0}, std::int64_t{1}, std::int64_t{65535}}) {
                CAPTURE(start, distance, within);
                Wheel wheel(1, at_tick(start));
                const Instant deadline = at_tick(start + distance) + Duration{within};
                REQUIRE(wheel.arm(deadline, Target{7, 1}) == 0);
                const Instant due = at_tick(start + distance + 1);
                REQUIRE(fired_by(wheel, deadline).empty());
                REQUIRE(fired_by(wheel, due - 1ns).empty());
                REQUIRE(wheel.next_wakeup() == due);
                REQUIRE(fired_by(wheel, due) == Handles{7});
                REQUIRE(wheel.size() == 0);
                REQUIRE(wheel.next_wakeup() == kNever);
            }
        }
    }
}

TEST_CASE("sleeping until next_wakeup each time misses no deadline and takes few wakings") {
    for (const std::uint64_t distance :
         {1ull, 300ull, 70000ull, 0x2000000ull, 0x100000000ull, 0x700000000ull}) {
        CAPTURE(distance);
        Wheel wheel(1, at_tick(12345));
        REQUIRE(wheel.arm(at_tick(12345 + distance), Target{1, 1}) != kNoTimer);
        int wakings = 0;
        Instant now = at_tick(12345);
        while (wheel.size() > 0) {
            REQUIRE(wheel.next_wakeup() > now);
            now = wheel.next_wakeup();
            fired_by(wheel, now);
            ++wakings;
        }
        CHECK(now == at_tick(12345 + distance + 1));
        CHECK(wakings <= 12);
    }
}

TEST_CASE("a deadline that has passed fires in the next advance") {
    Wheel wheel(4, at_tick(1000));
    fired_by(wheel, at_tick(2000));
    REQUIRE(wheel.arm(at_tick(1999), Target{1, 0}) != kNoTimer);
    REQUIRE(wheel.arm(at_tick(3), Target{2, 0}) != kNoTimer);
    REQUIRE(wheel.arm(instant_from_ns(-5), Target{3, 0}) != kNoTimer);
    REQUIRE(wheel.arm(at_tick(2000), Target{4, 0}) != kNoTimer);
    CHECK(wheel.next_wakeup() <= at_tick(2000));
    CHECK(fired_by(wheel, at_tick(2000)) == Handles{1, 2, 3});
    CHECK(fired_by(wheel, at_tick(2001)) == Handles{4});
}

TEST_CASE("deadline() tells which new deadlines need a rearm") {
    Wheel wheel(1, at_tick(0));
    const TimerId id = wheel.arm(at_tick(9) + 500ns, Target{1, 0});
    CHECK(wheel.deadline(id) == at_tick(9));
    wheel.rearm(id, at_tick(9));
    CHECK(wheel.deadline(id) == at_tick(9));
    wheel.rearm(id, at_tick(9) - 1ns);
    CHECK(wheel.deadline(id) == at_tick(8));
    wheel.rearm(id, kNever);
    CHECK(wheel.deadline(id) <= kNever);
    CHECK(wheel.deadline(id) > kNever - Wheel::kTick - 1ns);
    CHECK(fired_by(wheel, at_tick(1ull << 46)).empty());
    CHECK(wheel.size() == 1);
}

TEST_CASE("a cancelled timer does not fire and its place is free again") {
    Wheel wheel(2, at_tick(0));
    const TimerId first = wheel.arm(at_tick(10), Target{1, 0});
    const TimerId second = wheel.arm(at_tick(10), Target{2, 0});
    REQUIRE(second != kNoTimer);
    CHECK(wheel.arm(at_tick(10), Target{3, 0}) == kNoTimer);
    wheel.cancel(first);
    CHECK(wheel.size() == 1);
    CHECK(wheel.arm(at_tick(10), Target{4, 0}) == first);
    CHECK(fired_by(wheel, at_tick(11)) == Handles{2, 4});
}

TEST_CASE("what a spent budget leaves over fires in the next call in order of ticks") {
    Wheel wheel(16, at_tick(0));
    for (std::uint32_t i = 0; i < 10; ++i)
        REQUIRE(wheel.arm(at_tick(300 * (9 - i) + 5), Target{9 - i, 0}) != kNoTimer);
    const Instant now = at_tick(5000);
    CHECK(fired_by(wheel, now, 0).empty());
    CHECK(fired_by(wheel, now, 3) == Handles{0, 1, 2});
    CHECK(wheel.next_wakeup() <= now);
    // Armed between the calls, due later than all leftovers and not due at all.
    REQUIRE(wheel.arm(at_tick(4000), Target{10, 0}) != kNoTimer);
    REQUIRE(wheel.arm(now, Target{11, 0}) != kNoTimer);
    CHECK(fired_by(wheel, now, 3) == Handles{3, 4, 5});
    CHECK(fired_by(wheel, now, kPlenty) == Handles{6, 7, 8, 9, 10});
    CHECK(fired_by(wheel, at_tick(5001)) == Handles{11});
}

TEST_CASE("HARDENING 28: a million timers in one tick are spread over calls by the budget") {
    constexpr std::uint32_t kTimers = 1'000'000;
    constexpr std::uint32_t kBudget = 1000;
    Wheel wheel(kTimers, at_tick(0));
    for (std::uint32_t i = 0; i < kTimers; ++i)
        REQUIRE(wheel.arm(at_tick(1 << 24), Target{i, 0}) != kNoTimer);
    std::uint32_t calls = 0;
    const Instant now = at_tick((1 << 24) + 1);
    std::uint32_t expected = 0;
    while (wheel.size() > 0) {
        REQUIRE(wheel.next_wakeup() <= now);
        const std::uint32_t fired = wheel.advance(now, kBudget, [&](Target target) {
            REQUIRE(target.handle == expected);
            ++expected;
        });
        REQUIRE(fired <= kBudget);
        ++calls;
    }
    CHECK(calls >= kTimers / kBudget);
    CHECK(calls <= kTimers / kBudget + kTimers / (kBudget * Wheel::kMovesPerFire) + 1);
}

TEST_CASE("a crowded slot is emptied before it is entered, so that what is due in it comes in time") {
    constexpr std::uint32_t kTimers = 4000;
    const std::uint64_t slot = GENERATE(as<std::uint64_t>(), 2, 3, 256, 300);  // of 4096 ticks
    CAPTURE(slot);
    const std::uint64_t start = (slot - 2) << 12;
    Wheel wheel(kTimers, at_tick(0));
    for (std::uint32_t i = 0; i < kTimers; ++i)
        REQUIRE(wheel.arm(at_tick((slot << 12) + 7), Target{i, 0}) != kNoTimer);
    REQUIRE(fired_by(wheel, at_tick(start)).empty());
    for (std::uint64_t tick = start; tick <= (slot << 12) + 7; tick += 10)
        REQUIRE(fired_by(wheel, at_tick(tick), 1).empty());
    // A call with a budget of one may move eight: had they waited, it would have fired nothing.
    REQUIRE(fired_by(wheel, at_tick((slot << 12) + 8), 1) == Handles{0});
}

TEST_CASE("within a call the wheel says who comes after the next") {
    Wheel wheel(5, at_tick(0));
    for (std::uint32_t i = 0; i < 4; ++i)
        REQUIRE(wheel.arm(at_tick(5), Target{i, i}) != kNoTimer);
    REQUIRE(wheel.arm(at_tick(6), Target{4, 0}) != kNoTimer);
    std::vector<std::optional<Target>> named;
    wheel.advance(at_tick(6), kPlenty, [&](Target) { named.push_back(wheel.second_next()); });
    REQUIRE(named ==
            std::vector<std::optional<Target>>{Target{2, 2}, Target{3, 3}, Target{3, 3}, std::nullopt});
}

TEST_CASE("a firing timer is free and its call may arm, rearm and cancel others") {
    Wheel wheel(3, at_tick(0));
    const TimerId first = wheel.arm(at_tick(1), Target{1, 0});
    const TimerId second = wheel.arm(at_tick(1), Target{2, 0});
    const TimerId third = wheel.arm(at_tick(1), Target{3, 0});
    const Instant now = at_tick(2);
    Handles handles;
    TimerId again = kNoTimer;
    wheel.advance(now, kPlenty, [&](Target target) {
        handles.push_back(target.handle);
        if (target.handle != 1) return;
        wheel.cancel(second);
        wheel.rearm(third, at_tick(70000));
        again = wheel.arm(now, Target{4, 0});
    });
    CHECK(handles == Handles{1});
    CHECK((again == first || again == second));
    CHECK(wheel.size() == 2);
    CHECK(fired_by(wheel, at_tick(3)) == Handles{4});
    CHECK(fired_by(wheel, at_tick(70000)).empty());
    CHECK(fired_by(wheel, at_tick(70001)) == Handles{3});
}

// HARDENING 29: the clock leaps by days (suspend).
TEST_CASE("HARDENING 29: a leap of days fires all that was due, in order, and keeps what was not") {
    Wheel wheel(8, at_tick(77));
    const Instant start = at_tick(77);
    REQUIRE(wheel.arm(start + 24h * 30, Target{5, 0}) != kNoTimer);
    REQUIRE(wheel.arm(start + 24h * 9, Target{4, 0}) != kNoTimer);
    REQUIRE(wheel.arm(start + 24h * 4, Target{3, 0}) != kNoTimer);
    REQUIRE(wheel.arm(start + 2h, Target{2, 0}) != kNoTimer);
    REQUIRE(wheel.arm(start + 40ms, Target{1, 0}) != kNoTimer);
    CHECK(fired_by(wheel, start + 24h * 10) == Handles{1, 2, 3, 4});
    CHECK(fired_by(wheel, start + 24h * 30).empty());
    CHECK(fired_by(wheel, start + 24h * 30 + Wheel::kTick) == Handles{5});
    CHECK(fired_by(wheel, start + 24h * 365 * 200).empty());
}

// HARDENING 29: the clock steps back.
TEST_CASE(
    "HARDENING 29: a clock that steps back fires nothing early and nothing later than one turn of level 0") {
    const Duration turn = Wheel::kTick * 256;
    for (const std::uint64_t back : {1ull, 200ull, 256ull, 70000ull, 0x3000000ull, 0x500000000ull}) {
        CAPTURE(back);
        const std::uint64_t base_tick = 0x600001234;
        Wheel wheel(64, at_tick(base_tick));
        REQUIRE(wheel.arm(at_tick(base_tick + 40000), Target{1, 0}) != kNoTimer);
        REQUIRE(wheel.arm(at_tick(base_tick + 3), Target{2, 0}) != kNoTimer);
        REQUIRE(wheel.arm(at_tick(base_tick - 3), Target{3, 0}) != kNoTimer);

        const std::uint64_t stepped = base_tick - back;
        const Handles at_once = fired_by(wheel, at_tick(stepped));
        REQUIRE(wheel.arm(at_tick(stepped + 100), Target{4, 0}) != kNoTimer);
        for (const std::uint32_t handle : at_once)
            REQUIRE(handle == 3);

        std::map<std::uint32_t, Instant> fired;
        Instant now = at_tick(stepped);
        while (wheel.size() > 0) {
            now = std::max(now, wheel.next_wakeup());
            for (const std::uint32_t handle : fired_by(wheel, now))
                fired[handle] = now;
        }
        CHECK(fired[1] == at_tick(base_tick + 40001));
        CHECK(fired[2] == at_tick(base_tick + 4));
        CHECK(fired[4] == at_tick(stepped + 101));
        if (at_once.empty()) {
            CHECK(fired[3] >= at_tick(base_tick - 2));
            CHECK(fired[3] <= std::max(at_tick(base_tick - 2), at_tick(stepped)) + turn);
        }
    }
}

TEST_CASE("the wheel agrees with a sorted map over random arms, rearms, cancels, budgets and leaps") {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        CAPTURE(seed);
        Rng rng(seed);
        constexpr std::uint32_t kCapacity = 300;
        std::uint64_t now_tick = rng.next() >> (20 + seed * 3);
        Wheel wheel(kCapacity, at_tick(now_tick));

        std::multimap<std::uint64_t, std::uint32_t> model;  // tick → handle
        struct Armed {
            TimerId id;
            std::multimap<std::uint64_t, std::uint32_t>::iterator where;
        };
        std::map<std::uint32_t, Armed> armed;
        std::uint32_t next_handle = 0;
        const auto random_tick = [&] {
            const std::uint64_t far = rng.next() >> (26 + rng.below(38));
            return rng.below(10) == 0 && now_tick > far ? now_tick - far : now_tick + far;
        };
        // A deadline in the past takes its place behind what is already due, so its order is not the model's.
        std::uint64_t settled_tick = now_tick;

        for (int step = 0; step < 20000; ++step) {
            const std::uint32_t dice = rng.below(100);
            if (dice < 45) {
                const std::uint64_t tick = random_tick();
                const TimerId id =
                    wheel.arm(at_tick(tick) + Duration{rng.below(65536)}, Target{next_handle, 9});
                REQUIRE((id == kNoTimer) == (armed.size() == kCapacity));
                if (id == kNoTimer) continue;
                armed[next_handle] = {id, model.emplace(std::max(tick + 1, settled_tick), next_handle)};
                ++next_handle;
            } else if (dice < 70 && !armed.empty()) {
                auto victim = armed.lower_bound(rng.below(next_handle));
                if (victim == armed.end()) victim = armed.begin();
                model.erase(victim->second.where);
                if (dice < 55) {
                    wheel.cancel(victim->second.id);
                    armed.erase(victim);
                } else {
                    const std::uint64_t tick = random_tick();
                    wheel.rearm(victim->second.id, at_tick(tick));
                    victim->second.where = model.emplace(std::max(tick + 1, settled_tick), victim->first);
                }
            } else if (dice >= 70) {
                now_tick += rng.next() >> (30 + rng.below(34));
                const bool limited = rng.below(3) == 0;
                const std::uint32_t budget = limited ? 1 + rng.below(8) : kPlenty;
                std::uint64_t last_tick = 0;
                const std::uint32_t fired = wheel.advance(at_tick(now_tick), budget, [&](Target target) {
                    REQUIRE(target.generation == 9);
                    const auto found = armed.find(target.handle);
                    REQUIRE(found != armed.end());
                    const std::uint64_t tick = found->second.where->first;
                    REQUIRE(tick <= now_tick);
                    REQUIRE(tick >= last_tick);
                    last_tick = tick;
                    settled_tick = std::max(settled_tick, tick);
                    model.erase(found->second.where);
                    armed.erase(found);
                });
                REQUIRE(fired <= budget);
                const bool due_left = !model.empty() && model.begin()->first <= now_tick;
                if (!limited) {
                    REQUIRE_FALSE(due_left);
                    settled_tick = now_tick;
                }
                if (due_left) REQUIRE(wheel.next_wakeup() <= at_tick(now_tick));
                // Order is judged again once no deadline of the past is among the leftovers.
                if (due_left) {
                    while (wheel.advance(at_tick(now_tick), kPlenty, [&](Target target) {
                        model.erase(armed.at(target.handle).where);
                        armed.erase(target.handle);
                    }) > 0) {
                    }
                    REQUIRE((model.empty() || model.begin()->first > now_tick));
                }
                settled_tick = now_tick;
            }
            REQUIRE(wheel.size() == model.size());
            if (!model.empty())
                REQUIRE(wheel.next_wakeup() <= at_tick(std::max(model.begin()->first, now_tick)));
        }
    }
}

// HARDENING 29: steps in both directions, small and large, with budgets that leave cascades unfinished.
TEST_CASE(
    "a clock that keeps stepping back and forth fires nothing early, loses nothing and is late by a turn at "
    "most") {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        CAPTURE(seed);
        Rng rng(seed);
        constexpr std::uint32_t kCapacity = 200;
        std::uint64_t now_tick = 0x40000000000;
        std::uint64_t stepped_to = now_tick;
        Wheel wheel(kCapacity, at_tick(now_tick));
        std::map<std::uint32_t, std::uint64_t> armed;  // handle → tick
        std::uint32_t next_handle = 0;
        const auto fire = [&](Target target) {
            REQUIRE(armed.count(target.handle) == 1);
            REQUIRE(armed[target.handle] <= now_tick);
            armed.erase(target.handle);
        };
        for (int step = 0; step < 20000; ++step) {
            const std::uint32_t dice = rng.below(100);
            if (dice < 50 && armed.size() < kCapacity) {
                const std::uint64_t tick = now_tick + (rng.next() >> (26 + rng.below(38)));
                REQUIRE(wheel.arm(at_tick(tick), Target{next_handle, 0}) != kNoTimer);
                armed[next_handle++] = tick + 1;
            } else if (dice < 60) {
                now_tick -= rng.next() >> (26 + rng.below(38));
                stepped_to = now_tick;
                wheel.advance(at_tick(now_tick), 1, fire);
            } else if (dice < 80) {
                now_tick += rng.next() >> (26 + rng.below(38));
                wheel.advance(at_tick(now_tick), 1, fire);
            } else {
                wheel.advance(at_tick(now_tick), kPlenty, fire);
                for (const auto& [handle, tick] : armed)
                    REQUIRE(now_tick < std::max(tick, stepped_to) + 256);
            }
            REQUIRE(wheel.size() == armed.size());
            if (armed.empty()) REQUIRE(wheel.next_wakeup() == kNever);
        }
        now_tick = std::uint64_t{1} << 46;
        while (wheel.advance(at_tick(now_tick), kPlenty, fire) > 0) {
        }
        REQUIRE(armed.empty());
    }
}

TEST_CASE("a wheel copied by its bytes fires the same timers in the same order") {
    Rng rng(5);
    Wheel wheel(2000, at_tick(70'000));
    std::vector<TimerId> armed;
    const auto arm = [&](Wheel& into, std::uint32_t handle, Instant deadline) {
        return into.arm(deadline, Target{handle, 1});
    };
    Instant now = at_tick(70'000);
    for (std::uint32_t i = 0; i < 1500; ++i) {
        const TimerId id = arm(wheel, i, now + Duration{rng.next() >> (20 + rng.below(20))});
        if (rng.below(4) == 0) {
            wheel.cancel(id);
        } else if (rng.below(4) == 0) {
            wheel.rearm(id, now + Duration{rng.next() >> 30});
        }
        now += Duration{rng.below(100'000)};
        (void)fired_by(wheel, now, 3);
    }
    REQUIRE(wheel.size() > 500);
    Wheel copy(2000, at_tick(0));
    terminus::test::copy_by_archive(wheel, copy);
    for (std::uint32_t i = 0; i < 200; ++i) {
        REQUIRE(copy.next_wakeup() == wheel.next_wakeup());
        now += Duration{rng.next() >> (20 + rng.below(20))};
        REQUIRE(fired_by(copy, now, 5) == fired_by(wheel, now, 5));
        REQUIRE(arm(copy, i, now + 3s) == arm(wheel, i, now + 3s));
    }
    REQUIRE(fired_by(copy, kNever) == fired_by(wheel, kNever));
}

TEST_CASE("a wheel whose bytes name a timer that was never armed is refused") {
    Wheel wheel(4, at_tick(0));
    REQUIRE(wheel.arm(at_tick(9), Target{1, 1}) == 0);
    std::vector<std::uint8_t> bytes = terminus::test::archived(wheel);
    std::size_t refused = 0;
    for (std::size_t at = sizeof(terminus::base::ArchiveHeader); at < bytes.size(); ++at) {
        bytes[at] ^= 0x80;
        terminus::test::reseal(bytes);
        Wheel copy(4, at_tick(0));
        refused += terminus::test::read_archive(bytes, copy).empty() ? 0 : 1;
        bytes[at] ^= 0x80;
    }
    // All but the tick, the target, the wheel's time and the map of slots in use.
    REQUIRE(refused > bytes.size() / 2);
}
