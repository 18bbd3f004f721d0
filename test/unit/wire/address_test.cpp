#include "wire/address.hpp"

#include <catch2/catch.hpp>

using terminus::wire::Endpoint;
using terminus::wire::IpAddress;
using terminus::wire::MacAddress;
using terminus::wire::Prefix;

namespace {
std::string round_trip(const char* text) {
    const auto address = IpAddress::parse(text);
    return address ? address->to_string() : "refused";
}
}  // namespace

TEST_CASE("addresses of both families are read and written in RFC 5952's form") {
    CHECK(round_trip("192.0.2.1") == "192.0.2.1");
    CHECK(round_trip("0.0.0.0") == "0.0.0.0");
    CHECK(round_trip("255.255.255.255") == "255.255.255.255");
    CHECK(round_trip("2001:0db8::0001") == "2001:db8::1");
    CHECK(round_trip("::") == "::");
    CHECK(round_trip("::1") == "::1");
    CHECK(round_trip("fe80::") == "fe80::");
    CHECK(round_trip("2001:DB8:0:0:1:0:0:1") == "2001:db8::1:0:0:1");    // 4.2.3: the first of equal runs
    CHECK(round_trip("2001:0:0:1:0:0:0:1") == "2001:0:0:1::1");          // 4.2.3: the longest run
    CHECK(round_trip("2001:db8::1:1:1:1:1") == "2001:db8:0:1:1:1:1:1");  // 4.2.2: a single group stays
    CHECK(round_trip("1:2:3:4:5:6:7:8") == "1:2:3:4:5:6:7:8");
    CHECK(round_trip("1:0:0:4:5:6:0:0") == "1::4:5:6:0:0");
}

TEST_CASE("what is not exactly an address is refused") {
    for (const char* text :
         {"", "192.0.2", "192.0.2.256", "192.0.2.1.", "192.0.2.1/24", " 192.0.2.1", "192.0.02.1x",
          "fe80::1%eth0", "[::1]", ":::", "1:2:3:4:5:6:7:8:9", "12345::", "host", "::ffff:192.0.2.1",
          "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"}) {
        INFO(text);
        CHECK_FALSE(IpAddress::parse(text));
    }
    using namespace std::string_view_literals;
    CHECK_FALSE(IpAddress::parse("192.0.2.1\0x"sv));
}

TEST_CASE("an IPv4 address knows its family and its four bytes") {
    const auto address = IpAddress::v4(192, 0, 2, 1);
    CHECK(address.is_v4());
    CHECK(address.v4_host_order() == 0xc0000201);
    REQUIRE(address.wire_bytes().size() == 4);
    CHECK(address.wire_bytes()[3] == 1);
    CHECK_FALSE(IpAddress::parse("2001:db8::1")->is_v4());
    CHECK(IpAddress::parse("2001:db8::1")->wire_bytes().size() == 16);
    CHECK_FALSE(IpAddress{}.is_v4());
}

TEST_CASE("the kinds of address are told apart at their borders") {
    const auto is = [](const char* text, bool (IpAddress::*predicate)() const) {
        return ((*IpAddress::parse(text)).*predicate)();
    };
    CHECK_FALSE(is("223.255.255.255", &IpAddress::is_multicast));
    CHECK(is("224.0.0.0", &IpAddress::is_multicast));
    CHECK(is("239.255.255.255", &IpAddress::is_multicast));
    CHECK_FALSE(is("240.0.0.0", &IpAddress::is_multicast));
    CHECK(is("ff00::", &IpAddress::is_multicast));
    CHECK_FALSE(is("fe00::", &IpAddress::is_multicast));
    CHECK_FALSE(is("126.255.255.255", &IpAddress::is_loopback));
    CHECK(is("127.0.0.0", &IpAddress::is_loopback));
    CHECK(is("127.255.255.255", &IpAddress::is_loopback));
    CHECK_FALSE(is("128.0.0.0", &IpAddress::is_loopback));
    CHECK(is("::1", &IpAddress::is_loopback));
    CHECK_FALSE(is("::2", &IpAddress::is_loopback));
    CHECK(is("0.0.0.0", &IpAddress::is_unspecified));
    CHECK_FALSE(is("0.0.0.1", &IpAddress::is_unspecified));
    CHECK(is("::", &IpAddress::is_unspecified));
    CHECK_FALSE(is("::1", &IpAddress::is_unspecified));
    CHECK(is("169.254.0.1", &IpAddress::is_link_local));
    CHECK_FALSE(is("169.253.0.1", &IpAddress::is_link_local));
    CHECK(is("fe80::1", &IpAddress::is_link_local));
    CHECK(is("febf::1", &IpAddress::is_link_local));
    CHECK_FALSE(is("fec0::1", &IpAddress::is_link_local));
    CHECK(is("255.255.255.255", &IpAddress::is_limited_broadcast));
    CHECK_FALSE(is("255.255.255.254", &IpAddress::is_limited_broadcast));
}

