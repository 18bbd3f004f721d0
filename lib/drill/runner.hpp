#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "drill/fault.hpp"
#include "drill/run_settings.hpp"

namespace terminus::drill {

enum class Verdict : std::uint8_t {
    Passed,
    Failed,
    Skipped,  ///< it needs what only a Linux host has
};

struct RunResult {
    Verdict verdict = Verdict::Passed;
    Fault fault;                    ///< of what didn't pass
    std::string details;            ///< expected and actual, one above the other; perhaps empty
    std::string exchange;           ///< every event so far, a line each
    std::string printed;            ///< by print() in the script's code
    base::Duration virtual_time{};  ///< that the script took, its aftermath not counted
};

/// Parses and runs a script on a machine of its own. Beyond what the script says, it fails
///   - on a packet that the script doesn't mention, or whose checksums, lengths or reserved bits are wrong;
///   - on a byte, written or read, that isn't the one which is due at its place in the stream;
///   - when the machine, after all descriptors were closed and an hour or two went by, still holds a
///     connection, a timer or a buffer.
[[nodiscard]] RunResult run_script(std::string_view text, const RunSettings& settings);

/// "FILE:LINE: message", details and exchange, indented; for what didn't pass.
[[nodiscard]] std::string report(std::string_view file, const RunResult& result);

}  // namespace terminus::drill
