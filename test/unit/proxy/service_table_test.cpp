#include "proxy/service_table.hpp"

#include <catch2/catch.hpp>

#include "proxy/support.hpp"

namespace terminus::proxy {
namespace {

using test::endpoint;
using test::pool_of;

ServiceTable table() {
    Service web{.id = 3,
                .name = "web",
                .listen = {endpoint("203.0.113.1", 80), endpoint("2001:db8::1", 80)},
                .pool = 0};
    Service mail{.id = 1, .name = "mail", .listen = {endpoint("203.0.113.1", 25)}, .pool = 0};
    return ServiceTable(9, {web, mail}, {pool_of(2)}, {test::ip("203.0.113.1")});
}

TEST_CASE("a listener is found by its exact address and port, in both families") {
    const ServiceTable services = table();
    REQUIRE(services.find_listener(endpoint("203.0.113.1", 80)) == ServiceId{3});
    REQUIRE(services.find_listener(endpoint("2001:db8::1", 80)) == ServiceId{3});
    REQUIRE(services.find_listener(endpoint("203.0.113.1", 25)) == ServiceId{1});
}

TEST_CASE("what is not listened on has no service") {
    const ServiceTable services = table();
    REQUIRE_FALSE(services.find_listener(endpoint("203.0.113.1", 79)));
    REQUIRE_FALSE(services.find_listener(endpoint("203.0.113.1", 81)));
    REQUIRE_FALSE(services.find_listener(endpoint("203.0.113.2", 80)));
    REQUIRE_FALSE(services.find_listener(endpoint("2001:db8::1", 25)));
    REQUIRE_FALSE(ServiceTable(1, {}, {}, {}).find_listener(endpoint("203.0.113.1", 80)));
}

TEST_CASE("services and pools are found by id, and ids without one are not") {
    const ServiceTable services = table();
    REQUIRE(services.service(3)->name == "web");
    REQUIRE(services.service(1)->name == "mail");
    REQUIRE(services.service(0) == nullptr);
    REQUIRE(services.service(2) == nullptr);
    REQUIRE(services.service(4) == nullptr);
    REQUIRE(services.service(UINT16_MAX) == nullptr);
    REQUIRE(services.pool(0)->backends.size() == 2);
    REQUIRE(services.pool(1) == nullptr);
    REQUIRE(services.version() == 9);
    REQUIRE(services.local_addresses().size() == 1);
}

}  // namespace
}  // namespace terminus::proxy
