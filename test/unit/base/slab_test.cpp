#include "base/slab.hpp"

#include <catch2/catch.hpp>
#include <memory>

using terminus::base::Slab;

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
