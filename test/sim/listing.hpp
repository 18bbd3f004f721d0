#pragma once

#include <cstdint>
#include <string>

#include "stats/core_stats.hpp"
#include "tcp/connection.hpp"
#include "wire/address.hpp"

namespace terminus::simulation {

/// A line of `ss -o`, for a run that failed.
[[nodiscard]] std::string list_connection(const wire::FourTuple& tuple, const tcp::Connection::Snapshot& now);

/// One for each connection, half-open and TIME_WAIT of a stack.
template <typename Stack>
[[nodiscard]] std::string list_connections(const Stack& stack) {
    std::string text;
    (void)stack.list(0, UINT32_MAX,
                     [&](const wire::FourTuple& tuple, std::uint16_t, stats::Leg,
                         const tcp::Connection::Snapshot& now) { text += list_connection(tuple, now); });
    return text;
}

/// What was closed and dropped, and why.
[[nodiscard]] std::string list_counts(const stats::CoreStats& stats);

}  // namespace terminus::simulation
