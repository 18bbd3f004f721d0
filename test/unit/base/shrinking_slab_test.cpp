#include "base/shrinking_slab.hpp"

#include <sys/mman.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstddef>
#include <map>
#include <memory>
#include <vector>

#include "base/rng.hpp"

using terminus::base::Rng;
using terminus::base::ShrinkingSlab;

namespace {

constexpr std::size_t kPageBytes = 4096;

/// A sixteenth of a group each.
struct Large {
    std::uint64_t value = 0;
    std::array<std::byte, ShrinkingSlab<int>::kGroupBytes / 16 - 64> rest;

    explicit Large(std::uint64_t own) : value(own) {}
};
using LargeSlab = ShrinkingSlab<Large>;
constexpr std::uint32_t kPerGroup = 16;

bool is_committed(const Large& one) {
    unsigned char is_there = 0;
    const auto address = reinterpret_cast<std::uintptr_t>(&one) / kPageBytes * kPageBytes;
    REQUIRE(mincore(reinterpret_cast<void*>(address), kPageBytes, &is_there) == 0);
    return (is_there & 1) != 0;
}

/// As much as is to be given back.
unsigned given_back(LargeSlab& slab) {
    unsigned groups = 0;
    while (slab.give_back())
        ++groups;
    return groups;
}

}  // namespace

TEST_CASE("a free place is taken from the lowest group that has one") {
    LargeSlab slab(4 * kPerGroup);
    for (std::uint32_t i = 0; i < 3 * kPerGroup; ++i)
        REQUIRE(slab.allocate(i) == i);
    slab.release(40);
    slab.release(20);
    slab.release(3);
    CHECK(slab.allocate(1u) == 3);
    CHECK(slab.allocate(2u) == 20);
    CHECK(slab.allocate(3u) == 40);
    CHECK(slab.allocate(4u) == 48);
}

TEST_CASE("a full shrinking slab says so and recovers by one release") {
    LargeSlab slab(kPerGroup + 2);  // the last group is short
    for (std::uint32_t i = 0; i < kPerGroup + 2; ++i)
        REQUIRE(slab.allocate(i) == i);
    CHECK(slab.allocate(0u) == LargeSlab::kNone);
    slab.release(kPerGroup + 1);
    CHECK(slab.size() == slab.capacity() - 1);
    CHECK(slab.allocate(9u) == kPerGroup + 1);
    CHECK(slab.allocate(0u) == LargeSlab::kNone);
}

TEST_CASE("a group that was empty for an age is given back, and nothing else is") {
    LargeSlab slab(4 * kPerGroup);
    for (std::uint32_t i = 0; i < 4 * kPerGroup; ++i)
        REQUIRE(slab.allocate(i) == i);
    const Large& first = slab[0];
    const Large& second = slab[kPerGroup];
    const Large& third = slab[2 * kPerGroup];
    const Large& last = slab[3 * kPerGroup];
    slab.age();
    CHECK(given_back(slab) == 0);  // all are in use
    for (std::uint32_t i = kPerGroup; i < 4 * kPerGroup; ++i)
        slab.release(i);
    CHECK(given_back(slab) == 0);  // not for an age
    slab.age();
    REQUIRE(slab.allocate(7u) != LargeSlab::kNone);  // in the second
    CHECK(slab.give_back());
    CHECK_FALSE(is_committed(last));
    CHECK(is_committed(third));
    CHECK(given_back(slab) == 1);
    CHECK_FALSE(is_committed(third));
    CHECK(is_committed(second));
    CHECK(is_committed(first));
    CHECK(slab[0].value == 0);

    for (std::uint32_t i = 1; i < 3 * kPerGroup; ++i)
        REQUIRE(slab.allocate(i) != LargeSlab::kNone);
    CHECK(slab.allocate(0u) == LargeSlab::kNone);
}

TEST_CASE("a shrinking slab keeps each value until it is released, whatever is given back") {
    LargeSlab slab(10 * kPerGroup);
    Rng rng(5);
    std::map<std::uint32_t, std::uint64_t> values;
    unsigned groups = 0;
    for (std::uint64_t step = 0; step < 20'000; ++step) {
        const bool is_growing = step / 1000 % 2 == 0;
        const std::uint32_t choice = rng.below(10);
        if (choice == 0) slab.age();
        if (choice == 1) groups += slab.give_back() ? 1 : 0;
        if (choice < (is_growing ? 8u : 3u)) {
            const std::uint32_t index = slab.allocate(step);
            REQUIRE((index == LargeSlab::kNone) == (values.size() == slab.capacity()));
            if (index != LargeSlab::kNone) REQUIRE(values.emplace(index, step).second);
        } else if (!values.empty()) {
            const auto one = std::next(values.begin(), rng.below(static_cast<std::uint32_t>(values.size())));
            slab.release(one->first);
            values.erase(one);
        }
        REQUIRE(slab.size() == values.size());
        if (step % 100 != 0) continue;
        for (const auto& [index, value] : values)
            REQUIRE(slab[index].value == value);
    }
    CHECK(groups > 20);
}

TEST_CASE("a shrinking slab destroys each value once: at release, or at its own end") {
    const auto watched = std::make_shared<int>(1);
    {
        ShrinkingSlab<std::shared_ptr<int>> slab(8);
        const auto first = slab.allocate(watched);
        REQUIRE(slab.allocate(watched) != slab.kNone);
        CHECK(watched.use_count() == 3);
        slab.release(first);
        CHECK(watched.use_count() == 2);
    }
    CHECK(watched.use_count() == 1);
}
