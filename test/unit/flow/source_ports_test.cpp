#include "flow/source_ports.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "support/archived.hpp"

using terminus::base::Rng;
using terminus::flow::PortBuckets;
using terminus::flow::PortRange;
using terminus::flow::RssConfig;
using terminus::flow::SourcePorts;
using terminus::flow::Steering;
using terminus::wire::Endpoint;
using terminus::wire::IpAddress;

namespace {

struct Leg {
    IpAddress source;
    Endpoint backend;
};

Leg leg(bool is_v4) {
    if (is_v4) return {IpAddress::v4(10, 0, 0, 1), {IpAddress::v4(10, 0, 1, 2), 8080}};
    return {IpAddress::v6({0x20, 1, 0x0d, 0xb8, 1}), {IpAddress::v6({0x20, 1, 0x0d, 0xb8, 2}), 8080}};
}

// A device of `entries` with random key and redirection table, each queue its own worker.
Steering random_steering(Rng& rng, std::uint32_t entries, std::uint16_t queues) {
    RssConfig rss;
    rss.queues = queues;
    for (int i = 0; i < 52; ++i)
        rss.key.push_back(static_cast<std::uint8_t>(rng.next()));
    for (std::uint32_t i = 0; i < entries; ++i)
        rss.reta.push_back(static_cast<std::uint16_t>(rng.below(queues)));
    std::vector<std::uint16_t> workers;
    for (std::uint16_t i = 0; i < queues; ++i)
        workers.push_back(i);
    return Steering(rss, workers, queues);
}

std::set<std::uint16_t> allocate_all(SourcePorts& ports, const Leg& leg, Rng& rng) {
    std::set<std::uint16_t> taken;
    while (const auto port = ports.allocate(0, leg.source, leg.backend, rng))
        REQUIRE(taken.insert(*port).second);
    return taken;
}

}  // namespace

TEST_CASE("all ports lie in buckets by what they add to the index") {
    Rng rng(1);
    for (const bool is_v4 : {true, false}) {
        const Steering steering = random_steering(rng, 128, 2);
        const PortBuckets buckets(steering, is_v4, {});
        REQUIRE(buckets.count() == 128);
        std::uint32_t seen = 0;
        for (std::uint32_t bucket = 0; bucket < 128; ++bucket) {
            // 512 of the 65536 for a key that tells all ports' low seven index bits apart; of the 1024
            // below the range 8 are missed, or for about one key in fifteen none or sixteen.
            CHECK(buckets.size(bucket) >= 496);
            CHECK(buckets.size(bucket) <= 512);
            for (std::uint32_t rank = 0; rank < buckets.size(bucket); ++rank) {
                const std::uint16_t port = buckets.port(bucket, rank);
                REQUIRE(buckets.bucket_of(port) == bucket);
                REQUIRE(buckets.rank_of(port) == rank);
                REQUIRE(buckets.contains(port));
                ++seen;
            }
        }
        CHECK(seen == 64512);
        CHECK(buckets.words() == 128 * 8);
        CHECK_FALSE(buckets.contains(1023));
    }
}

TEST_CASE("workers' ports are their own, disjoint, and together all of them") {
    Rng rng(2);
    for (const bool is_v4 : {true, false}) {
        for (const std::uint32_t entries : {64u, 128u, 2048u}) {
            CAPTURE(is_v4, entries);
            const Steering steering = random_steering(rng, entries, 3);
            const Leg to = leg(is_v4);
            std::set<std::uint16_t> all;
            for (std::uint16_t worker = 0; worker < 3; ++worker) {
                SourcePorts ports(steering, worker, 4);
                const auto total = ports.total(to.source, to.backend);
                const auto taken = allocate_all(ports, to, rng);
                CHECK(taken.size() == total);
                CHECK(ports.used() == total);
                CHECK(ports.available(0, to.source, to.backend) == 0);
                for (const std::uint16_t port : taken) {
                    REQUIRE(steering.owner({.local = {to.source, port}, .remote = to.backend}) == worker);
                    REQUIRE(all.insert(port).second);
                }
            }
            CHECK(all.size() == 64512);
            CHECK(*all.begin() == 1024);
        }
    }
}

