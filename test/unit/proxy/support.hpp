#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/service_table.hpp"

namespace terminus::proxy::test {

inline wire::IpAddress ip(std::string_view text) {
    return *wire::IpAddress::parse(text);
}

inline wire::Endpoint endpoint(std::string_view address, std::uint16_t port) {
    return {ip(address), port};
}

/// Backends 192.0.2.1, 192.0.2.2, … on port 8080, with ids 0, 1, …
inline Pool pool_of(std::uint16_t backends) {
    using namespace std::chrono_literals;
    Pool pool;
    pool.name = "web";
    pool.connect_timeout = 1s;
    for (std::uint16_t i = 0; i < backends; ++i) {
        const wire::IpAddress address = wire::IpAddress::v4(0xc0000201u + i);
        pool.backends.push_back({.id = i, .name = "web" + std::to_string(i), .address = {address, 8080}});
    }
    return pool;
}

}  // namespace terminus::proxy::test
