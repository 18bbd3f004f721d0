#include "neigh/echo.hpp"

#include <catch2/catch.hpp>

#include <vector>

using namespace terminus;
using base::Duration;
using base::Instant;
using neigh::EchoResponder;
using neigh::Interface;
using neigh::LocalAddresses;
using neigh::RateLimit;
using stats::DropReason;
using wire::IpAddress;

namespace {

IpAddress ip(const char* text) {
    return *IpAddress::parse(text);
}

struct Bench {
    explicit Bench(const char* source = "192.0.2.1", const char* destination = "192.0.2.2") {
        locals.add(ip("2001:db8::2"));
        frame.source = ip(source);
        frame.destination = ip(destination);
        frame.destination_mac = {{0x02, 0, 0, 0, 0, 2}};
        const bool v6 = !frame.destination.is_v4();
        const std::uint8_t body[] = {1, 2, 3};
        request.resize(11);
        wire::write_icmp({v6 ? wire::kIcmpv6EchoRequest : wire::kIcmpEchoRequest, 0, 0x12340005},
                         frame.source, frame.destination, body, request);
    }
    base::Result<std::size_t, DropReason> arrives(Instant now = {}) {
        return echo.echo_arrives(frame, request, out, now);
    }

    std::vector<Interface> interfaces{{0, {}, 1500, {*wire::Prefix::parse("192.0.2.2/24")}}};
    LocalAddresses locals{interfaces};
    EchoResponder echo{locals};
    wire::Frame frame;
    std::vector<std::uint8_t> request;
    std::vector<std::uint8_t> out = std::vector<std::uint8_t>(11);
};

}  // namespace

TEST_CASE("an echo request for us is answered with its own identifier, sequence and data") {
    for (const bool v6 : {false, true}) {
        Bench bench(v6 ? "2001:db8::1" : "192.0.2.1", v6 ? "2001:db8::2" : "192.0.2.2");
        const auto length = bench.arrives();
        REQUIRE(length.ok());
        CHECK(length.value() == 11);
        const auto reply = wire::parse_icmp(bench.frame.destination, bench.frame.source, bench.out);
        REQUIRE(reply.ok());
        CHECK(reply.value().kind == wire::IcmpKind::EchoReply);
        CHECK(reply.value().identifier == 0x1234);
        CHECK(reply.value().sequence == 5);
        CHECK(std::vector<std::uint8_t>(bench.out.begin() + 8, bench.out.end()) ==
              std::vector<std::uint8_t>{1, 2, 3});
    }
}

TEST_CASE("an echo request may be answered in its own place") {
    Bench bench;
    const auto length = bench.echo.echo_arrives(bench.frame, bench.request, bench.request, {});
    REQUIRE(length.ok());
    CHECK(wire::parse_icmp(bench.frame.destination, bench.frame.source, bench.request).ok());
}

TEST_CASE("HARDENING 18: an echo request to many is not answered, nor one for somebody else") {
    CHECK(Bench("192.0.2.1", "192.0.2.255").arrives().error() == DropReason::IcmpIgnored);
    CHECK(Bench("192.0.2.1", "255.255.255.255").arrives().error() == DropReason::IcmpIgnored);
    CHECK(Bench("192.0.2.1", "224.0.0.1").arrives().error() == DropReason::IcmpIgnored);
    CHECK(Bench("2001:db8::1", "ff02::1").arrives().error() == DropReason::IcmpIgnored);
    CHECK(Bench("192.0.2.255", "192.0.2.2").arrives().error() == DropReason::IcmpIgnored);
    CHECK(Bench("192.0.2.1", "192.0.2.3").arrives().error() == DropReason::NotForUs);
    Bench by_broadcast;
    by_broadcast.frame.destination_mac = wire::MacAddress::broadcast();
    CHECK(by_broadcast.arrives().error() == DropReason::IcmpIgnored);
    Bench too_long;
    too_long.out.resize(10);
    CHECK(too_long.arrives().error() == DropReason::IcmpIgnored);
}

TEST_CASE("HARDENING 18: echo replies are limited to a burst, and then to one an interval") {
    Bench bench;
    for (std::uint32_t i = 0; i < EchoResponder::kBurst; ++i)
        REQUIRE(bench.arrives().ok());
    CHECK(bench.arrives().error() == DropReason::IcmpIgnored);
    CHECK_FALSE(bench.arrives(Instant{Duration(999'999)}).ok());
    CHECK(bench.arrives(Instant{Duration(1'000'000)}).ok());
    CHECK_FALSE(bench.arrives(Instant{Duration(1'000'000)}).ok());
}

TEST_CASE("a rate of zero allows nothing, and a rest refills no more than the burst") {
    CHECK_FALSE(RateLimit(0, 10).allow({}));
    RateLimit limit(1000, 2);
    const Instant later{std::chrono::hours(1)};
    CHECK(limit.allow({}));
    CHECK(limit.allow(later));
    CHECK(limit.allow(later));
    CHECK_FALSE(limit.allow(later));
}
