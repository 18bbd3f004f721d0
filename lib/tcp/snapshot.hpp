#pragma once

#include <cstdint>
#include <optional>

#include "base/time.hpp"
#include "stats/reasons.hpp"
#include "tcp/congestion_algorithm.hpp"
#include "tcp/state.hpp"

namespace terminus::tcp {

/// ss's Send-Q and Recv-Q, and the running timer with its deadline for `-o`.
struct ConnectionSnapshot {
    State state;
    std::uint32_t receive_queue_bytes;
    std::uint32_t send_queue_bytes;  ///< unacknowledged and unsent
    std::optional<stats::Timer> timer;
    base::Instant deadline;
    std::uint8_t retransmits;
    base::Duration smoothed_rtt;
    base::Duration rto;
    std::uint32_t congestion_window_bytes;
    std::uint16_t send_mss;
    CongestionAlgorithm congestion_control;
};

}  // namespace terminus::tcp
