#include "base/slab.hpp"

#include <catch2/catch.hpp>
#include <memory>

#include "base/rng.hpp"
#include "support/archived.hpp"

using terminus::base::Slab;
using terminus::test::archived;
using terminus::test::copy_by_archive;
using terminus::test::read_archive;
using terminus::test::reseal;

TEST_CASE("a released slot's generation no longer names the slot") {
    Slab<int> slab(2);
    const auto index = slab.allocate(7);
    const auto generation = slab.generation(index);
    REQUIRE(slab.is_current(index, generation));

    slab.release(index);
    CHECK_FALSE(slab.is_current(index, generation));

    const auto successor = slab.allocate(8);
    CHECK(successor == index);
    CHECK_FALSE(slab.is_current(index, generation));
    CHECK(slab[successor] == 8);
}

TEST_CASE("a full slab says so and recovers by one release") {
    Slab<int> slab(2);
    const auto first = slab.allocate(1);
    REQUIRE(first != Slab<int>::kNone);
    REQUIRE(slab.allocate(2) != Slab<int>::kNone);
    CHECK(slab.allocate(3) == Slab<int>::kNone);
    slab.release(first);
    CHECK(slab.allocate(4) == first);
    CHECK(slab.size() == 2);
}

TEST_CASE("a slab destroys each value once: at release, or at its own end") {
    const auto watched = std::make_shared<int>(1);
    {
        Slab<std::shared_ptr<int>> slab(8);
        const auto first = slab.allocate(watched);
        const auto second = slab.allocate(watched);
        REQUIRE(second != Slab<std::shared_ptr<int>>::kNone);
        CHECK(watched.use_count() == 3);
        slab.release(first);
        CHECK(watched.use_count() == 2);
        CHECK_FALSE(slab.is_live(first));
        CHECK(slab.is_live(second));
    }
    CHECK(watched.use_count() == 1);
}

TEST_CASE("a slot never used names nothing, and a walk is bounded by what was touched") {
    Slab<int> slab(100);
    CHECK(slab.touched() == 0);
    CHECK_FALSE(slab.is_current(0, 0));
    CHECK_FALSE(slab.is_live(99));
    const auto first = slab.allocate(1);
    const auto second = slab.allocate(2);
    CHECK(slab.touched() == 2);
    slab.release(first);
    slab.release(second);
    CHECK(slab.touched() == 2);
    CHECK(slab.size() == 0);
    CHECK(slab.capacity() == 100);
}

TEST_CASE("each release gives a slot another generation, and only its last one is current") {
    Slab<int> slab(1);
    std::uint32_t last = UINT32_MAX;
    for (int i = 0; i < 1000; ++i) {
        const auto index = slab.allocate(i);
        REQUIRE(index == 0);
        REQUIRE(slab.generation(0) != last);
        last = slab.generation(0);
        REQUIRE(slab.is_current(0, last));
        REQUIRE_FALSE(slab.is_current(0, last + 1));
        slab.release(0);
        REQUIRE_FALSE(slab.is_current(0, last));
    }
}

namespace {

/// What isn't plain.
struct Text {
    explicit Text(std::string given) : text(std::move(given)) {}
    explicit Text(terminus::base::ToBeRead) {}

    template <typename Archive>
    void archive(Archive& a) {
        std::vector<char> bytes(text.begin(), text.end());
        terminus::base::archive_vector(a, bytes, 100);
        text.assign(bytes.begin(), bytes.end());
    }
    std::string text;
};

// A slab with holes, in whatever order they came.
template <typename T, typename Make>
void fill_with_holes(Slab<T>& slab, Make&& make) {
    terminus::base::Rng rng(1);
    for (std::uint32_t i = 0; i < 40; ++i) {
        if (rng.below(3) > 0) {
            (void)slab.allocate(make(i));
        } else if (const std::uint32_t index = rng.below(slab.touched() + 1); slab.is_live(index)) {
            slab.release(index);
        }
    }
}

}  // namespace

TEST_CASE("a slab of plain values is copied by its bytes, generations and the order of free slots included") {
    Slab<std::uint64_t> slab(64);
    fill_with_holes(slab, [](std::uint32_t i) { return std::uint64_t{i}; });
    Slab<std::uint64_t> copy(64);
    copy_by_archive(slab, copy);
    CHECK(copy.size() == slab.size());
    for (std::uint32_t index = 0; index < slab.touched(); ++index) {
        CHECK(copy.generation(index) == slab.generation(index));
        REQUIRE(copy.is_live(index) == slab.is_live(index));
        if (slab.is_live(index)) CHECK(copy[index] == slab[index]);
    }
    for (int i = 0; i < 30; ++i)
        CHECK(copy.allocate(1u) == slab.allocate(1u));
}

TEST_CASE("a slab of values with an archive of their own is copied through it") {
    Slab<Text> slab(64);
    fill_with_holes(slab, [](std::uint32_t i) { return Text(std::string(i, 'x')); });
    Slab<Text> copy(64);
    copy_by_archive(slab, copy);
    for (std::uint32_t index = 0; index < slab.touched(); ++index) {
        REQUIRE(copy.is_live(index) == slab.is_live(index));
        if (slab.is_live(index)) CHECK(copy[index].text == slab[index].text);
    }
    for (int i = 0; i < 30; ++i)
        CHECK(copy.allocate(Text("y")) == slab.allocate(Text("y")));
}

TEST_CASE("a slab of another capacity, or whose slots don't add up, is refused") {
    Slab<std::uint64_t> slab(64);
    fill_with_holes(slab, [](std::uint32_t i) { return std::uint64_t{i}; });
    std::vector<std::uint8_t> bytes = archived(slab);
    Slab<std::uint64_t> smaller(63);
    CHECK(read_archive(bytes, smaller) == terminus::base::ArchiveReader::kOtherSettings);
    for (const std::size_t from_end : {1, 5}) {  // the highest byte of the size, and of the first free slot
        bytes[bytes.size() - from_end] ^= 1;
        reseal(bytes);
        Slab<std::uint64_t> copy(64);
        CHECK(read_archive(bytes, copy) == terminus::base::ArchiveReader::kDamaged);
        bytes[bytes.size() - from_end] ^= 1;
    }
}
