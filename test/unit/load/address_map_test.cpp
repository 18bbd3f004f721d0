#include "load/address_map.hpp"

#include <catch2/catch.hpp>

namespace terminus::load {
namespace {

wire::IpAddress address(const char* text) {
    return *wire::IpAddress::parse(text);
}

TEST_CASE("every connection has a number of its own, and the number gives the connection back") {
    const AddressMap map({address("192.0.2.250"), 10}, {1024, 7}, {address("198.51.100.1"), 3}, {80, 2});
    REQUIRE(map.size() == 10 * 7 * 3 * 2);
    for (std::uint32_t index = 0; index < map.size(); ++index) {
        const Tuple tuple = map.tuple_of(index);
        REQUIRE(map.index_of(tuple) == index);
    }
    const Tuple last = map.tuple_of(map.size() - 1);
    CHECK(last.local == AddressRange::low(address("192.0.3.3")));
    CHECK(last.local_port == 1030);
    CHECK(last.remote == AddressRange::low(address("198.51.100.3")));
    CHECK(last.remote_port == 81);
}

TEST_CASE("what is outside of any range has no number") {
    const AddressMap map({address("2001:db8::10"), 2}, {1024, 4}, {address("2001:db8::1"), 1}, {80, 1});
    const Tuple good = map.tuple_of(0);
    for (const int spoilt : {0, 1, 2, 3, 4, 5, 6, 7}) {
        Tuple tuple = good;
        switch (spoilt) {
            case 0:
                tuple.local -= 1;
                break;
            case 1:
                tuple.local += 2;
                break;
            case 2:
                tuple.local_port = 1023;
                break;
            case 3:
                tuple.local_port = 1028;
                break;
            case 4:
                tuple.remote -= 1;
                break;
            case 5:
                tuple.remote += 1;
                break;
            case 6:
                tuple.remote_port = 79;
                break;
            default:
                tuple.remote_port = 81;
                break;
        }
        CAPTURE(spoilt);
        CHECK(map.index_of(tuple) == AddressMap::kNone);
    }
}

TEST_CASE("the last port and the last address may be in a range, and nothing beyond them") {
    CHECK(PortRange{65535, 1}.is_valid());
    CHECK_FALSE(PortRange{65535, 2}.is_valid());
    CHECK_FALSE(PortRange{0, 1}.is_valid());
    CHECK_FALSE(PortRange{80, 0}.is_valid());
    CHECK(AddressRange{address("255.255.255.254"), 2}.is_valid());
    CHECK_FALSE(AddressRange{address("255.255.255.254"), 3}.is_valid());
    CHECK_FALSE(AddressRange{address("192.0.2.1"), 0}.is_valid());
}

TEST_CASE("a range holds the addresses of its prefix and its length") {
    const AddressRange range{address("2001:db8::ff"), 2};
    CHECK(range.contains(address("2001:db8::ff")));
    CHECK(range.contains(address("2001:db8::100")));
    CHECK_FALSE(range.contains(address("2001:db8::101")));
    CHECK_FALSE(range.contains(address("2001:db8::fe")));
    CHECK_FALSE(range.contains(address("2001:db8:0:1::ff")));
    CHECK_FALSE(range.contains(address("0.0.0.255")));
    CHECK(AddressRange{address("192.0.2.1"), 1}.with_low(AddressRange::low(address("10.0.0.9"))) ==
          address("10.0.0.9"));
}

}  // namespace
}  // namespace terminus::load
