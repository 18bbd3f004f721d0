#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace terminus::capture {

struct CompareRequest {
    std::string expected;  ///< the capture that the other is held against
    std::string actual;
    std::optional<std::string> received;  ///< what the other answers: for the connections' histories
    base::Duration begins{};              ///< times are told from here on, since 1970
};

/// How two captures differ.
struct Comparison {
    /// Differences after which the rest is not looked at: one mistake makes a thousand.
    static constexpr std::size_t kDifferencesMax = 5;

    /// Some lines each: the packet and its time, the fields with both values, the connection's history so
    /// far; or a packet that is missing, or one too many.
    std::vector<std::string> differences;
    std::uint64_t compared = 0;  ///< packets of `expected` that were looked at

    [[nodiscard]] bool same() const { return differences.empty(); }
};

/// Packet by packet: bytes and times. An error is a file that can't be read.
[[nodiscard]] base::Result<Comparison, std::string> compare(const CompareRequest& request);

}  // namespace terminus::capture
