#pragma once

#include <cstdint>

#include "load/numbers.hpp"

namespace terminus::app {

/// One side's counts as rates.
struct Figures {
    double connections = 0;  ///< established a second
    double closes = 0;       ///< ended a second
    double responses = 0;    ///< a second; probes that came back
    double frames_received = 0;
    double frames_sent = 0;
    double wire_gbits_received = 0;  ///< of frames without preamble, check sequence and gap
    double wire_gbits_sent = 0;
    double text_gbits_received = 0;
    double text_gbits_sent = 0;
    std::uint64_t open = 0;

    [[nodiscard]] double frames() const { return frames_received + frames_sent; }
    [[nodiscard]] double frame_bytes() const {
        return frames() > 0 ? (wire_gbits_received + wire_gbits_sent) * 1e9 / 8 / frames() : 0;
    }
};

[[nodiscard]] Figures figures_of(const load::Numbers& before, const load::Numbers& after, double seconds);

}  // namespace terminus::app
