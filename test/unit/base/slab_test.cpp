#include "base/slab.hpp"

#include <catch2/catch.hpp>

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
