#include "stack/profiles.hpp"

#include <catch2/catch.hpp>

using namespace terminus;
using namespace std::chrono_literals;

TEST_CASE("a profile has what it overrides and follows the process in everything else") {
    tcp::Tunables process;
    process.keepalive_time = 100s;
    stack::Profiles profiles(process, 2);
    profiles.set(1, {.keepalive_time = 5s, .mss_max = std::uint16_t{1000}});
    REQUIRE(profiles.tunables(1).keepalive_time == 5s);
    REQUIRE(profiles.tunables(2).keepalive_time == 100s);

    process.keepalive_time = 50s;
    process.retries2 = 3;
    profiles.set_process(process);
    REQUIRE(profiles.tunables(stack::kProcessProfile).keepalive_time == 50s);
    REQUIRE(profiles.tunables(1).keepalive_time == 5s);
    REQUIRE(profiles.tunables(1).retries2 == 3);
    REQUIRE(profiles.tunables(2).keepalive_time == 50s);
}

// RFC 9293 3.7.3, SHLD-6.
TEST_CASE("a profile's MSS lowers the path's and never raises it") {
    stack::Profiles profiles({}, 1);
    profiles.set(1, {.mss_max = std::uint16_t{1000}});
    REQUIRE(profiles.mss_within(1460, 1) == 1000);
    REQUIRE(profiles.mss_within(999, 1) == 999);
    REQUIRE(profiles.mss_within(1460, stack::kProcessProfile) == 1460);
}
