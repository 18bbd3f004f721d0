#include "control/service_directory.hpp"

#include <catch2/catch.hpp>

#include "control/support.hpp"

using namespace terminus;
using namespace terminus::test;
using control::ServiceDirectory;

namespace {
const std::string kTwo = R"(
ports:
  - {name: front, device: net_tap0, addresses: [192.0.2.2/24, "2001:db8::2/64", "fe80::2/64"]}
  - {name: back, device: net_tap1, addresses: [198.51.100.2/24]}
routes:
  - {to: 203.0.113.0/24, via: 198.51.100.1}
  - {to: 0.0.0.0/0, via: 192.0.2.1}
)";
std::unique_ptr<const proxy::ServiceTable> build(ServiceDirectory& directory, const std::string& text) {
    return std::move(directory.build(config_of(text))).value();
}
std::vector<std::string> sources(const proxy::Pool& pool) {
    std::vector<std::string> list;
    for (const auto& source : pool.sources)
        list.push_back(source.address.to_string());
    return list;
}
}  // namespace

TEST_CASE("a snapshot has the configured services and pools") {
    ServiceDirectory directory;
    const auto table = build(directory, config_text("/run"));
    REQUIRE(table->services().size() == 1);
    const auto id = table->find_listener(table->services()[0].listen[0]);
    REQUIRE(id.has_value());
    const proxy::Service* service = table->service(*id);
    REQUIRE(service != nullptr);
    CHECK(service->name == "www");
    CHECK(service->idle_timeout == std::chrono::hours(1));
    const proxy::Pool* pool = table->pool(service->pool);
    REQUIRE(pool != nullptr);
    CHECK(pool->backends.at(0).address.to_string() == "192.0.2.10:80");
    CHECK(pool->connect_timeout == std::chrono::seconds(5));
    CHECK(directory.service_name(*id) == "www");
    CHECK(directory.service_name(77) == "-");
}

TEST_CASE("names keep their ids across reloads, also when they were away") {
    ServiceDirectory directory;
    const std::string both = kTwo + R"(
pools: [{name: p, backends: [{address: 192.0.2.10:80}]}]
services: [{name: a, listen: [192.0.2.80:80], pool: p}, {name: b, listen: [192.0.2.81:80], pool: p}]
)";
    const std::string only_b = kTwo + R"(
pools: [{name: p, backends: [{address: 192.0.2.11:80}]}]
services: [{name: b, listen: [192.0.2.81:80], pool: p}]
)";
    const auto first = build(directory, both);
    const auto second = build(directory, only_b);
    const auto third = build(directory, both);
    CHECK(first->version() < second->version());
    CHECK(second->version() < third->version());
    const auto a = first->services().at(0).id;
    const auto b = first->services().at(1).id;
    CHECK(a != b);
    CHECK(second->services().at(0).id == b);
    CHECK(second->service(a) == nullptr);
    CHECK(directory.service_name(a) == "a");
    CHECK(third->services().at(0).id == a);
    CHECK(third->pools().at(0).backends.at(0).id == first->pools().at(0).backends.at(0).id);
    CHECK(second->pools().at(0).backends.at(0).id != first->pools().at(0).backends.at(0).id);
}

TEST_CASE("local addresses only grow, the ports' first") {
    ServiceDirectory directory;
    const auto first = build(directory, config_text("/run"));
    REQUIRE(first->local_addresses().size() == 3);
    CHECK(first->local_addresses()[0].to_string() == "192.0.2.2");
    CHECK(first->local_addresses()[1].to_string() == "2001:db8::2");
    CHECK(first->local_addresses()[2].to_string() == "192.0.2.80");
    std::string other = config_text("/run");
    other.replace(other.find("192.0.2.80"), 10, "192.0.2.90");
    const auto second = build(directory, other);
    REQUIRE(second->local_addresses().size() == 4);
    CHECK(second->local_addresses()[2].to_string() == "192.0.2.80");
    CHECK(second->local_addresses()[3].to_string() == "192.0.2.90");
}

