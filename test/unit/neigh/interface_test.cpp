#include "neigh/interface.hpp"

#include <catch2/catch.hpp>

using namespace terminus;
using neigh::Interface;
using neigh::kEveryPort;
using neigh::LocalAddresses;
using wire::IpAddress;
using wire::Prefix;

namespace {
IpAddress ip(const char* text) {
    return *IpAddress::parse(text);
}
std::vector<Interface> two_ports() {
    Interface first{0, {}, 1500, {*Prefix::parse("192.0.2.2/24"), *Prefix::parse("2001:db8::2/64")}};
    Interface second{1, {}, 1500, {*Prefix::parse("10.0.0.2/31")}};
    return {first, second};
}
}  // namespace

TEST_CASE("interface addresses are ours on their port, added ones everywhere") {
    LocalAddresses locals(two_ports());
    CHECK(locals.size() == 3);
    CHECK(locals.is_local_on(ip("192.0.2.2"), 0));
    CHECK_FALSE(locals.is_local_on(ip("192.0.2.2"), 1));
    CHECK(locals.find(ip("192.0.2.2")));
    CHECK_FALSE(locals.find(ip("192.0.2.3")));
    const auto vip = locals.add(ip("203.0.113.1"));
    REQUIRE(vip);
    CHECK(locals.is_local_on(ip("203.0.113.1"), 0));
    CHECK(locals.is_local_on(ip("203.0.113.1"), 1));
    CHECK(locals.port(*vip) == kEveryPort);
}

TEST_CASE("an id names its address for ever, through removal, additions and return") {
    LocalAddresses locals(two_ports());
    const auto vip = locals.add(ip("203.0.113.9"));
    REQUIRE(vip);
    locals.remove(*vip);
    CHECK_FALSE(locals.find(ip("203.0.113.9")));
    CHECK_FALSE(locals.is_active(*vip));
    CHECK(locals.address(*vip) == ip("203.0.113.9"));
    REQUIRE(locals.add(ip("203.0.113.1")));
    REQUIRE(locals.add(ip("1.0.0.1")));
    CHECK(locals.address(*vip) == ip("203.0.113.9"));
    CHECK(locals.add(ip("203.0.113.9")) == vip);
    CHECK(locals.find(ip("203.0.113.9")) == vip);
    CHECK(locals.find(ip("1.0.0.1")) != locals.find(ip("203.0.113.1")));
}

TEST_CASE("HARDENING 26: addresses beyond the capacity are refused, known ones are not") {
    LocalAddresses locals({}, 2);
    REQUIRE(locals.add(ip("192.0.2.1")));
    REQUIRE(locals.add(ip("192.0.2.2")));
    CHECK_FALSE(locals.add(ip("192.0.2.3")));
    CHECK(locals.add(ip("192.0.2.2")));
}

TEST_CASE("directed broadcasts are those of our networks that have one") {
    LocalAddresses locals(two_ports());
    CHECK(locals.is_directed_broadcast(ip("192.0.2.255")));
    CHECK_FALSE(locals.is_directed_broadcast(ip("192.0.2.254")));
    CHECK_FALSE(locals.is_directed_broadcast(ip("10.0.0.3")));
    CHECK_FALSE(locals.is_directed_broadcast(ip("192.0.3.255")));
}
