#include "base/fixed_vector.hpp"

#include <catch2/catch.hpp>
#include <memory>

using terminus::base::FixedVector;

TEST_CASE("a fixed vector grows to its bound and says when it is full") {
    FixedVector<int, 3> vector;
    CHECK(vector.empty());
    CHECK(vector.capacity() == 3);
    for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(vector.full());
        vector.push_back(10 + i);
        CHECK(vector.size() == static_cast<std::size_t>(i) + 1);
    }
    CHECK(vector.full());
    CHECK(vector[0] == 10);
    CHECK(vector[2] == 12);
    vector[1] = 99;
    CHECK(vector.data()[1] == 99);
    int sum = 0;
    for (const int value : vector)
        sum += value;
    CHECK(sum == 10 + 99 + 12);
}

TEST_CASE("what leaves a fixed vector is destroyed at once, not when its place is reused") {
    const auto watched = std::make_shared<int>(1);
    FixedVector<std::shared_ptr<int>, 4> vector;
    vector.push_back(watched);
    vector.push_back(watched);
    vector.push_back(watched);
    CHECK(watched.use_count() == 4);
    vector.pop_back();
    CHECK(watched.use_count() == 3);
    CHECK(vector.size() == 2);
    vector.clear();
    CHECK(watched.use_count() == 1);
    CHECK(vector.empty());
}

TEST_CASE("a fixed vector holds what can only be moved") {
    FixedVector<std::unique_ptr<int>, 2> vector;
    vector.push_back(std::make_unique<int>(5));
    FixedVector<std::unique_ptr<int>, 2> moved = std::move(vector);
    REQUIRE(moved.size() == 1);
    CHECK(*moved[0] == 5);
}
