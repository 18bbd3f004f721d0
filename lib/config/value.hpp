#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "config/config.hpp"

/// Text to value and back. A fault is a phrase without subject ("`60` has no unit; did you mean `60s`?").
namespace terminus::config {

template <typename T>
using Parsed = base::Result<T, std::string>;

/// "100us", "200ms", "60s", "5m", "2h", "1d"; a zero needs no unit.
[[nodiscard]] Parsed<Duration> parse_duration(std::string_view text);
/// Bytes: "512", "64k", "1M", "2G"; the letters are powers of 1024.
[[nodiscard]] Parsed<std::uint64_t> parse_size(std::string_view text);
/// A whole decimal number.
[[nodiscard]] Parsed<std::uint64_t> parse_count(std::string_view text);
/// Three or four octal digits.
[[nodiscard]] Parsed<std::uint64_t> parse_mode(std::string_view text);
/// true, yes, on, 1; false, no, off, 0.
[[nodiscard]] Parsed<bool> parse_bool(std::string_view text);
/// "01234567-89abcdef-01234567-89abcdef", or two of them with a comma between.
[[nodiscard]] Parsed<FastOpenKey> parse_fast_open_key(std::string_view text);
[[nodiscard]] Parsed<wire::IpAddress> parse_address(std::string_view text);
[[nodiscard]] Parsed<wire::Prefix> parse_prefix(std::string_view text);
/// "192.0.2.1:80", "[2001:db8::1]:443".
[[nodiscard]] Parsed<wire::Endpoint> parse_endpoint(std::string_view text);

/// The largest unit that leaves a whole number: "2h", "1500ms".
[[nodiscard]] std::string format_duration(Duration value);
[[nodiscard]] std::string format_size(std::uint64_t value);
[[nodiscard]] std::string format_fast_open_key(const FastOpenKey& key);
[[nodiscard]] std::string format_mode(std::uint64_t value);

/// `text` in backquotes, cut where it is long: what every message quotes.
[[nodiscard]] std::string quoted(std::string_view text);

/// What is wrong with the bits of tcp.fastopen; empty when nothing is.
[[nodiscard]] std::string fast_open_fault(const Tcp& tcp);

/// An enumeration's words.
template <typename E>
struct Words;
template <>
struct Words<Idle> {
    static constexpr std::array<std::pair<std::string_view, Idle>, 3> list{
        {{"sleep", Idle::Sleep}, {"poll", Idle::Poll}, {"interrupt", Idle::Interrupt}}};
};
template <>
struct Words<Balance> {
    static constexpr std::array<std::pair<std::string_view, Balance>, 1> list{
        {{"round_robin", Balance::RoundRobin}}};
};
template <>
struct Words<CongestionControl> {
    static constexpr std::array<std::pair<std::string_view, CongestionControl>, 3> list{
        {{"cubic", CongestionControl::Cubic},
         {"reno", CongestionControl::Reno},
         {"bbr", CongestionControl::Bbr}}};
};
template <>
struct Words<LogLevel> {
    static constexpr std::array<std::pair<std::string_view, LogLevel>, 5> list{
        {{"trace", LogLevel::Trace},
         {"debug", LogLevel::Debug},
         {"info", LogLevel::Info},
         {"warning", LogLevel::Warning},
         {"error", LogLevel::Error}}};
};

/// Letters inserted, left out, changed or swapped with their neighbour to make `a` of `b`.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate that `text` is most likely a slip of; nothing when none is near.
template <typename Range>
[[nodiscard]] std::optional<std::string> nearest(std::string_view text, const Range& candidates) {
    std::optional<std::string> best;
    std::size_t limit = text.size() / 3 > 1 ? text.size() / 3 : 1;  // one slip in three letters is recognised
    for (const auto& candidate : candidates) {
        const std::size_t distance = edit_distance(text, candidate);
        if (distance > limit || (best && distance == limit)) continue;
        best = std::string(candidate);
        limit = distance;
    }
    return best;
}

}  // namespace terminus::config
