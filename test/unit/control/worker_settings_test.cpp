#include "control/worker_settings.hpp"

#include <catch2/catch.hpp>

#include "config/load.hpp"
#include "control/service_directory.hpp"

using namespace terminus;
using control::Chance;

namespace {

constexpr const char* kTwoPorts = R"(
workers: {count: 2}
ports:
  - {name: front, device: net_pcap0, addresses: [192.0.2.2/24]}
  - {name: back, device: net_pcap1, addresses: [198.51.100.2/24]}
routes: [{to: 10.0.0.0/8, via: 198.51.100.1}]
pools: [{name: web, backends: [{address: 198.51.100.10:8080}]}]
services: [{name: www, listen: [192.0.2.80:80], pool: web}]
limits: {connections: 101}
)";

}  // namespace

TEST_CASE("workers are set up as the configuration says, with the ports' own facts") {
    const auto config = config::parse(kTwoPorts, "two.yaml");
    REQUIRE(config.ok());
    control::ServiceDirectory directory;
    const auto services = directory.build(config.value());
    REQUIRE(services.ok());
    std::vector<control::PortFacts> ports(2);
    ports[1].mac = {{2, 0, 0, 0, 0, 7}};
    ports[1].mtu = 9000;
    const worker::Settings settings = control::worker_settings(config.value(), ports, {.reserve = 5}, 1000,
                                                               *services.value(), Chance::from_seed(3));
    const stack::Settings& stack = settings.stack;
    CHECK(stack.workers == 2);
    CHECK(stack.connections_max == 51);
    CHECK(stack.buffers.reserve == 5);
    REQUIRE(stack.interfaces.size() == 2);
    CHECK(stack.interfaces[1].mac == ports[1].mac);
    CHECK(stack.interfaces[1].mtu == 9000);
    REQUIRE(stack.routes.size() == 3);  // two links, and the one that is configured
    CHECK(stack.routes[1].port == 1);
    CHECK(stack.routes[2].port == 1);
    CHECK(stack.routes[2].via == wire::IpAddress::v4(198, 51, 100, 1));
    CHECK(stack.local_addresses.size() == 3);
    CHECK(stack.steering.size() == 2);

    const worker::Settings second = control::for_worker(settings, 1);
    CHECK(second.stack.worker == 1);
    CHECK(second.stack.seed == stack.seed + 1);
    CHECK(second.stack.table_key == stack.table_key);
}

TEST_CASE("one seed gives all that is drawn by chance") {
    CHECK(Chance::from_seed(7).table_key == Chance::from_seed(7).table_key);
    CHECK(Chance::from_seed(7).secrets.isn == Chance::from_seed(7).secrets.isn);
    CHECK_FALSE(Chance::from_seed(7).table_key == Chance::from_seed(8).table_key);
    CHECK_FALSE(Chance::from_seed(7).secrets.isn == Chance::from_seed(8).secrets.isn);
    CHECK_FALSE(Chance::from_seed(7).secrets.syn_cookie == Chance::from_seed(8).secrets.syn_cookie);
    CHECK(Chance::from_seed(7).seed != Chance::from_seed(8).seed);
}