TEST_CASE("a device with one queue has its ports divided by software steering") {
    Rng rng(3);
    const Steering steering(RssConfig{}, {}, 2);
    const Leg to = leg(true);
    std::set<std::uint16_t> all;
    for (std::uint16_t worker = 0; worker < 2; ++worker) {
        SourcePorts ports(steering, worker, 1);
        const auto taken = allocate_all(ports, to, rng);
        CHECK(taken.size() == 64512 / 2);
        for (const std::uint16_t port : taken) {
            REQUIRE(steering.owner({.local = {to.source, port}, .remote = to.backend}) == worker);
        }
        all.insert(taken.begin(), taken.end());
    }
    CHECK(all.size() == 64512);
}

TEST_CASE("a configured range is kept to its ends") {
    Rng rng(4);
    const Steering steering;
    SourcePorts ports(steering, 0, 1, PortRange{40000, 40009});
    const auto taken = allocate_all(ports, leg(true), rng);
    CHECK(taken.size() == 10);
    CHECK(*taken.begin() == 40000);
    CHECK(*taken.rbegin() == 40009);
}

TEST_CASE("an exhausted pair recovers by one release, and another pair is not concerned") {
    Rng rng(5);
    const Steering steering = random_steering(rng, 128, 2);
    SourcePorts ports(steering, 1, 8);
    const Leg to = leg(true);
    const auto taken = allocate_all(ports, to, rng);
    REQUIRE(taken.size() > 1);
    CHECK_FALSE(ports.allocate(0, to.source, to.backend, rng));

    Endpoint other = to.backend;
    other.port = 8081;
    const auto elsewhere = ports.allocate(0, to.source, other, rng);
    REQUIRE(elsewhere);
    CHECK(ports.allocate(1, IpAddress::v4(10, 0, 0, 9), to.backend, rng));
    CHECK(ports.pairs() == 3);

    const std::uint16_t returned = *std::next(taken.begin(), static_cast<long>(taken.size() / 2));
    ports.release(0, to.backend, returned);
    CHECK(ports.available(0, to.source, to.backend) == 1);
    CHECK(ports.allocate(0, to.source, to.backend, rng) == returned);
    CHECK_FALSE(ports.allocate(0, to.source, to.backend, rng));

    for (const std::uint16_t port : taken)
        ports.release(0, to.backend, port);
    CHECK(ports.used() == 2);
    CHECK(ports.pairs() == 2);
    CHECK(ports.available(0, to.source, to.backend) == taken.size());
    ports.release(0, other, *elsewhere);
    CHECK(ports.used() == 1);
}

TEST_CASE("pairs beyond the limit are refused until another's last port is back") {
    Rng rng(6);
    const Steering steering;
    SourcePorts ports(steering, 0, 2);
    Leg to = leg(true);
    std::uint16_t port_of_first = 0;
    for (std::uint16_t i = 0; i < 3; ++i) {
        to.backend.port = static_cast<std::uint16_t>(100 + i);
        const auto port = ports.allocate(0, to.source, to.backend, rng);
        CHECK(port.has_value() == (i < 2));
        if (i == 0) port_of_first = *port;
    }
    to.backend.port = 100;
    ports.release(0, to.backend, port_of_first);
    to.backend.port = 102;
    CHECK(ports.allocate(0, to.source, to.backend, rng));
    CHECK(ports.pairs() == 2);
}

