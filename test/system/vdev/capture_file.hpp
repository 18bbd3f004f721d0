#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace terminus::vdev {

/// A frame and when it went by.
struct Captured {
    base::Instant at;
    std::vector<std::uint8_t> bytes;
};

/// Writes Ethernet frames as a pcap file with microseconds.
[[nodiscard]] base::Result<void, std::string> write_capture(const std::string& path,
                                                            const std::vector<Captured>& frames);

/// Reads one of this machine's byte order, with microseconds or nanoseconds.
[[nodiscard]] base::Result<std::vector<Captured>, std::string> read_capture(const std::string& path);

}  // namespace terminus::vdev
