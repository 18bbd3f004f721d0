#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "config/config.hpp"

/// The one table of keys. Reading a file, "did you mean", the reference, diff() and `sysctl` are loops over
/// it.
namespace terminus::config {

/// How a value is written in the file.
enum class Type : std::uint8_t {
    Time,
    Size,
    Count,
    Bool,
    Text,
    Name,  ///< letters, digits, `_`, `-` and `.`: it becomes a metric label
    Device,
    Mode,
    Choice,
    HostAddress,   ///< one machine's: not multicast, unspecified, broadcast or loopback
    HostEndpoint,  ///< a HostAddress and a port from 1
    Socket,        ///< where the control thread listens; any address and port
    Interface,     ///< an address of ours with its network's prefix length
    Network,       ///< a destination: no bits beyond the prefix length
    Gateway,       ///< a HostAddress, link-local too
    TwoPorts,      ///< two ports, as a list
    Buffer,        ///< three sizes as a list: least, first and most; one size is the last two
};

/// Whether a reload brings a changed value into force.
enum class Apply : std::uint8_t { Live, Restart };

/// Inclusive, in the unit of the type (nanoseconds, bytes, pieces); nothing to check where min > max.
struct Range {
    std::int64_t min = 1;
    std::int64_t max = 0;
    [[nodiscard]] constexpr bool bounded() const { return min <= max; }
};

/// One key of the file. `owner` below is the struct that the part of the path before the last "[]." names.
struct Key {
    std::string_view path;  ///< "tcp.fin_timeout", "pools[].backends[].address"
    Type type;
    Range range;
    Apply apply;
    bool is_list;
    bool is_required;
    std::string_view automatic;  ///< the word for "nothing given" of a key that has one: "auto"
    std::string_view help;

    /// Sets the member, or adds one entry to it where it is a list. Returns the fault, empty when there is
    /// none.
    std::string (*read)(void* owner, std::string_view text, const Key& key);
    /// The member as it would be written; lists as "[a, b]".
    std::string (*write)(const void* owner, const Key& key);
};

/// A list whose entries are mappings.
struct Table {
    std::string_view path;      ///< "ports[]"
    std::string_view identity;  ///< the key whose value names an entry
    std::size_t max;            ///< entries
    void* (*append)(void* owner);
    std::size_t (*size)(const void* owner);
    const void* (*entry)(const void* owner, std::size_t index);
};

/// A key that people will look for and that is not there: why, and what to use.
struct Missing {
    std::string_view path;
    std::string_view advice;
};

/// Every key, in the order of the reference file.
[[nodiscard]] std::span<const Key> keys();
[[nodiscard]] std::span<const Key> tcp_keys();
[[nodiscard]] std::span<const Table> tables();
[[nodiscard]] std::span<const Missing> missing_keys();

[[nodiscard]] const Key* find_key(std::string_view path);
/// "60s" and the like; the default of a fresh owner. Empty where the key is required.
[[nodiscard]] std::string default_text(const Key& key);
/// "1s … 2h"; empty where nothing is bounded.
[[nodiscard]] std::string range_text(const Key& key);
/// "duration", "list of addresses", …
[[nodiscard]] std::string type_text(const Key& key);
/// The table of docs/configuration.md, in Markdown.
[[nodiscard]] std::string reference_table();

}  // namespace terminus::config
