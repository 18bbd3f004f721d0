#include "base/likeness.hpp"

#include <array>
#include <catch2/catch.hpp>

#include "base/rng.hpp"
#include "support/archived.hpp"

using namespace terminus;

namespace {

constexpr std::size_t kWords = 200;
constexpr std::size_t kSamples = 8;
using Row = std::array<std::uint32_t, kWords>;
using Packed = std::array<std::uint8_t, 1024>;

/// Three words of its own; the others are constants, or follow from one of the three.
Row made_up(base::Rng& rng) {
    Row row{};
    for (std::size_t i = 0; i < kWords; ++i)
        row[i] = static_cast<std::uint32_t>(i * 0x01010101u);
    row[0] = static_cast<std::uint32_t>(rng.next());
    row[7] = static_cast<std::uint32_t>(rng.next());
    row[199] = rng.below(200);
    row[100] = row[7] + 12;
    row[101] = row[0] - 1;
    return row;
}

base::Likeness learnt(base::Rng& rng) {
    base::Likeness likeness(kWords, kSamples);
    for (std::size_t i = 0; i < kSamples; ++i) {
        REQUIRE_FALSE(likeness.is_learnt());
        likeness.learn(made_up(rng));
    }
    REQUIRE(likeness.is_learnt());
    return likeness;
}

std::size_t require_round_trip(const base::Likeness& likeness, const Row& row) {
    Packed packed{};
    const std::size_t bytes = likeness.pack(row, packed);
    REQUIRE(bytes > 0);
    Row again{};
    again.fill(0xdeadbeef);
    likeness.unpack({packed.data(), bytes}, again);
    REQUIRE(again == row);
    return bytes;
}

}  // namespace

TEST_CASE("what is like the samples takes its own words only") {
    base::Rng rng(GENERATE(as<std::uint64_t>(), 1, 2, 3));
    const base::Likeness likeness = learnt(rng);
    // Five bytes a random word, two or three the small one, three long gaps before it.
    for (int i = 0; i < 100; ++i)
        REQUIRE(require_round_trip(likeness, made_up(rng)) <= 2 * 5 + 3 + 3);
}

TEST_CASE("what is unlike them in any way comes back all the same") {
    base::Rng rng(4);
    const base::Likeness likeness = learnt(rng);
    Row row = made_up(rng);
    SECTION("one word after the other") {
        for (std::size_t i = 0; i < kWords; ++i) {
            row[i] = static_cast<std::uint32_t>(rng.next()) >> rng.below(32);
            require_round_trip(likeness, row);
        }
    }
    SECTION("extremes") {
        for (const std::uint32_t value : {0u, 1u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
            row.fill(value);
            require_round_trip(likeness, row);
        }
    }
}

TEST_CASE("a row that is as expected in every word is told, too") {
    base::Likeness likeness(kWords, kSamples);
    const Row row{1, 2, 3};
    for (std::size_t i = 0; i < kSamples; ++i)
        likeness.learn(row);
    REQUIRE(require_round_trip(likeness, row) == 1);
}

TEST_CASE("one odd sample does not spoil what the others say") {
    base::Rng rng(5);
    base::Likeness likeness(kWords, kSamples);
    Row odd{};
    for (std::uint32_t& word : odd)
        word = static_cast<std::uint32_t>(rng.next());
    likeness.learn(odd);
    for (std::size_t i = 1; i < kSamples; ++i)
        likeness.learn(made_up(rng));
    REQUIRE(require_round_trip(likeness, made_up(rng)) <= 2 * 5 + 3 + 3);
}

TEST_CASE("what has no room is not packed") {
    base::Rng rng(6);
    const base::Likeness likeness = learnt(rng);
    const Row row = made_up(rng);
    Packed packed{};
    const std::size_t needed = likeness.pack(row, packed);
    for (std::size_t room = 0; room < needed; ++room)
        REQUIRE(likeness.pack(row, {packed.data(), room}) == 0);
}

TEST_CASE("what was learnt, and half learnt, goes into an archive") {
    base::Rng rng(7);
    const std::size_t samples = GENERATE(as<std::size_t>(), 0, 3, kSamples);
    base::Likeness likeness(kWords, kSamples);
    for (std::size_t i = 0; i < samples; ++i)
        likeness.learn(made_up(rng));
    base::Likeness again(kWords, kSamples);
    test::copy_by_archive(likeness, again);
    REQUIRE(again.is_learnt() == (samples == kSamples));
    for (std::size_t i = samples; i < kSamples; ++i) {
        const Row row = made_up(rng);
        likeness.learn(row);
        again.learn(row);
    }
    const Row row = made_up(rng);
    Packed packed{};
    Row copy{};
    again.unpack({packed.data(), likeness.pack(row, packed)}, copy);
    REQUIRE(copy == row);
}
