#pragma once

#include <cstdint>
#include <optional>

#include "tcp/tunables.hpp"

namespace terminus::tcp {

/// What a listener's or a connection's owner wants otherwise than the process has it: a service's settings, a
/// socket's options. What is not set follows the process, now and when that changes.
struct TunableOverrides {
    std::optional<bool> nodelay;
    std::optional<bool> keepalive;
    std::optional<Duration> keepalive_time;
    std::optional<Duration> keepalive_intvl;
    std::optional<std::uint32_t> keepalive_probes;
    std::optional<Duration> user_timeout;
    std::optional<Duration> fin_timeout;
    std::optional<std::uint32_t> syn_retries;
    std::optional<BufferRange> rmem;
    std::optional<BufferRange> wmem;
    std::optional<std::uint32_t> notsent_lowat;
    std::optional<CongestionAlgorithm> congestion_control;
    std::optional<std::uint16_t> fastopen;
    std::optional<FastOpenKeyChoice> fastopen_key;
    std::optional<std::uint32_t> max_fastopen;
    std::optional<std::uint8_t> hop_limit;
    std::optional<std::uint8_t> traffic_class;
    std::optional<bool> auto_flowlabels;
    /// The largest MSS that we announce and send by (Linux's TCP_MAXSEG); the path's when it is less.
    std::optional<std::uint16_t> mss_max;

    [[nodiscard]] Tunables applied_to(const Tunables& process) const;
    friend bool operator==(const TunableOverrides&, const TunableOverrides&) = default;
};

}  // namespace terminus::tcp
