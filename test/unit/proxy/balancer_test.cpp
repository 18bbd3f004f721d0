#include "proxy/balancer.hpp"

#include <catch2/catch.hpp>
#include <map>

#include "proxy/support.hpp"

namespace terminus::proxy {
namespace {

using test::pool_of;

TEST_CASE("round robin takes the backends in order and begins again after the last") {
    const Pool pool = pool_of(3);
    RoundRobin turns;
    for (const std::size_t expected : {0u, 1u, 2u, 0u, 1u, 2u, 0u}) {
        REQUIRE(turns.pick(pool, {}) == expected);
    }
}

TEST_CASE("round robin begins where it is told, modulo the pool") {
    const Pool pool = pool_of(3);
    REQUIRE(RoundRobin(2).pick(pool, {}) == 2u);
    REQUIRE(RoundRobin(3).pick(pool, {}) == 0u);
    REQUIRE(RoundRobin(7).pick(pool, {}) == 1u);
}

TEST_CASE("a backend that was tried is passed over, and its turn with it") {
    const Pool pool = pool_of(3);
    RoundRobin turns;
    TriedBackends tried;
    tried.add(0);
    REQUIRE(turns.pick(pool, tried) == 1u);
    REQUIRE(turns.pick(pool, {}) == 2u);
    REQUIRE(turns.pick(pool, {}) == 0u);
}

TEST_CASE("nothing is picked when every backend was tried, or there is none") {
    RoundRobin turns;
    TriedBackends tried;
    tried.add(0);
    tried.add(1);
    REQUIRE_FALSE(turns.pick(pool_of(2), tried));
    REQUIRE(turns.pick(pool_of(3), tried) == 2u);
    REQUIRE_FALSE(turns.pick(pool_of(0), {}));
}

TEST_CASE("a retry meets every backend of a pool of 64 once, and none twice") {
    const Pool pool = pool_of(64);
    RoundRobin turns(5);
    TriedBackends tried;
    for (int i = 0; i < 64; ++i) {
        const std::optional<std::size_t> position = turns.pick(pool, tried);
        REQUIRE(position);
        REQUIRE_FALSE(tried.contains(*position));
        tried.add(*position);
    }
    REQUIRE_FALSE(turns.pick(pool, tried));
}

TEST_CASE("a pool of more than 64 has an untried backend for every retry that the config allows") {
    const Pool pool = pool_of(200);
    RoundRobin turns;
    TriedBackends tried;
    for (int attempt = 0; attempt < 17; ++attempt) {
        const std::optional<std::size_t> position = turns.pick(pool, tried);
        REQUIRE(position);
        REQUIRE_FALSE(tried.contains(*position));
        tried.add(*position);
    }
}

TEST_CASE("a pool that shrinks under the turns goes on within its bounds") {
    RoundRobin turns;
    for (int i = 0; i < 9; ++i)
        REQUIRE(turns.pick(pool_of(10), {}));
    REQUIRE(turns.pick(pool_of(2), {}) == 1u);  // 9 % 2
    REQUIRE(turns.pick(pool_of(2), {}) == 0u);
}

TEST_CASE("a balancer keeps its turn when a reload names the same algorithm") {
    const Pool pool = pool_of(3);
    Balancer balancer(Balance::RoundRobin, 0);
    REQUIRE(balancer.pick(pool, {}) == 0u);
    balancer.configure(Balance::RoundRobin);
    REQUIRE(balancer.pick(pool, {}) == 1u);
}

TEST_CASE("balancers of different workers begin at different backends") {
    const Pool pool = pool_of(4);
    std::map<std::size_t, int> first;
    for (std::uint16_t worker = 0; worker < 4; ++worker)
        ++first[*Balancer(Balance::RoundRobin, worker).pick(pool, {})];
    REQUIRE(first.size() == 4);
}

}  // namespace
}  // namespace terminus::proxy
