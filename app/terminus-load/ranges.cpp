#include "ranges.hpp"

#include <charconv>
#include <optional>

namespace terminus::app {
namespace {

struct Halves {
    std::string first;
    std::string last;  ///< the first again where there is one only
};

Halves halves(const std::string& text) {
    const std::size_t dash = text.find('-');
    if (dash == std::string::npos) return {text, text};
    return {text.substr(0, dash), text.substr(dash + 1)};
}

std::optional<std::uint16_t> port_of(const std::string& text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
    return port;
}

}  // namespace

base::Result<load::AddressRange, std::string> parse_addresses(const std::string& text) {
    const Halves both = halves(text);
    const auto first = wire::IpAddress::parse(both.first);
    const auto last = wire::IpAddress::parse(both.last);
    if (!first || !last)
        return base::Failure{"'" + text +
                             "' is neither an address nor a range of them (192.0.2.1-192.0.2.9)"};
    load::AddressRange range{*first, 1};
    const std::uint32_t from = load::AddressRange::low(*first);
    const std::uint32_t to = load::AddressRange::low(*last);
    if (range.with_low(to) != *last || to < from)
        return base::Failure{"'" + text + "': the last address must follow the first in its last 32 bits"};
    range.count = to - from + 1;
    if (range.count == 0) return base::Failure{"'" + text + "' is too long a range"};
    return range;
}

base::Result<load::PortRange, std::string> parse_ports(const std::string& text) {
    const Halves both = halves(text);
    const auto first = port_of(both.first);
    const auto last = port_of(both.last);
    if (!first || !last || *last < *first)
        return base::Failure{"'" + text + "' is neither a port nor a range of them (1024-65535)"};
    return load::PortRange{*first, std::uint32_t{*last} - *first + 1};
}

base::Result<EndpointRange, std::string> parse_endpoints(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos || colon == 0)
        return base::Failure{"'" + text + "' lacks a port: 192.0.2.1:80, [2001:db8::1]:80"};
    std::string addresses = text.substr(0, colon);
    const bool is_bracketed = addresses.front() == '[' && addresses.back() == ']';
    if (!is_bracketed && addresses.find(':') != std::string::npos)
        return base::Failure{"'" + text + "': an IPv6 address stands in brackets before its port"};
    if (is_bracketed) addresses = addresses.substr(1, addresses.size() - 2);
    const auto range = parse_addresses(addresses);
    if (!range) return base::Failure{range.error()};
    const auto ports = parse_ports(text.substr(colon + 1));
    if (!ports) return base::Failure{ports.error()};
    return EndpointRange{range.value(), ports.value()};
}

}  // namespace terminus::app
