#include "neigh/routes.hpp"

#include <catch2/catch.hpp>

using namespace terminus;
using neigh::NextHop;
using neigh::Route;
using neigh::RouteTable;
using wire::IpAddress;
using wire::Prefix;

namespace {
IpAddress ip(const char* text) {
    return *IpAddress::parse(text);
}
Prefix net(const char* text) {
    return *Prefix::parse(text);
}
}  // namespace

TEST_CASE("the longest prefix that holds the destination decides, whatever the order of the config") {
    const Route routes[] = {
        {net("0.0.0.0/0"), ip("192.0.2.254"), 0},
        {net("10.0.0.0/8"), ip("192.0.2.10"), 1},
        {net("10.1.0.0/16"), std::nullopt, 2},
    };
    const RouteTable table(routes);
    CHECK(table.size() == 3);
    CHECK(table.lookup(ip("10.1.2.3")) == NextHop{ip("10.1.2.3"), 2});
    CHECK(table.lookup(ip("10.2.0.0")) == NextHop{ip("192.0.2.10"), 1});
    CHECK(table.lookup(ip("11.0.0.0")) == NextHop{ip("192.0.2.254"), 0});
}

TEST_CASE("a default route of one family is none for the other") {
    const Route routes[] = {{net("::/0"), ip("fe80::1"), 3}};
    const RouteTable table(routes);
    CHECK(table.lookup(ip("2001:db8::1")) == NextHop{ip("fe80::1"), 3});
    CHECK_FALSE(table.lookup(ip("192.0.2.1")));
}

TEST_CASE("of two routes with one prefix the first counts, and without a route there is no next hop") {
    const Route routes[] = {{net("192.0.2.0/24"), std::nullopt, 1}, {net("192.0.2.0/24"), std::nullopt, 2}};
    const RouteTable table(routes);
    CHECK(table.lookup(ip("192.0.2.255"))->port == 1);
    CHECK_FALSE(table.lookup(ip("192.0.3.0")));
    CHECK_FALSE(RouteTable({}).lookup(ip("192.0.2.1")));
}
