#include "proxy/by_id.hpp"

#include <catch2/catch.hpp>

namespace terminus::proxy {
namespace {

TEST_CASE("an entry is made once and is found by its id from then on") {
    ById<int> table;
    REQUIRE(table.find(7) == nullptr);
    REQUIRE(table.get_or_make(7, 42) == 42);
    REQUIRE(table.get_or_make(7, 99) == 42);
    REQUIRE(*table.find(7) == 42);
    REQUIRE(table.find(6) == nullptr);
    REQUIRE(table.find(8) == nullptr);
}

TEST_CASE("the first and the last id have places of their own") {
    ById<int> table;
    table.get_or_make(0, 1);
    table.get_or_make(UINT16_MAX, 2);
    REQUIRE(*table.find(0) == 1);
    REQUIRE(*table.find(UINT16_MAX) == 2);
}

}  // namespace
}  // namespace terminus::proxy