TEST_CASE("a prefix holds the addresses that share its bits, and no other family's") {
    const auto contains = [](const char* prefix, const char* address) {
        return Prefix::parse(prefix)->contains(*IpAddress::parse(address));
    };
    CHECK(contains("192.0.2.0/24", "192.0.2.255"));
    CHECK_FALSE(contains("192.0.2.0/24", "192.0.3.0"));
    CHECK(contains("192.0.2.130/25", "192.0.2.128"));  // host bits as written
    CHECK_FALSE(contains("192.0.2.130/25", "192.0.2.127"));
    CHECK(contains("192.0.2.1/32", "192.0.2.1"));
    CHECK_FALSE(contains("192.0.2.1/32", "192.0.2.0"));
    CHECK(contains("0.0.0.0/0", "255.255.255.255"));
    CHECK_FALSE(contains("0.0.0.0/0", "::1"));
    CHECK_FALSE(contains("::/0", "192.0.2.1"));
    CHECK(contains("::/0", "2001:db8::1"));
    CHECK(contains("2001:db8::/33", "2001:db8:7fff::1"));
    CHECK_FALSE(contains("2001:db8::/33", "2001:db8:8000::1"));
    CHECK(contains("2001:db8::1/128", "2001:db8::1"));
    CHECK_FALSE(contains("2001:db8::1/128", "2001:db8::"));
    CHECK(contains("2001:db8:0:2::/63", "2001:db8:0:3::"));
    CHECK_FALSE(contains("2001:db8:0:2::/63", "2001:db8:0:4::"));
    CHECK(contains("2001:db8:0:2::/64", "2001:db8:0:2:ffff::"));
    CHECK_FALSE(contains("2001:db8:0:2::/64", "2001:db8:0:3::"));
    CHECK(contains("2001:db8:0:2::/65", "2001:db8:0:2:7fff::"));
    CHECK_FALSE(contains("2001:db8:0:2::/65", "2001:db8:0:2:8000::"));
    CHECK_FALSE(contains("2001:db8:0:2::/65", "2001:db8:0:3::"));
}

TEST_CASE("addresses are in the order of their bytes") {
    const char* const ascending[] = {"::",         "::1",           "::ff:0:0:0", "0.0.0.1",
                                     "0.0.1.0",    "1.0.0.0",       "255.0.0.0",  "::1:0:0:0:0",
                                     "2001:db8::", "2001:db8::1:0", "fe80::",     "ff00::"};
    for (const char* const first : ascending) {
        for (const char* const second : ascending) {
            const auto a = *IpAddress::parse(first);
            const auto b = *IpAddress::parse(second);
            CHECK((a == b) == (a.bytes() == b.bytes()));
            CHECK((a < b) == (a.bytes() < b.bytes()));
            CHECK((a > b) == (a.bytes() > b.bytes()));
        }
    }
}

TEST_CASE("a prefix is read and written, and refused when it is malformed or too long for its family") {
    CHECK(Prefix::parse("192.0.2.1/24")->to_string() == "192.0.2.1/24");
    CHECK(Prefix::parse("2001:db8::/0")->bits == 0);
    CHECK(Prefix::parse("192.0.2.0/32"));
    CHECK(Prefix::parse("2001:db8::/128"));
    for (const char* text :
         {"192.0.2.0", "192.0.2.0/", "192.0.2.0/33", "2001:db8::/129", "192.0.2.0/-1", "192.0.2.0/+1",
          "192.0.2.0/08", "192.0.2.0/24 ", "/24", "192.0.2.0/2/4", "::/256"}) {
        INFO(text);
        CHECK_FALSE(Prefix::parse(text));
    }
}

TEST_CASE("the directed broadcast is the last address of an IPv4 network that has room for one") {
    CHECK(Prefix::parse("192.0.2.1/24")->directed_broadcast() == IpAddress::v4(192, 0, 2, 255));
    CHECK(Prefix::parse("192.0.2.1/30")->directed_broadcast() == IpAddress::v4(192, 0, 2, 3));
    CHECK_FALSE(Prefix::parse("192.0.2.0/31")->directed_broadcast());  // RFC 3021
    CHECK_FALSE(Prefix::parse("192.0.2.0/32")->directed_broadcast());
    CHECK_FALSE(Prefix::parse("2001:db8::/64")->directed_broadcast());
    CHECK(Prefix::parse("0.0.0.0/0")->directed_broadcast() == IpAddress::v4(255, 255, 255, 255));
}

TEST_CASE("endpoints and Ethernet addresses are written as people write them") {
    CHECK(Endpoint{IpAddress::v4(192, 0, 2, 1), 80}.to_string() == "192.0.2.1:80");
    CHECK(Endpoint{*IpAddress::parse("2001:db8::1"), 65535}.to_string() == "[2001:db8::1]:65535");
    CHECK(to_string(MacAddress{{0x02, 0, 0, 0xab, 0xcd, 0xef}}) == "02:00:00:ab:cd:ef");
    CHECK(MacAddress::broadcast().is_group());
    CHECK_FALSE(MacAddress{{0x02, 0, 0, 0, 0, 1}}.is_group());
    CHECK(MacAddress{}.is_zero());
}