// RFC 9293 3.9.1.1, MUST-43, MUST-44: the address that is named, else that of the way there.
TEST_CASE("a pool without source addresses takes those of the port that leads to its backends") {
    ServiceDirectory directory;
    const auto table = build(directory, kTwo + R"(
pools:
  - {name: near, backends: [{address: 192.0.2.10:80}, {address: "[2001:db8::10]:80"}]}
  - {name: routed, backends: [{address: 203.0.113.9:80}]}
  - {name: default, backends: [{address: 10.0.0.1:80}]}
  - {name: own, backends: [{address: 192.0.2.10:80}, {address: "[2001:db8::10]:80"}], source_addresses: [192.0.2.7]}
)");
    CHECK(sources(table->pools()[0]) == std::vector<std::string>{"192.0.2.2", "2001:db8::2"});
    CHECK(sources(table->pools()[1]) == std::vector<std::string>{"198.51.100.2"});
    CHECK(sources(table->pools()[2]) == std::vector<std::string>{"192.0.2.2"});
    CHECK(sources(table->pools()[3]) == std::vector<std::string>{"192.0.2.7", "2001:db8::2"});
    const proxy::SourceAddress& own = table->pools()[3].sources[0];
    CHECK(table->local_addresses()[own.local_id] == own.address);
}

TEST_CASE("each leg of a service has the profile of its settings, and equal settings share one") {
    using tcp::CongestionAlgorithm;
    ServiceDirectory directory;
    const std::string before = kTwo + R"(
pools: [{name: p, backends: [{address: 192.0.2.10:80}]}]
services:
  - {name: a, listen: [192.0.2.80:80], pool: p, client: {congestion_control: bbr}}
  - {name: b, listen: [192.0.2.81:80], pool: p, client: {congestion_control: reno},
     backend: {congestion_control: bbr}}
  - {name: c, listen: [192.0.2.82:80], pool: p, client: {congestion_control: tcp}}
)";
    const auto table = build(directory, before);
    const auto control_of = [](const proxy::ServiceTable& from, stack::ProfileId profile) {
        return from.profiles().at(profile - 1u).congestion_control;
    };
    const auto& services = table->services();
    CHECK(control_of(*table, services[0].client_profile) == CongestionAlgorithm::Bbr);
    CHECK(services[0].backend_profile == stack::kProcessProfile);
    CHECK(control_of(*table, services[1].client_profile) == CongestionAlgorithm::Reno);
    CHECK(services[1].backend_profile == services[0].client_profile);
    CHECK(services[2].client_profile == stack::kProcessProfile);
    CHECK(table->profiles().size() == 2);

    // A reload gives a service another profile; what live connections go by stays.
    const auto after = build(directory, kTwo + R"(
pools: [{name: p, backends: [{address: 192.0.2.10:80}]}]
services: [{name: a, listen: [192.0.2.80:80], pool: p, client: {congestion_control: cubic}}]
)");
    CHECK(control_of(*after, after->services()[0].client_profile) == CongestionAlgorithm::Cubic);
    CHECK(control_of(*after, services[0].client_profile) == CongestionAlgorithm::Bbr);
    CHECK(control_of(*after, services[1].client_profile) == CongestionAlgorithm::Reno);
}

TEST_CASE("a directory that is made of another's past goes on with its ids and versions") {
    const auto with = [](const std::string& services) {
        return kTwo +
               "pools: [{name: p, backends: [{address: 192.0.2.10:80}]}, {name: q, backends: [{address: "
               "203.0.113.9:80}]}]\nservices: [" +
               services + "]\n";
    };
    const std::string a = "{name: a, listen: [192.0.2.80:80], pool: q, client: {congestion_control: bbr}}";
    const std::string b = "{name: b, listen: [192.0.2.81:80], pool: p, backend: {traffic_class: 0}}";
    const std::string c = "{name: c, listen: [192.0.2.82:80], pool: p, client: {auto_flowlabels: false}}";
    ServiceDirectory directory;
    (void)build(directory, with(b + ", " + a));
    (void)build(directory, with(a));
    ServiceDirectory later(directory.past());
    CHECK(later.past() == directory.past());
    const auto then = build(directory, with(c + ", " + b + ", " + a));
    const auto again = build(later, with(c + ", " + b + ", " + a));
    CHECK(again->version() == 3);
    CHECK(then->version() == 3);
    CHECK(again->local_addresses() == then->local_addresses());
    CHECK(again->profiles() == then->profiles());
    CHECK(then->profiles().size() == 3);
    for (std::size_t i = 0; i < then->services().size(); ++i) {
        CHECK(again->services()[i].id == then->services()[i].id);
        CHECK(again->services()[i].client_profile == then->services()[i].client_profile);
        CHECK(again->services()[i].backend_profile == then->services()[i].backend_profile);
    }
    for (std::size_t i = 0; i < then->pools().size(); ++i) {
        CHECK(again->pools()[i].id == then->pools()[i].id);
        CHECK(again->pools()[i].backends[0].id == then->pools()[i].backends[0].id);
        CHECK(again->pools()[i].sources[0].local_id == then->pools()[i].sources[0].local_id);
    }
    CHECK(later.past() == directory.past());
}
