#include "wire/seq.hpp"

#include <catch2/catch.hpp>

using terminus::wire::latest;
using terminus::wire::SeqNum;

TEST_CASE("sequence numbers are ordered across the wrap") {
    const SeqNum last(0xffffffff);
    const SeqNum first(0);
    CHECK(last.before(first));
    CHECK(first.after(last));
    CHECK_FALSE(first.before(last));
    CHECK_FALSE(first.before(first));
    CHECK(first.at_or_before(first));
    CHECK(first.at_or_after(first));
    CHECK(first - last == 1);
    CHECK(last + 1 == first);
    CHECK(first - 1 == last);
    CHECK(latest(first, last) == first);
    CHECK(latest(last, first) == first);
}

TEST_CASE("order holds for distances under 2^31") {
    CHECK(SeqNum(0).before(SeqNum(0x7fffffff)));
    CHECK_FALSE(SeqNum(0x7fffffff).before(SeqNum(0)));
    CHECK(SeqNum(1).after(SeqNum(0x80000002)));
}

TEST_CASE("a window holds its first byte and not the one after its last") {
    const SeqNum start(0xfffffffe);
    CHECK_FALSE(SeqNum(0xfffffffd).in_window(start, 4));
    CHECK(start.in_window(start, 4));
    CHECK(SeqNum(1).in_window(start, 4));
    CHECK_FALSE(SeqNum(2).in_window(start, 4));
    CHECK_FALSE(start.in_window(start, 0));
}
