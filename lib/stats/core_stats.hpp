#pragma once

#include <iterator>

#include "stats/counter.hpp"
#include "stats/reasons.hpp"

namespace terminus::stats {

/// The two legs of a proxied session.
enum class Leg : std::uint8_t { Client, Backend };
inline constexpr std::size_t kLegs = 2;

/// The eleven states of RFC 9293 3.3.2, in Linux's order of `ss`; gauges are kept for each.
inline constexpr std::size_t kTcpStates = 11;

/// What happens on one leg's connections.
struct LegStats {
    std::array<Counter, kTcpStates> connections;  ///< gauge by tcp::State
    Counter opens_active;                         ///< SYNs sent for new connections (Linux TcpActiveOpens)
    Counter opens_passive;                        ///< handshakes begun by a peer (Linux TcpPassiveOpens)
    Counter established;                          ///< handshakes completed
    Counter bytes_received;                       ///< in-order payload
    Counter bytes_sent;                           ///< payload acknowledged by the peer
    Counter segments_received;
    Counter segments_sent;
    Counter segments_retransmitted_bytes;  ///< payload sent again
    CounterArray<CloseReason, std::size(kCloseReasons)> closes;
    CounterArray<RetransmitCause, std::size(kRetransmitCauses)> retransmits;
    CounterArray<Timer, std::size(kTimers)> timer_expirations;
    CounterArray<ResetReason, std::size(kResetReasons)> resets_sent;
    Counter resets_received;
    Counter challenge_acks;  ///< RFC 5961
    Counter challenge_acks_limited;
    Counter out_of_order_segments;
    Counter duplicate_segments;
    Counter zero_window_probes_sent;
    Counter recoveries;  ///< fast recoveries begun
    Counter
        spurious_recoveries;    ///< found needless, by timestamps or D-SACK, and taken back (RFC 4015, 3708)
    Counter spurious_timeouts;  ///< the same of retransmission time-outs (RFC 5682, 4015)
    Counter tail_loss_probes;   ///< sent (RFC 8985 7.3)
    Counter tail_losses;        ///< losses that only a tail loss probe repaired (RFC 8985 7.4)
    Counter congestion_marks;   ///< segments received with CE (RFC 3168)
    Counter ecn_reductions;     ///< window reductions for an ECN echo (RFC 3168)
    Counter reordering_seen;    ///< segments found to have arrived out of order
    Counter dsacks_received;    ///< RFC 2883
    Counter sack_reneging;      ///< the peer went back on a SACK (RFC 2018 8)
    Counter sack_blocks_ignored;  ///< blocks outside of what is outstanding
    Counter zero_windows_advertised;
    Counter path_black_holes;    ///< time-outs in a row that made segments smaller (RFC 4821 7.7)
    Counter mtu_probes_arrived;  ///< RFC 4821 7.6.1
    Counter mtu_probes_lost;     ///< and nothing beside them (RFC 4821 7.6.2)
    Counter icmp_soft_errors;    ///< that quoted what was in flight and ended nothing (RFC 5461, 5927 5.2)
};

/// One core's numbers. Only its worker writes; the control thread reads whenever it likes.
struct CoreStats {
    std::array<LegStats, kLegs> legs;
    CounterArray<DropReason, std::size(kDropReasons)> drops;
    Counter frames_received;
    Counter frames_sent;
    Counter bytes_received;  ///< of frames as the device gives and takes them, Ethernet header included
    Counter bytes_sent;
    Counter tso_frames;    ///< sent for the device to cut into segments
    Counter tso_segments;  ///< that it makes of them
    Counter checksums_verified_in_software;
    Counter fragments_received;
    Counter datagrams_reassembled;
    Counter resets_sent_without_connection;
    Counter hand_overs_sent;  ///< frames that belonged to another worker
    Counter hand_overs_received;
    Counter half_open;                 ///< gauge
    Counter connections_resting;       ///< gauge, quiet and packed
    Counter connections_woken;         ///< that were at rest
    Counter syn_cookies_sent;          ///< Linux TcpExtSyncookiesSent
    Counter syn_cookies_accepted;      ///< handshakes that one completed (Linux TcpExtSyncookiesRecv)
    Counter syn_cookies_refused;       ///< ACKs that were none (Linux TcpExtSyncookiesFailed)
    Counter fast_opens_accepted;       ///< SYNs with a good cookie (Linux TcpExtTCPFastOpenPassive)
    Counter fast_opens_refused;        ///< SYNs with a wrong one (Linux TcpExtTCPFastOpenPassiveFail)
    Counter fast_opens_limited;        ///< good ones beyond the limit (Linux TcpExtTCPFastOpenListenOverflow)
    Counter fast_opens_active;         ///< SYNs of ours whose text was taken (Linux TcpExtTCPFastOpenActive)
    Counter fast_opens_active_failed;  ///< whose text was not (Linux TcpExtTCPFastOpenActiveFail)
    Counter fast_open_blackholes;      ///< peers left alone after a loss (Linux TcpExtTCPFastOpenBlackhole)
    Counter fast_open_cookies_requested;  ///< by clients (Linux TcpExtTCPFastOpenCookieReqd)
    Counter fast_open_cookies_sent;       ///< to them, asked for or instead of a wrong or old one
    Counter time_wait;                    ///< gauge
    Counter out_of_order_buffers;         ///< gauge, held ahead of gaps
    Counter neighbours;                   ///< gauge, resolved entries
    Counter source_ports_used;            ///< gauge
    Counter source_ports_exhausted;
    Counter buffers_used;   ///< gauge
    Counter buffers_total;  ///< gauge
    Counter turns;
    Counter turns_busy;
    Counter busy_ns;  ///< time in turns that did work
    Counter idle_ns;  ///< time in turns that found nothing, and asleep
    CounterArray<Wake, std::size(kWakes)> wakes;
    Counter interrupts_missed;  ///< sleeps in which a frame came and no port told

    [[nodiscard]] LegStats& leg(Leg which) { return legs[static_cast<std::size_t>(which)]; }
    [[nodiscard]] const LegStats& leg(Leg which) const { return legs[static_cast<std::size_t>(which)]; }
};

}  // namespace terminus::stats
