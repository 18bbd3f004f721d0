#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "drill/lexer.hpp"
#include "stack/settings.hpp"
#include "tcp/tunables.hpp"
#include "wire/address.hpp"

namespace terminus::drill {

/// Which addresses a script runs with, and which family its sockets have.
enum class IpVersion : std::uint8_t {
    V4,
    V6,
    Mapped,  ///< IPv6 sockets that speak IPv4
};

/// Tunables by the names and in the words of the configuration file, without "tcp.": {"rto_min", "200ms"}.
using Assignment = std::pair<std::string, std::string>;
using Assignments = std::vector<Assignment>;

/// What the assignments, one after the other, make of the defaults; or the sentence that says which can't be.
using TunablesOf = base::Result<tcp::Tunables, std::string> (*)(const Assignments&);

/// How scripts are run; a script's own options change a copy.
struct RunSettings {
    Definitions definitions;
    Assignments assignments;  ///< --set: they win over what the script's commands set at its start
    TunablesOf tunables_of = nullptr;
    stack::Buffers buffers;
    std::uint64_t seed = 1;

    IpVersion ip_version = IpVersion::V4;
    std::optional<IpVersion> asked_version;  ///< --ip_version: a script that is for another one is skipped
    wire::IpAddress local_v4 = wire::IpAddress::v4(192, 168, 0, 1);
    wire::IpAddress remote_v4 = wire::IpAddress::v4(192, 0, 2, 1);
    wire::IpAddress local_v6 =
        wire::IpAddress::v6({0xfd, 0x3d, 0x0a, 0x0b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
    wire::IpAddress remote_v6 =
        wire::IpAddress::v6({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
    std::uint16_t bind_port = 8080;
    std::uint16_t connect_port = 8080;
    std::uint16_t mtu = 1500;

    base::Duration tolerance = std::chrono::milliseconds(4);  ///< of each time
    std::uint32_t tolerance_permille = 0;  ///< of the time since the event before, when that is more
    base::Duration timestamp_tick{};       ///< 0: timestamps of the machine are not compared
    bool scaled_echo = false;              ///< echoed timestamps that the machine didn't send are made up
    bool strict_segments = false;          ///< what a script writes as one segment must be one
    bool like_packetdrill = false;         ///< what packetdrill doesn't look at may be anything
};

/// One option of a script or of the command line, without its dashes. The failure is a sentence: options of
/// packetdrill that are not here are refused, but for options_without_effect().
[[nodiscard]] base::Result<void, std::string> apply_option(std::string_view name, std::string_view value,
                                                           RunSettings& settings);

/// The options that are taken and change nothing. Why none can change a result is in docs/testing.md, whose
/// table a test compares.
[[nodiscard]] std::span<const std::string_view> options_without_effect();

/// Of a script's own IP version and the one that was asked for, if both have the same packets: the latter, as
/// sockets of IPv6 can speak IPv4. False when they don't, and the script can't run as was asked.
[[nodiscard]] bool narrow_version(IpVersion asked, IpVersion& own);
[[nodiscard]] std::string_view to_string(IpVersion version);

}  // namespace terminus::drill
