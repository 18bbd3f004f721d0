#include "listing.hpp"

#include "stats/reasons.hpp"

namespace terminus::simulation {

std::string list_connection(const wire::FourTuple& tuple, const tcp::Connection::Snapshot& now) {
    std::string text = "  " + std::string(tcp::ss_name(now.state)) + " " +
                       std::to_string(now.receive_queue_bytes) + " " + std::to_string(now.send_queue_bytes) +
                       " " + tuple.local.to_string() + " " + tuple.remote.to_string() + " timer ";
    text += now.timer ? std::string(stats::text(*now.timer).label) : "none";
    return text + ", " + std::to_string(now.retransmits) + " retransmits\n";
}

std::string list_counts(const stats::CoreStats& stats) {
    std::string text;
    for (const stats::Leg leg : {stats::Leg::Client, stats::Leg::Backend}) {
        for (std::size_t i = 0; i < std::size(stats::kCloseReasons); ++i) {
            const std::uint64_t closed = stats.leg(leg).closes[static_cast<stats::CloseReason>(i)].value();
            if (closed == 0) continue;
            text += leg == stats::Leg::Client ? "  closed of clients " : "  closed of backends ";
            text += std::to_string(closed) + ": " + std::string(stats::kCloseReasons[i].label) + "\n";
        }
    }
    for (std::size_t i = 0; i < std::size(stats::kDropReasons); ++i) {
        const std::uint64_t dropped = stats.drops[static_cast<stats::DropReason>(i)].value();
        if (dropped == 0) continue;
        text +=
            "  dropped " + std::to_string(dropped) + ": " + std::string(stats::kDropReasons[i].label) + "\n";
    }
    return text;
}

}  // namespace terminus::simulation
