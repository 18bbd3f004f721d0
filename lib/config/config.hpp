#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "wire/address.hpp"

/// The configuration as a plain value: made by load(), compared by diff(), never changed while it is in
/// force. Every default stands here and nowhere else; what a key means, its unit and its range stand in
/// keys.cpp.
namespace terminus::config {

using base::Duration;
using namespace std::chrono_literals;

enum class Idle : std::uint8_t { Sleep, Poll, Interrupt };
enum class Balance : std::uint8_t { RoundRobin };
enum class CongestionControl : std::uint8_t { Cubic, Reno, Bbr };
enum class LogLevel : std::uint8_t { Trace, Debug, Info, Warning, Error };

struct Workers {
    std::vector<std::uint16_t> lcores;  ///< empty: `count` of them, chosen at start
    std::uint32_t count = 1;            ///< not used when `lcores` is given
    bool allow_shared_cpus = false;
    Idle idle = Idle::Sleep;
    Duration idle_max_sleep = 100us;

    /// How many workers there will be.
    [[nodiscard]] std::uint32_t total() const {
        return lcores.empty() ? count : static_cast<std::uint32_t>(lcores.size());
    }
    bool operator==(const Workers&) const = default;
};

/// What a device may do in the workers' place, where it can.
struct Offloads {
    bool rx_checksum = true;
    bool tx_checksum = true;
    bool tso = true;
    bool operator==(const Offloads&) const = default;
};

struct Port {
    std::string name;
    std::string device;  ///< PCI address or vdev string, as EAL takes it
    std::vector<wire::Prefix> addresses;
    std::uint16_t mtu = 1500;
    std::optional<std::uint16_t> queues;  ///< nothing: one per worker, as far as the device has them
    std::uint16_t rx_descriptors = 1024;
    std::uint16_t tx_descriptors = 1024;
    bool promiscuous = false;
    Offloads offloads;
    bool operator==(const Port&) const = default;
};

struct Route {
    wire::Prefix to;
    std::optional<wire::IpAddress> via;  ///< nothing: the destinations are on the port's own link
    std::string port;                    ///< set after load(), also where the file leaves it to `via`
    bool operator==(const Route&) const = default;
};

struct Backend {
    std::string name;  ///< the endpoint's text where the file gives none
    wire::Endpoint address;
    bool operator==(const Backend&) const = default;
};

struct Pool {
    std::string name;
    Balance balance = Balance::RoundRobin;
    std::vector<Backend> backends;
    /// A family that has none here takes the address of the port that the backend is reached through.
    std::vector<wire::IpAddress> source_addresses;
    Duration connect_timeout = 5s;
    std::uint32_t retries = 2;  ///< further backends tried after the first
    bool operator==(const Pool&) const = default;
};

/// What a service has otherwise than `tcp` on one of its two legs; nothing: as there.
struct Leg {
    std::optional<CongestionControl> congestion_control;
    std::optional<std::uint8_t> traffic_class;
    std::optional<bool> auto_flowlabels;
    bool operator==(const Leg&) const = default;
};

struct Service {
    std::string name;
    std::vector<wire::Endpoint> listen;
    std::string pool;
    Duration idle_timeout = 1h;
    Duration half_close_timeout = 10min;
    Leg client;
    Leg backend;
    bool operator==(const Service&) const = default;
};

/// The TCP tunables: the fields and defaults of tcp::Tunables, which this library may not include.
/// Linux's tcp_fastopen_key: 16 bytes, and perhaps those of a second one.
struct FastOpenKey {
    std::array<std::uint8_t, 16> primary{};
    std::optional<std::array<std::uint8_t, 16>> backup;
    bool operator==(const FastOpenKey&) const = default;
};

/// What a buffer has at least, at first, and at most, in bytes; never less than the one before.
struct BufferSizes {
    std::uint32_t min = 0;
    std::uint32_t initial = 0;
    std::uint32_t max = 0;
    bool operator==(const BufferSizes&) const = default;
};

struct Tcp {
    std::uint32_t syn_retries = 6;
    std::uint32_t synack_retries = 5;
    std::uint32_t retries2 = 15;
    std::uint32_t orphan_retries = 0;
    Duration rto_initial = 1s;
    Duration rto_min = 200ms;
    Duration rto_max = 120s;
    Duration user_timeout = 0s;
    std::uint32_t quickack = 16;
    std::uint32_t delack_segments = 2;
    Duration delack_min = 40ms;
    Duration delack_max = 200ms;
    bool keepalive = true;
    Duration keepalive_time = 2h;
    Duration keepalive_intvl = 75s;
    std::uint32_t keepalive_probes = 9;
    Duration fin_timeout = 60s;
    Duration time_wait = 60s;
    std::uint32_t max_tw_buckets = 262144;
    bool tw_reuse = true;
    bool rfc1337 = true;
    std::uint32_t max_syn_backlog = 4096;
    std::uint8_t syncookies = 1;
    std::uint16_t fastopen = 0;
    std::optional<FastOpenKey> fastopen_key;  ///< nothing: the process's own
    Duration fastopen_key_lifetime = 4h;
    Duration fastopen_blackhole_timeout = 1h;
    std::uint32_t max_fastopen = 1024;
    std::uint32_t max_orphans = 65536;
    BufferSizes rmem{4u << 10, 128u << 10, 6u << 20};
    BufferSizes wmem{4u << 10, 16u << 10, 4u << 20};
    bool moderate_rcvbuf = true;
    std::optional<std::uint32_t> notsent_lowat;  ///< nothing: what fits
    CongestionControl congestion_control = CongestionControl::Cubic;
    std::uint32_t out_of_order_segments = 4096;
    std::uint32_t out_of_order_holes = 256;
    std::uint32_t out_of_order_bytes = 6u << 20;
    std::uint32_t max_out_of_order = 65536;
    bool sack = true;
    bool dsack = true;
    std::uint8_t ecn = 2;
    bool frto = true;
    bool early_retrans = true;
    bool slow_start_after_idle = true;
    bool timestamps = true;
    bool window_scaling = true;
    bool nodelay = true;
    bool autocorking = true;
    std::uint32_t challenge_ack_limit = 10;
    std::uint16_t min_snd_mss = 48;
    std::uint8_t mtu_probing = 0;
    std::uint16_t base_mss = 1024;
    std::uint16_t mtu_probe_floor = 48;
    Duration probe_interval = 600s;
    std::uint16_t probe_threshold = 8;
    Duration mtu_expires = 600s;
    std::uint8_t hop_limit = 64;
    std::uint8_t traffic_class = 0;
    bool auto_flowlabels = true;
    bool operator==(const Tcp&) const = default;
};

struct Limits {
    std::uint32_t connections = 65536;  ///< legs, not sessions: a session has two
    std::uint32_t neighbours = 4096;
    bool operator==(const Limits&) const = default;
};

struct Buffers {
    std::optional<std::uint32_t> count;  ///< nothing: computed from ports, workers and connections
    std::uint16_t data_room = 2048;      ///< bytes a buffer can hold, headroom not counted
    std::uint16_t cache = 256;           ///< buffers each worker keeps for itself
    bool operator==(const Buffers&) const = default;
};

struct Drain {
    Duration delay = 5s;
    Duration grace = 30s;
    bool operator==(const Drain&) const = default;
};

struct Admin {
    std::string socket = "/run/terminus/admin.sock";
    std::uint16_t mode = 0660;
    std::string group;  ///< empty: the daemon's own
    bool operator==(const Admin&) const = default;
};

struct Metrics {
    wire::Endpoint listen{wire::IpAddress::v4(127, 0, 0, 1), 9464};
    bool operator==(const Metrics&) const = default;
};

struct Log {
    LogLevel level = LogLevel::Info;
    bool operator==(const Log&) const = default;
};

/// Both ends are included.
struct PortRange {
    std::uint16_t first = 1024;
    std::uint16_t last = 65535;
    bool operator==(const PortRange&) const = default;
};

struct Config {
    std::vector<std::string> eal;
    Workers workers;
    std::vector<Port> ports;
    std::vector<Route> routes;
    std::vector<Pool> pools;
    std::vector<Service> services;
    Tcp tcp;
    PortRange source_port_range;
    Limits limits;
    Buffers buffers;
    Drain drain;
    Admin admin;
    Metrics metrics;
    Log log;
    bool operator==(const Config&) const = default;
};

}  // namespace terminus::config
