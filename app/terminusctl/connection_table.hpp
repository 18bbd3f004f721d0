#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

/// Connections in the look of Linux's ss(8).
namespace terminusctl {

/// The line with the columns' names.
[[nodiscard]] std::string table_header();

/// One connection; with `with_timer` its running timer as "timer:(on,200ms,0)".
[[nodiscard]] std::string table_row(const nlohmann::json& connection, bool with_timer);

/// What `ss -i` tells in a second line, in its words and units: the congestion control, time-outs and round
/// trips in milliseconds, windows in segments. Empty for a state that has none of it.
[[nodiscard]] std::string table_details(const nlohmann::json& connection);

/// ss's way to write a span: "118min", "1.500ms" for a second and a half, "29sec", "200ms".
[[nodiscard]] std::string timer_span(std::int64_t milliseconds);

}  // namespace terminusctl
