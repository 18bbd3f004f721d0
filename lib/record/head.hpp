#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "record/events.hpp"
#include "wire/address.hpp"

namespace terminus::record {

/// A port as the workers had it.
struct PortFacts {
    std::string name;
    wire::MacAddress mac;
    std::uint16_t mtu = 0;
    std::uint16_t tx_segments_max = 1;
    std::uint16_t tso_segments_max = 0;
    bool tx_ipv4_checksum = false;
    bool tx_tcp_checksum = false;
    bool tx_multi_segment = false;
    bool tx_indirect_buffers = false;
    bool keeps_pointer = false;
    bool rx_checksum = false;
    std::vector<std::uint8_t> rss_key;      ///< empty: steered in software
    std::vector<std::uint16_t> rss_queues;  ///< the redirection table
    bool operator==(const PortFacts&) const = default;
};

/// What a process was made of: with the turns all that a replay needs. It holds the keys that were drawn.
struct Head {
    std::string version;          ///< terminusd's
    std::int64_t began = 0;       ///< the workers' first `now`, nanoseconds of the process's clock
    std::int64_t clock_zero = 0;  ///< that clock's 0 in nanoseconds since 1970
    std::uint16_t workers = 1;
    std::uint32_t payload_buffers = 0;  ///< of the whole process
    std::uint32_t free_min = 0;         ///< of these, what connections leave
    std::uint64_t seed = 0;
    std::array<std::array<std::uint8_t, 16>, 6>
        keys{};  ///< secrets in the order of tcp::Secrets; the table's
    std::vector<PortFacts> ports;
    std::string config_path;
    std::string config;  ///< the file's text
    bool operator==(const Head&) const = default;
};

/// A change of the configuration after the start: a file that was read again, or one tunable that was set.
struct Revision {
    std::string tunable;  ///< empty: a file
    std::string text;     ///< the tunable's value, or the file
    bool operator==(const Revision&) const = default;
};

/// A set of TCP settings of services; -1: as the process has it.
struct Profile {
    std::int32_t congestion_control = -1;  ///< tcp::CongestionAlgorithm
    std::int32_t traffic_class = -1;
    std::int32_t auto_flowlabels = -1;
    bool operator==(const Profile&) const = default;
};

/// Names that have ids, which a process keeps from its start to its end: each list in the order of the ids.
struct Directory {
    std::uint64_t version = 0;  ///< of the newest service table
    std::vector<std::string> services;
    std::vector<std::string> pools;
    std::vector<std::string> backends;
    std::vector<std::string> local_addresses;
    std::vector<Profile> profiles;  ///< from id 1 on
    bool operator==(const Directory&) const = default;
};

/// What had become of a process when its recording began. Each worker's own state is a snapshot.
struct Past {
    std::int64_t began = 0;            ///< when the recording was asked for, by the process's clock
    std::string config;                ///< the file that was read again last; empty: none was
    std::vector<Revision> tunables;    ///< set since that, or since the start
    std::uint32_t revision_count = 0;  ///< changes of the configuration so far: what SetTunables goes by
    Directory directory;
    bool operator==(const Past&) const = default;
};

[[nodiscard]] std::vector<std::uint8_t> encode(const Head& head);
[[nodiscard]] std::vector<std::uint8_t> encode(const Revision& revision);
[[nodiscard]] std::vector<std::uint8_t> encode(const Past& past);
/// `from` is where `bytes` begin in the file.
[[nodiscard]] base::Result<Head, Fault> decode_head(base::Bytes bytes, std::size_t from);
[[nodiscard]] base::Result<Revision, Fault> decode_revision(base::Bytes bytes, std::size_t from);
[[nodiscard]] base::Result<Past, Fault> decode_past(base::Bytes bytes, std::size_t from);

}  // namespace terminus::record
