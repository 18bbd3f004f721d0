#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

namespace terminusctl {

struct CaptureOptions {
    std::string file;                   ///< for a new recording; empty: none is begun
    std::string span;                   ///< as terminusd reads durations; empty: no limit
    std::uint64_t limit_bytes = 0;      ///< 0: none
    std::uint64_t connections_max = 0;  ///< 0: terminusd's own limit
    bool is_detached = false;
    bool stops = false;
};

/// Begins or ends a recording, or asks how it is, and hands over each line of the answer. One that was begun
/// and is not detached is stayed with; SIGINT, SIGTERM and SIGHUP end it. Throws Fault.
void capture(const std::string& socket, const CaptureOptions& options,
             const std::function<void(const nlohmann::json& line)>& take);

/// A line of the answer for a person; nothing where there is nothing to say.
[[nodiscard]] std::string in_words(const nlohmann::json& line, const CaptureOptions& options);

}  // namespace terminusctl
