#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "load/client_side.hpp"
#include "ranges.hpp"

namespace terminus::app {

enum class Role : std::uint8_t { Client, Backend, Both, Probe, Reflector };
enum class Direction : std::uint8_t { Up, Down, Both };
enum class Idle : std::uint8_t { Poll, Nap };

/// The command line, read and checked against itself.
struct Arguments {
    std::vector<std::string> eal;
    Role role = Role::Both;
    std::vector<std::string> ports;  ///< one, or the client's and the backend's
    // The client's side.
    load::AddressRange clients;
    load::PortRange client_ports{1024, 64512};
    std::optional<EndpointRange> target;  ///< one address and one port
    std::optional<wire::IpAddress> gateway;
    std::optional<wire::IpAddress> client_answers;
    // The backend's side.
    std::optional<EndpointRange> listen;
    load::AddressRange sources;
    load::PortRange source_ports{1024, 64512};
    std::optional<wire::IpAddress> backend_answers;
    // What is done.
    load::Scenario scenario = load::Scenario::Connects;
    load::ClosesFirst closes_first = load::ClosesFirst::Client;
    Direction direction = Direction::Up;
    std::uint32_t request_bytes = 64;
    std::uint32_t response_bytes = 64;
    std::uint32_t exchanges = 1;
    std::uint32_t concurrency = 64;
    std::uint64_t rate = 0;
    std::uint64_t count = 0;  ///< 0: as much as there is time for
    bool separate_acks = false;
    bool verifies = true;
    // For how long and how.
    double duration_seconds = 10;  ///< 0 of a backend or reflector: until it is stopped
    double warm_up_seconds = 2;
    double grace_seconds = 10;
    double resend_seconds = 1;
    Idle idle = Idle::Poll;
    std::uint16_t descriptors = 1024;
    std::uint16_t mtu = 1500;
    std::string json;
    std::string reflector;            ///< the JSON of a probe's run
    std::set<std::string> tolerated;  ///< names of failures

    [[nodiscard]] bool has_client() const { return role == Role::Client || role == Role::Both; }
    [[nodiscard]] bool has_backend() const { return role == Role::Backend || role == Role::Both; }
    [[nodiscard]] bool speaks_first() const { return has_client() || role == Role::Probe; }
};

/// Parses, or prints help, the version or an error and ends the process.
[[nodiscard]] Arguments parse_arguments(int argc, char** argv);

}  // namespace terminus::app
