#pragma once

#include <string>

#include "base/result.hpp"
#include "load/address_map.hpp"
#include "wire/address.hpp"

/// What the command line says of addresses and ports; errors are sentences.
namespace terminus::app {

/// "192.0.2.10" or "192.0.2.10-192.0.2.20", of either family.
[[nodiscard]] base::Result<load::AddressRange, std::string> parse_addresses(const std::string& text);
/// "80" or "1024-65535".
[[nodiscard]] base::Result<load::PortRange, std::string> parse_ports(const std::string& text);

/// Addresses and ports of one end.
struct EndpointRange {
    load::AddressRange addresses;
    load::PortRange ports;
};
/// "192.0.2.1:80", "[2001:db8::1]:80"; both parts may be ranges: "192.0.2.1-192.0.2.4:80-83".
[[nodiscard]] base::Result<EndpointRange, std::string> parse_endpoints(const std::string& text);

}  // namespace terminus::app
