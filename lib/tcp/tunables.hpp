#pragma once

#include <array>
#include <cstdint>

#include "base/siphash.hpp"
#include "base/time.hpp"
#include "tcp/buffer_range.hpp"
#include "tcp/congestion_algorithm.hpp"

namespace terminus::tcp {

using base::Duration;
using namespace std::chrono_literals;

/// Linux's tcp_fastopen_key: the key of cookies given out, and one whose cookies are still taken.
struct FastOpenKeyChoice {
    std::array<base::SipKey, 2> keys{};
    std::uint8_t count = 0;  ///< of `keys`; 0: the process's own, which change with time
    friend bool operator==(const FastOpenKeyChoice&, const FastOpenKeyChoice&) = default;
};

/// What Linux has as net.ipv4.tcp_*: same names, same units and defaults unless the comment says otherwise.
/// One value for the whole process; it may change while connections live, and they follow at their next
/// event.
struct Tunables {
    std::uint32_t syn_retries = 6;  ///< our SYNs sent again before giving up
    std::uint32_t synack_retries = 5;
    std::uint32_t retries2 = 15;       ///< unanswered retransmissions before giving up; see DESIGN 1
    std::uint32_t orphan_retries = 0;  ///< the same for orphans; 0 means 8
    Duration rto_initial = 1s;         ///< RFC 6298 2.1
    Duration rto_min = 200ms;          ///< Linux's TCP_RTO_MIN (RFC 6298 would have 1 s)
    Duration rto_max = 120s;
    Duration user_timeout = 0s;         ///< 0: retries2 alone decides (RFC 9293 3.9.1, TCP_USER_TIMEOUT)
    std::uint32_t quickack = 16;        ///< segments acknowledged at once at the start of a connection
    std::uint32_t delack_segments = 2;  ///< full segments per acknowledgement (RFC 9293 SHLD-19)
    Duration delack_min = 40ms;
    Duration delack_max = 200ms;
    bool keepalive = true;         ///< Linux: off unless the application asks
    Duration keepalive_time = 2h;  // RFC 9293 3.8.4, MUST-28.
    Duration keepalive_intvl = 75s;
    std::uint32_t keepalive_probes = 9;
    Duration fin_timeout = 60s;             ///< orphaned FIN_WAIT_2
    Duration time_wait = 60s;               ///< 2 MSL
    std::uint32_t max_tw_buckets = 262144;  ///< whole process
    bool tw_reuse = true;                   ///< active opens only (DESIGN 4)
    bool rfc1337 = true;                    ///< RST ignored in TIME_WAIT (Linux: 0)
    std::uint32_t max_syn_backlog = 4096;   ///< half-open connections, whole process
    std::uint8_t syncookies = 1;            ///< tcp::SynCookies
    std::uint16_t fastopen = 0;             ///< Linux's bits (default 1 there): kFastOpenServer and others
    FastOpenKeyChoice fastopen_key;
    Duration fastopen_key_lifetime = 4h;  ///< of keys that change; their cookies live up to twice as long
    /// How long a peer whose Fast Open SYN was lost gets none, doubled each time (Linux: 0, and for all
    /// peers).
    Duration fastopen_blackhole_timeout = 1h;
    std::uint32_t max_fastopen = 1024;  ///< opened by a cookie, handshake not complete, whole process
    std::uint32_t max_orphans = 65536;  ///< whole process
    BufferRange rmem{4096, 128u << 10, 6u << 20};  ///< receive buffer of a connection
    BufferRange wmem{4096, 16u << 10, 4u << 20};   ///< send buffer of a connection
    bool moderate_rcvbuf = true;                   ///< whether the receive buffer grows by itself
    /// Bytes not yet sent from which on the send queue takes no more (TCP_NOTSENT_LOWAT); UINT32_MAX: all
    /// that fit.
    std::uint32_t notsent_lowat = UINT32_MAX;
    /// Of connections that begin from now on; those that live keep theirs.
    CongestionAlgorithm congestion_control = CongestionAlgorithm::Cubic;
    std::uint32_t out_of_order_segments = 4096;  ///< buffers held per connection ahead of a gap
    std::uint32_t out_of_order_holes = 256;      ///< gaps per connection
    std::uint32_t out_of_order_bytes = 6u << 20;
    std::uint32_t max_out_of_order = 65536;  ///< buffers held ahead of gaps, whole process
    bool timestamps = true;                  ///< RFC 7323
    bool window_scaling = true;
    bool sack = true;                   ///< RFC 2018
    bool dsack = true;                  ///< RFC 2883: what arrived twice is reported
    std::uint8_t ecn = 2;               ///< RFC 3168: 0 off, 1 asked for, 2 only when the peer asks
    bool frto = true;                   ///< RFC 5682: time-outs that turn out spurious are taken back
    bool slow_start_after_idle = true;  ///< RFC 5681 4.1
    bool early_retrans = true;          ///< RFC 8985 7: tail loss probes (Linux: 3)
    bool nodelay = true;  ///< Linux: off unless the application asks; a proxy must not add Nagle's delay
    /// Whether a splice holds back what doesn't fill a segment while its sender hasn't pushed (Linux's is
    /// about a send queue on its way through the host; here the sender is another host).
    bool autocorking = true;
    std::uint32_t challenge_ack_limit =
        10;                              ///< per connection and second (RFC 5961 7; Linux has it per host)
    std::uint16_t min_snd_mss = 48;      ///< the floor for a peer's MSS option
    std::uint8_t mtu_probing = 0;        ///< tcp::MtuProbing
    std::uint16_t base_mss = 1024;       ///< text of a segment where the search for the path's MTU begins
    std::uint16_t mtu_probe_floor = 48;  ///< and the least that time-outs make of it
    Duration probe_interval = 600s;      ///< how long what a search has found is kept to
    std::uint16_t probe_threshold = 8;   ///< bytes of a segment; a search that can gain less is over
    Duration mtu_expires = 600s;         ///< what a router said of the path (Linux: net.ipv4.route)
    std::uint8_t hop_limit = 64;         ///< TTL and hop limit (RFC 9293 MUST-49)
    std::uint8_t traffic_class = 0;      ///< TOS, DSCP in the upper six bits
    bool auto_flowlabels = true;         ///< IPv6's flow label is the connection's own (net.ipv6), else 0
};

}  // namespace terminus::tcp
