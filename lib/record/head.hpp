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

[[nodiscard]] std::vector<std::uint8_t> encode(const Head& head);
[[nodiscard]] std::vector<std::uint8_t> encode(const Revision& revision);
/// `from` is where `bytes` begin in the file.
[[nodiscard]] base::Result<Head, Fault> decode_head(base::Bytes bytes, std::size_t from);
[[nodiscard]] base::Result<Revision, Fault> decode_revision(base::Bytes bytes, std::size_t from);

}  // namespace terminus::record
