#include "tcp/environment.hpp"

#include <catch2/catch.hpp>
#include <set>

using namespace terminus;
using namespace std::chrono_literals;

namespace {
wire::FourTuple tuple(std::uint16_t remote_port) {
    return {{wire::IpAddress::v4(192, 0, 2, 1), 80}, {wire::IpAddress::v4(198, 51, 100, 7), remote_port}};
}
}  // namespace

// RFC 6528 3, RFC 9293 MUST-8.
TEST_CASE("HARDENING 11: the initial sequence number of one 4-tuple moves forward by one every 4 us") {
    const auto secrets = tcp::Secrets::from_seed(1);
    const base::Instant start{100h};
    const auto first = tcp::initial_sequence(secrets, tuple(40000), start);
    CHECK(tcp::initial_sequence(secrets, tuple(40000), start + 3999ns) == first);
    CHECK(tcp::initial_sequence(secrets, tuple(40000), start + 4us) == first + 1);
    CHECK(tcp::initial_sequence(secrets, tuple(40000), start + 1s) == first + 250'000);
    // The clock wraps after 2^32 ticks and nothing breaks.
    CHECK(tcp::initial_sequence(secrets, tuple(40000), start + 4us * (1ll << 32)) == first);
}

// RFC 9293 3.4.1, SHLD-1, MUST-9, HARDENING 11.
TEST_CASE("HARDENING 11: another 4-tuple or another secret gives an unrelated number") {
    const auto secrets = tcp::Secrets::from_seed(1);
    const base::Instant start{100h};
    const auto first = tcp::initial_sequence(secrets, tuple(40000), start);
    const auto neighbour = tcp::initial_sequence(secrets, tuple(40001), start);
    const auto stranger = tcp::initial_sequence(tcp::Secrets::from_seed(2), tuple(40000), start);
    CHECK(neighbour - first > 1000);
    CHECK(first - neighbour > 1000);
    CHECK(stranger != first);
    auto swapped = tuple(40000);
    std::swap(swapped.local, swapped.remote);
    CHECK(tcp::initial_sequence(secrets, swapped, start) != first);
}

// RFC 6437 3.
TEST_CASE("a flow label is the 4-tuple's own, 20 bits and never 0, and follows from no other") {
    const auto secrets = tcp::Secrets::from_seed(1);
    CHECK(tcp::flow_label(secrets, tuple(40000)) == tcp::flow_label(secrets, tuple(40000)));
    CHECK(tcp::flow_label(secrets, tuple(40000)) !=
          tcp::flow_label(tcp::Secrets::from_seed(2), tuple(40000)));
    std::set<std::uint32_t> labels;
    std::uint32_t all = 0;
    for (std::uint16_t port = 1024; port < 3024; ++port) {
        const std::uint32_t label = tcp::flow_label(secrets, tuple(port));
        CHECK(label > 0);
        CHECK(label < 1u << 20);
        labels.insert(label);
        all |= label;
    }
    CHECK(labels.size() > 1980);  // two of 2000 meet about twice in a million
    CHECK(all == (1u << 20) - 1);
}

TEST_CASE(
    "HARDENING 11, 29: the timestamp clock counts milliseconds from an offset that depends on the 4-tuple") {
    const auto secrets = tcp::Secrets::from_seed(1);
    const auto offset = tcp::timestamp_offset(secrets, tuple(40000));
    CHECK(offset == tcp::timestamp_offset(secrets, tuple(40000)));
    CHECK(offset != tcp::timestamp_offset(secrets, tuple(40001)));
    const base::Instant start{100h};
    const auto value = tcp::timestamp_value(start, offset);
    CHECK(tcp::timestamp_value(start + 999'999ns, offset) == value);
    CHECK(tcp::timestamp_value(start + 1ms, offset) == value + 1);
    CHECK(tcp::timestamp_value(start + 1ms * (1ll << 32), offset) == value);  // 49.7 days: HARDENING 29
}
