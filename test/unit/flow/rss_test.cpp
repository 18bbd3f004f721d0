#include "flow/rss.hpp"

#include <rte_thash.h>

#include <catch2/catch.hpp>
#include <map>

#include "base/rng.hpp"

using terminus::base::Rng;
using terminus::flow::default_rss_key;
using terminus::flow::RssConfig;
using terminus::flow::Steering;
using terminus::flow::Toeplitz;
using terminus::wire::Endpoint;
using terminus::wire::FourTuple;
using terminus::wire::IpAddress;

namespace {

std::vector<std::uint8_t> random_key(Rng& rng, std::size_t size) {
    std::vector<std::uint8_t> key(size);
    for (auto& byte : key)
        byte = static_cast<std::uint8_t>(rng.next());
    return key;
}

IpAddress random_address(Rng& rng, bool is_v4) {
    if (is_v4) return IpAddress::v4(static_cast<std::uint32_t>(rng.next()));
    std::array<std::uint8_t, 16> bytes;
    for (auto& byte : bytes)
        byte = static_cast<std::uint8_t>(rng.next());
    bytes[0] = 0x20;
    return IpAddress::v6(bytes);
}

Endpoint random_endpoint(Rng& rng, bool is_v4) {
    return {random_address(rng, is_v4), static_cast<std::uint16_t>(rng.next())};
}

std::uint32_t softrss(const std::vector<std::uint8_t>& key, const FourTuple& tuple) {
    std::uint32_t words[9];
    unsigned count = 0;
    for (const Endpoint* endpoint : {&tuple.remote, &tuple.local}) {
        const auto bytes = endpoint->address.wire_bytes();
        for (std::size_t i = 0; i < bytes.size(); i += 4)
            words[count++] = terminus::base::load_be32(&bytes[i]);
    }
    words[count++] = (std::uint32_t{tuple.remote.port} << 16) | tuple.local.port;
    return rte_softrss(words, count, key.data());
}

}  // namespace

// Microsoft, "Verifying the RSS Hash Calculation": source, destination and the hash with ports.
TEST_CASE("the hash is that of Microsoft's verification suite") {
    const Toeplitz toeplitz(default_rss_key());
    const auto v6 = [](std::initializer_list<std::uint16_t> groups) {
        std::array<std::uint8_t, 16> bytes{};
        std::size_t at = 0;
        for (const std::uint16_t group : groups) {
            terminus::base::store_be16(&bytes[at], group);
            at += 2;
        }
        return IpAddress::v6(bytes);
    };
    const struct {
        Endpoint source;
        Endpoint destination;
        std::uint32_t hash;
    } vectors[] = {
        {{IpAddress::v4(66, 9, 149, 187), 2794}, {IpAddress::v4(161, 142, 100, 80), 1766}, 0x51ccc178},
        {{IpAddress::v4(199, 92, 111, 2), 14230}, {IpAddress::v4(65, 69, 140, 83), 4739}, 0xc626b0ea},
        {{IpAddress::v4(24, 19, 198, 95), 12898}, {IpAddress::v4(12, 22, 207, 184), 38024}, 0x5c2b394a},
        {{IpAddress::v4(38, 27, 205, 30), 48228}, {IpAddress::v4(209, 142, 163, 6), 2217}, 0xafc7327f},
        {{IpAddress::v4(153, 39, 163, 191), 44251}, {IpAddress::v4(202, 188, 127, 2), 1303}, 0x10e828a2},
        {{v6({0x3ffe, 0x2501, 0x200, 0x1fff, 0, 0, 0, 7}), 2794},
         {v6({0x3ffe, 0x2501, 0x200, 3, 0, 0, 0, 1}), 1766},
         0x40207d3d},
        {{v6({0x3ffe, 0x501, 8, 0, 0x260, 0x97ff, 0xfe40, 0xefab}), 14230},
         {v6({0xff02, 0, 0, 0, 0, 0, 0, 1}), 4739},
         0xdde51bbf},
        {{v6({0x3ffe, 0x1900, 0x4545, 3, 0x200, 0xf8ff, 0xfe21, 0x67cf}), 44251},
         {v6({0xfe80, 0, 0, 0, 0x200, 0xf8ff, 0xfe21, 0x67cf}), 38024},
         0x02d1feef},
    };
    for (const auto& vector : vectors) {
        CHECK(toeplitz.hash({.local = vector.destination, .remote = vector.source}) == vector.hash);
    }
}

TEST_CASE("the hash agrees with DPDK's for random keys and tuples of both families") {
    Rng rng(1);
    for (int round = 0; round < 50; ++round) {
        const auto key = random_key(rng, round % 2 == 0 ? 40 : 52);
        const Toeplitz toeplitz(key);
        for (int i = 0; i < 40; ++i) {
            const bool is_v4 = i % 2 == 0;
            const FourTuple tuple{random_endpoint(rng, is_v4), random_endpoint(rng, is_v4)};
            REQUIRE(toeplitz.hash(tuple) == softrss(key, tuple));
            FourTuple without_port = tuple;
            without_port.local.port = 0;
            REQUIRE(toeplitz.hash(tuple) ==
                    (toeplitz.hash(without_port) ^ toeplitz.port_contribution(is_v4, tuple.local.port)));
        }
    }
}

TEST_CASE("a device with several queues has its redirection table's worker own the flow") {
    Rng rng(2);
    RssConfig rss{random_key(rng, 52), {}, 3};
    for (int i = 0; i < 512; ++i)
        rss.reta.push_back(static_cast<std::uint16_t>(rng.below(3)));
    const std::vector<std::uint16_t> worker_of_queue = {4, 0, 2};
    const Steering steering(rss, worker_of_queue, 5);
    CHECK(steering.entries() == 512);
    for (int i = 0; i < 1000; ++i) {
        const bool is_v4 = i % 2 == 0;
        const FourTuple tuple{random_endpoint(rng, is_v4), random_endpoint(rng, is_v4)};
        REQUIRE(steering.owner(tuple) == worker_of_queue[rss.reta[softrss(rss.key, tuple) % 512]]);
    }
}

TEST_CASE("a device with one queue has its flows spread evenly by software") {
    Rng rng(3);
    const RssConfig one_queue{{}, std::vector<std::uint16_t>(128, 0), 1};
    for (const std::uint16_t workers : {1, 2, 3, 8}) {
        const Steering steering(one_queue, {}, workers);
        std::map<std::uint16_t, int> flows;
        for (int i = 0; i < 8000; ++i) {
            ++flows[steering.owner({random_endpoint(rng, i % 2 == 0), random_endpoint(rng, i % 2 == 0)})];
        }
        CHECK(flows.size() == workers);
        for (const auto& [worker, count] : flows) {
            CHECK(worker < workers);
            CHECK(count > 8000 / workers * 8 / 10);
            CHECK(count < 8000 / workers * 12 / 10);
        }
    }
}

TEST_CASE("steering without a word about the device gives everything to worker 0") {
    Rng rng(4);
    const Steering steering;
    for (int i = 0; i < 100; ++i)
        CHECK(steering.owner({random_endpoint(rng, true), random_endpoint(rng, true)}) == 0);
}
