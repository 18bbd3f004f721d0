#include "base/spsc_ring.hpp"

#include <catch2/catch.hpp>
#include <memory>

using terminus::base::SpscRing;

TEST_CASE("a ring gives back in order and uses all of its capacity") {
    SpscRing<int> ring(4);
    CHECK(ring.empty());
    CHECK_FALSE(ring.try_pop());
    for (int i = 0; i < 4; ++i)
        REQUIRE(ring.try_push(int{i}));
    CHECK_FALSE(ring.empty());
    CHECK_FALSE(ring.try_push(99));
    for (int i = 0; i < 4; ++i)
        CHECK(ring.try_pop() == i);
    CHECK(ring.empty());
    CHECK_FALSE(ring.try_pop());
}

TEST_CASE("a ring goes round many times at every fill") {
    SpscRing<int> ring(8);
    int pushed = 0;
    int popped = 0;
    for (int round = 0; round < 1000; ++round) {
        for (int i = 0; i < round % 9; ++i)
            REQUIRE(ring.try_push(pushed++) == true);
        if (round % 9 == 8) CHECK_FALSE(ring.try_push(-1));
        for (int i = 0; i < round % 9; ++i)
            REQUIRE(ring.try_pop() == popped++);
        REQUIRE(ring.empty());
    }
    CHECK(pushed == popped);
}

TEST_CASE("a value that a full ring refuses stays with the caller") {
    SpscRing<std::unique_ptr<int>> ring(2);
    REQUIRE(ring.try_push(std::make_unique<int>(1)));
    REQUIRE(ring.try_push(std::make_unique<int>(2)));
    auto third = std::make_unique<int>(3);
    CHECK_FALSE(ring.try_push(std::move(third)));
    REQUIRE(third != nullptr);
    CHECK(*third == 3);
    REQUIRE(ring.try_pop());
    CHECK(ring.try_push(std::move(third)));
}

TEST_CASE("a ring keeps nothing of what was popped") {
    const auto watched = std::make_shared<int>(1);
    SpscRing<std::shared_ptr<int>> ring(2);
    REQUIRE(ring.try_push(std::shared_ptr<int>(watched)));
    CHECK(watched.use_count() == 2);
    { const auto popped = ring.try_pop(); }
    CHECK(watched.use_count() == 1);
}
