#include "drill/run_settings.hpp"

#include <algorithm>
#include <array>

namespace terminus::drill {
namespace {

// packetdrill's link has addresses of its own, and it can tell more than usual. Here is no link; whatever is
// not the machine's own is behind one gateway, which shows in no packet (docs/testing.md).
constexpr std::array<std::string_view, 3> kWithoutEffect{"gateway_ip", "netmask_ip", "verbose"};

base::Failure<std::string> bad(std::string_view name, std::string_view value) {
    return base::Failure{"--" + std::string(name) + " can't be `" + std::string(value) + '`'};
}

base::Result<void, std::string> set_address(std::string_view name, std::string_view value,
                                            wire::IpAddress& v4, wire::IpAddress& v6) {
    const auto address = wire::IpAddress::parse(value);
    if (!address) return bad(name, value);
    (address->is_v4() ? v4 : v6) = *address;
    return {};
}

base::Result<void, std::string> check_without_effect(std::string_view name, std::string_view value) {
    const bool is_good = name == "verbose" ? value.empty() : wire::IpAddress::parse(value).has_value();
    return is_good ? base::Result<void, std::string>() : bad(name, value);
}

base::Result<void, std::string> set_version(std::string_view value, RunSettings& settings) {
    constexpr std::pair<std::string_view, IpVersion> kNames[] = {
        {"ipv4", IpVersion::V4}, {"ipv6", IpVersion::V6}, {"ipv4-mapped-ipv6", IpVersion::Mapped}};
    for (const auto& [name, version] : kNames) {
        if (name != value) continue;
        settings.ip_version = version;
        return {};
    }
    return bad("ip_version", value);
}

template <typename T>
base::Result<void, std::string> set_number(std::string_view name, std::string_view value, std::int64_t min,
                                           std::int64_t max, T& target) {
    const auto number = parse_integer(value);
    if (!number || *number < min || *number > max) return bad(name, value);
    target = static_cast<T>(*number);
    return {};
}

base::Result<void, std::string> set_micros(std::string_view name, std::string_view value,
                                           base::Duration& target) {
    std::int64_t micros = 0;
    auto done = set_number(name, value, 0, 3'600'000'000, micros);
    if (done) target = std::chrono::microseconds(micros);
    return done;
}

/// "12.5" percent, to the tenth.
base::Result<void, std::string> set_percent(std::string_view value, std::uint32_t& permille) {
    const auto parsed = parse_seconds(value);
    if (!parsed || *parsed > std::chrono::seconds(100)) return bad("tolerance_percent", value);
    permille = static_cast<std::uint32_t>(*parsed / std::chrono::milliseconds(100));
    return {};
}

base::Result<void, std::string> set_tunable(std::string_view value, RunSettings& settings) {
    constexpr std::string_view kSection = "tcp.";
    const std::size_t equals = value.find('=');
    if (!value.starts_with(kSection) || equals == std::string_view::npos) return bad("set", value);
    settings.assignments.emplace_back(value.substr(kSection.size(), equals - kSection.size()),
                                      value.substr(equals + 1));
    return {};
}

}  // namespace

std::span<const std::string_view> options_without_effect() {
    return kWithoutEffect;
}

base::Result<void, std::string> apply_option(std::string_view name, std::string_view value,
                                             RunSettings& settings) {
    if (name == "ip_version") return set_version(value, settings);
    if (name == "local_ip") return set_address(name, value, settings.local_v4, settings.local_v6);
    if (name == "remote_ip") return set_address(name, value, settings.remote_v4, settings.remote_v6);
    if (name == "bind_port") return set_number(name, value, 1, 65535, settings.bind_port);
    if (name == "connect_port") return set_number(name, value, 1, 65535, settings.connect_port);
    if (name == "mtu") return set_number(name, value, 576, 9000, settings.mtu);
    if (name == "tolerance_usecs") return set_micros(name, value, settings.tolerance);
    if (name == "tolerance_percent") return set_percent(value, settings.tolerance_permille);
    if (name == "tcp_ts_tick_usecs") return set_micros(name, value, settings.timestamp_tick);
    if (name == "set") return set_tunable(value, settings);
    if (name == "define") {
        return add_definition(value, settings.definitions) ? base::Result<void, std::string>()
                                                           : bad(name, value);
    }
    const bool is_flag =
        name == "tcp_ts_ecr_scaled" || name == "strict_segments" || name == "like_packetdrill";
    if (is_flag && !value.empty()) return bad(name, value);
    if (name == "tcp_ts_ecr_scaled") settings.scaled_echo = true;
    if (name == "strict_segments") settings.strict_segments = true;
    if (name == "like_packetdrill") settings.like_packetdrill = true;
    if (is_flag) return {};
    if (std::find(kWithoutEffect.begin(), kWithoutEffect.end(), name) != kWithoutEffect.end())
        return check_without_effect(name, value);
    return base::Failure{"the option --" + std::string(name) + " is not here"};
}

bool narrow_version(IpVersion asked, IpVersion& own) {
    if ((own == IpVersion::V6) != (asked == IpVersion::V6)) return false;
    if (own == IpVersion::V4) own = asked;
    return true;
}

std::string_view to_string(IpVersion version) {
    switch (version) {
        case IpVersion::V4:
            return "ipv4";
        case IpVersion::V6:
            return "ipv6";
        case IpVersion::Mapped:
            return "ipv4-mapped-ipv6";
    }
    return "";
}

}  // namespace terminus::drill