TEST_CASE("a caller may reject ports: each is offered once, and the offers end") {
    Rng rng(7);
    const Steering steering;
    const Leg to = leg(true);
    SourcePorts few(steering, 0, 1, PortRange{5000, 5019});
    std::set<std::uint16_t> offered;
    CHECK_FALSE(few.allocate_if(0, to.source, to.backend, rng,
                                [&](std::uint16_t port) {
                                    REQUIRE(offered.insert(port).second);
                                    return false;
                                })
                    .has_value());
    CHECK(offered.size() == 20);
    CHECK(few.used() == 0);
    CHECK(few.pairs() == 0);
    const auto odd =
        few.allocate_if(0, to.source, to.backend, rng, [](std::uint16_t port) { return port == 5007; });
    CHECK(odd == 5007);
    CHECK(few.used() == 1);

    SourcePorts many(steering, 0, 1);
    std::uint32_t offers = 0;
    CHECK_FALSE(many.allocate_if(0, to.source, to.backend, rng,
                                 [&](std::uint16_t) {
                                     ++offers;
                                     return false;
                                 })
                    .has_value());
    CHECK(offers == SourcePorts::kOffersMax);
}

// RFC 6056 2.2 and HARDENING 17: the next port doesn't follow from the last.
TEST_CASE("HARDENING 17: ports are drawn at random and repeat for a seed") {
    const Steering steering;
    const Leg to = leg(true);
    const auto draw = [&](std::uint64_t seed) {
        Rng rng(seed);
        SourcePorts ports(steering, 0, 1);
        std::vector<std::uint16_t> drawn;
        for (int i = 0; i < 500; ++i)
            drawn.push_back(*ports.allocate(0, to.source, to.backend, rng));
        return drawn;
    };
    const auto first = draw(1);
    CHECK(first == draw(1));
    CHECK(first != draw(2));
    int neighbours = 0;
    int upper_half = 0;
    for (std::size_t i = 1; i < first.size(); ++i) {
        neighbours += std::abs(first[i] - first[i - 1]) <= 16 ? 1 : 0;
        upper_half += first[i] >= 33280 ? 1 : 0;
    }
    CHECK(neighbours < 10);
    CHECK(upper_half > 200);
    CHECK(upper_half < 300);
}

TEST_CASE("a worker that owns no entry has no ports") {
    Rng rng(8);
    RssConfig rss{{}, std::vector<std::uint16_t>(64, 0), 2};
    const Steering steering(rss, {0, 1}, 2);
    SourcePorts ports(steering, 1, 4);
    const Leg to = leg(false);
    CHECK(ports.total(to.source, to.backend) == 0);
    CHECK_FALSE(ports.allocate(0, to.source, to.backend, rng));
    CHECK(ports.pairs() == 0);
}

TEST_CASE("source ports copied by their bytes are given out and taken back as the others are") {
    Rng rng(3);
    const Steering steering = random_steering(rng, 128, 2);
    SourcePorts ports(steering, 1, 4);
    std::vector<std::uint16_t> out;
    for (int i = 0; i < 300; ++i) {
        const Leg from = leg(i % 3 == 0);
        const auto port = ports.allocate(static_cast<std::uint16_t>(i % 3), from.source, from.backend, rng);
        REQUIRE(port.has_value());
        if (i % 5 == 0) {
            ports.release(static_cast<std::uint16_t>(i % 3), from.backend, *port);
        } else if (i % 3 == 0) {
            out.push_back(*port);
        }
    }
    SourcePorts copy(steering, 1, 4);
    terminus::test::copy_by_archive(ports, copy);
    CHECK(copy.used() == ports.used());
    CHECK(copy.pairs() == 3);
    Rng one(9), other(9);
    for (int i = 0; i < 300; ++i) {
        const Leg from = leg(i % 2 == 0);
        REQUIRE(copy.allocate(3, from.source, from.backend, one) ==
                ports.allocate(3, from.source, from.backend, other));
        REQUIRE(copy.allocate(0, leg(true).source, leg(true).backend, one) ==
                ports.allocate(0, leg(true).source, leg(true).backend, other));
    }
    for (const std::uint16_t port : out)
        copy.release(0, leg(true).backend, port);
}
