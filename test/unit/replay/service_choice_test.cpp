#include "replay/service_choice.hpp"

#include <catch2/catch.hpp>
#include <vector>

namespace terminus::replay {
namespace {

using By = ServiceChoice::By;

wire::Endpoint at(std::string_view address, std::uint16_t port) {
    return {*wire::IpAddress::parse(address), port};
}

const std::vector<ServiceEndpoint> kServices{{"www", at("192.0.2.80", 80)},
                                             {"www", at("192.0.2.81", 80)},
                                             {"mail", at("192.0.2.80", 25)},
                                             {"www6", at("2001:db8::80", 80)}};

TEST_CASE("a service that listens on the recorded server's address and port takes its place") {
    const ServiceChoice choice = choose_service(at("192.0.2.81", 80), kServices);
    CHECK(choice.by == By::Endpoint);
    CHECK(choice.service->listens == at("192.0.2.81", 80));
}

TEST_CASE("else the one service of its family that has its port") {
    const ServiceChoice v4 = choose_service(at("198.51.100.7", 80), kServices);
    CHECK(v4.by == By::Port);
    CHECK(v4.service->listens == at("192.0.2.80", 80));
    CHECK(choose_service(at("2001:db8:1::7", 80), kServices).service->service == "www6");
    const std::vector<ServiceEndpoint> two{{"one", at("192.0.2.80", 80)}, {"two", at("192.0.2.81", 80)}};
    CHECK(choose_service(at("198.51.100.7", 80), two).by == By::Ambiguous);
    CHECK_FALSE(choose_service(at("198.51.100.7", 80), two).service);
}

TEST_CASE("else the only service of its family, whatever its port") {
    const ServiceChoice v6 = choose_service(at("2001:db8:1::7", 8443), kServices);
    CHECK(v6.by == By::OnlyOne);
    CHECK(v6.service->service == "www6");
    CHECK(choose_service(at("198.51.100.7", 8443), kServices).by == By::None);
    CHECK(choose_service(at("198.51.100.7", 80), {}).by == By::None);
}

}  // namespace
}  // namespace terminus::replay
