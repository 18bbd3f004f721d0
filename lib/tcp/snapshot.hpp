#pragma once

#include <cstdint>
#include <optional>

#include "base/time.hpp"
#include "stats/reasons.hpp"
#include "tcp/congestion_algorithm.hpp"
#include "tcp/send_times.hpp"
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
    std::uint8_t probes;   ///< of a closed window or an idle peer, unanswered
    std::uint8_t backoff;  ///< how often the running time-out was doubled
    base::Duration smoothed_rtt;
    base::Duration rtt_variation;  ///< RFC 6298's RTTVAR
    base::Duration rto;
    base::Duration receive_rtt;  ///< ReceiveTuning::round_trip()
    std::uint32_t congestion_window_bytes;
    std::uint32_t slow_start_threshold_bytes;  ///< kCongestionWindowMax or more: none yet
    std::uint64_t delivered_bytes;             ///< acknowledged or reported by SACK
    SendTimes send_times;
    base::Instant text_sent_at;         ///< the last time; at first, when the connection began
    base::Instant text_received_at;     ///< likewise
    std::uint32_t receive_space_bytes;  ///< ReceiveTuning::carried()
    std::uint16_t send_mss;
    CongestionAlgorithm congestion_control;
};

}  // namespace terminus::tcp
