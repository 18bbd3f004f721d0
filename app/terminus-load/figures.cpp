#include "figures.hpp"

namespace terminus::app {

Figures figures_of(const load::Numbers& before, const load::Numbers& after, double seconds) {
    Figures figures;
    if (seconds <= 0) return figures;
    const auto rate = [&](std::uint64_t load::Numbers::*count) {
        return static_cast<double>(after.*count - before.*count) / seconds;
    };
    const auto gbits = [&](std::uint64_t load::Numbers::*bytes) { return rate(bytes) * 8 / 1e9; };
    figures.connections = rate(&load::Numbers::connections_established);
    figures.closes = rate(&load::Numbers::connections_ended);
    figures.responses = rate(&load::Numbers::responses);
    figures.frames_received = rate(&load::Numbers::frames_received);
    figures.frames_sent = rate(&load::Numbers::frames_sent);
    figures.wire_gbits_received = gbits(&load::Numbers::bytes_received);
    figures.wire_gbits_sent = gbits(&load::Numbers::bytes_sent);
    figures.text_gbits_received = gbits(&load::Numbers::text_received);
    figures.text_gbits_sent = gbits(&load::Numbers::text_sent);
    figures.open = after.open;
    return figures;
}

}  // namespace terminus::app
