#include "base/time.hpp"

#include <catch2/catch.hpp>

using namespace terminus::base;

TEST_CASE("instants are nanoseconds and never is later than all of them") {
    CHECK(instant_from_ns(5).time_since_epoch() == 5ns);
    CHECK(instant_from_ns(0) + 1s == instant_from_ns(1'000'000'000));
    CHECK(instant_from_ns(INT64_MAX - 1) < kNever);
    CHECK(Instant{} < instant_from_ns(1));
}
