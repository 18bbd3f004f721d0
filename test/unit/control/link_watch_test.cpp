#include "control/link_watch.hpp"

#include <catch2/catch.hpp>

using namespace terminus;
using control::PortReading;

TEST_CASE("a link that goes or comes back is told once, and one that was never up at the first look") {
    control::LinkWatch watch;
    const auto changes = [&](bool front, bool back) {
        std::string told;
        for (const auto& change :
             watch.look({{.name = "front", .is_up = front}, {.name = "back", .is_up = back}}))
            told += change.port + (change.is_up ? " up " : " down ");
        return told;
    };
    CHECK(changes(true, false) == "back down ");
    CHECK(changes(true, false).empty());
    CHECK(changes(false, true) == "front down back up ");
    CHECK(changes(true, true) == "front up ");
}

TEST_CASE("nothing more is told of the link of a port whose device was removed") {
    control::LinkWatch watch;
    REQUIRE(watch.look({{.name = "front", .is_up = true}}).empty());
    REQUIRE(watch.look({{.name = "front", .is_up = false, .is_removed = true}}).empty());
}
