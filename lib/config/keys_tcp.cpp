#include <array>

#include "config/key_row.hpp"

// The keys under `tcp:`. Names, meanings and defaults are Linux's net.ipv4.tcp_* unless the text says
// otherwise.
namespace terminus::config {
namespace {

using namespace units;

constexpr std::int64_t KiB = 1 << 10;
constexpr std::int64_t GiB = 1 << 30;

// clang-format off
constexpr std::array kTcpKeys{
    key<&Config::tcp, &Tcp::syn_retries>("tcp.syn_retries", Type::Count, {1, 127}, Apply::Live,
        "how often our SYN to a backend is sent again before giving up"),
    key<&Config::tcp, &Tcp::synack_retries>("tcp.synack_retries", Type::Count, {0, 255}, Apply::Live,
        "how often our SYN-ACK to a client is sent again before giving up"),
    key<&Config::tcp, &Tcp::retries2>("tcp.retries2", Type::Count, {1, 255}, Apply::Live,
        "unanswered retransmissions before a connection is given up; an answered zero window never counts "
        "(Linux: it does)"),
    key<&Config::tcp, &Tcp::orphan_retries>("tcp.orphan_retries", Type::Count, {0, 255}, Apply::Live,
        "unanswered retransmissions and probes before a connection that nobody is left to read from is given up; "
        "0: 8, and none once the timeout is `rto_max`"),
    key<&Config::tcp, &Tcp::rto_initial>("tcp.rto_initial", Type::Time, {10 * ms, 60 * s}, Apply::Live,
        "retransmission timeout before the first round trip is measured (RFC 6298)"),
    key<&Config::tcp, &Tcp::rto_min>("tcp.rto_min", Type::Time, {1 * ms, 60 * s}, Apply::Live,
        "smallest retransmission timeout (RFC 6298 would have 1s; Linux 200ms)"),
    key<&Config::tcp, &Tcp::rto_max>("tcp.rto_max", Type::Time, {1 * s, 1 * h}, Apply::Live,
        "largest retransmission timeout, where doubling stops"),
    key<&Config::tcp, &Tcp::user_timeout>("tcp.user_timeout", Type::Time, {0, 24 * h}, Apply::Live,
        "how long sent data may stay unacknowledged, or a peer silent that keepalive asks; 0: `retries2` and `keepalive_probes` decide"),
    key<&Config::tcp, &Tcp::quickack>("tcp.quickack", Type::Count, {0, 1000}, Apply::Live,
        "segments acknowledged at once at the start of a connection, after a pause and of a peer that sends "
        "again"),
    key<&Config::tcp, &Tcp::delack_segments>("tcp.delack_segments", Type::Count, {1, 64}, Apply::Live,
        "full segments per acknowledgement"),
    key<&Config::tcp, &Tcp::delack_min>("tcp.delack_min", Type::Time, {0, 499 * ms}, Apply::Live,
        "how long an acknowledgement is held back"),
    // RFC 9293 3.8.6.3, MUST-40: less than half a second.
    key<&Config::tcp, &Tcp::delack_max>("tcp.delack_max", Type::Time, {0, 499 * ms}, Apply::Live,
        "the longest an acknowledgement is ever held back (RFC 1122: under 500ms)"),
    key<&Config::tcp, &Tcp::keepalive>("tcp.keepalive", Type::Bool, {}, Apply::Live,
        "whether idle connections are probed, both legs (Linux: off unless the application asks)"),
    key<&Config::tcp, &Tcp::keepalive_time>("tcp.keepalive_time", Type::Time, {1 * s, 32767 * s}, Apply::Live,
        "idle time before the first keepalive probe"),
    key<&Config::tcp, &Tcp::keepalive_intvl>("tcp.keepalive_intvl", Type::Time, {1 * s, 32767 * s}, Apply::Live,
        "time between keepalive probes"),
    key<&Config::tcp, &Tcp::keepalive_probes>("tcp.keepalive_probes", Type::Count, {1, 127}, Apply::Live,
        "unanswered keepalive probes before the connection is given up"),
    key<&Config::tcp, &Tcp::fin_timeout>("tcp.fin_timeout", Type::Time, {1 * s, 1 * h}, Apply::Live,
        "how long FIN_WAIT_2 may last when nobody is left to take the data; not the length of TIME_WAIT, which "
        "is `time_wait`"),
    key<&Config::tcp, &Tcp::time_wait>("tcp.time_wait", Type::Time, {1 * s, 4 * 60 * s}, Apply::Live,
        "length of TIME_WAIT, 2 MSL (Linux: 60s, fixed); not the limit of FIN_WAIT_2, which is `fin_timeout`"),
    key<&Config::tcp, &Tcp::max_tw_buckets>("tcp.max_tw_buckets", Type::Count, {1, 1 << 26}, Apply::Live,
        "connections in TIME_WAIT, whole process; room is made at start, so more than then needs a restart"),
    key<&Config::tcp, &Tcp::tw_reuse>("tcp.tw_reuse", Type::Bool, {}, Apply::Live,
        "whether a new connection to a backend may take the place of one in TIME_WAIT when timestamps prove it "
        "safe (Linux: 2, loopback only)"),
    key<&Config::tcp, &Tcp::rfc1337>("tcp.rfc1337", Type::Bool, {}, Apply::Live,
        "whether a RST in TIME_WAIT is ignored (Linux: 0)"),
    key<&Config::tcp, &Tcp::max_syn_backlog>("tcp.max_syn_backlog", Type::Count, {1, 1 << 24}, Apply::Live,
        "half-open connections, whole process; room is made at start, so more than then needs a restart"),
    key<&Config::tcp, &Tcp::syncookies>("tcp.syncookies", Type::Count, {0, 2}, Apply::Live,
        "SYN cookies: 0 never, 1 when `max_syn_backlog` is reached, 2 always"),
    key<&Config::tcp, &Tcp::fastopen>("tcp.fastopen", Type::Count, {0, 0x607}, Apply::Live,
        "TCP Fast Open, the sum of Linux's bits: 1 towards backends, 2 for clients of ours, 4 and 512 without cookies "
        "(1024 changes nothing: no service has to ask) (Linux: 1)"),
    automatic("own", key<&Config::tcp, &Tcp::fastopen_key>("tcp.fastopen_key", Type::Text, {}, Apply::Live,
        "the key of Fast Open cookies as Linux writes it, four groups of eight hexadecimal digits, and after a comma "
        "one whose cookies are still taken; own: random ones that change")),
    key<&Config::tcp, &Tcp::fastopen_key_lifetime>("tcp.fastopen_key_lifetime", Type::Time, {1 * s, 7 * 24 * h}, Apply::Live,
        "how long an own key makes cookies; they are taken for as long again"),
    key<&Config::tcp, &Tcp::fastopen_blackhole_timeout>("tcp.fastopen_blackhole_timeout", Type::Time, {0, 24 * h}, Apply::Live,
        "how long a backend whose Fast Open SYN was lost gets none, twice as long each time; 0: it gets the next (Linux: "
        "0, for all peers together)"),
    key<&Config::tcp, &Tcp::max_fastopen>("tcp.max_fastopen", Type::Count, {0, 1 << 24}, Apply::Live,
        "connections opened by a Fast Open cookie whose handshake is not complete, whole process (Linux: the "
        "listener's TCP_FASTOPEN)"),
    key<&Config::tcp, &Tcp::max_orphans>("tcp.max_orphans", Type::Count, {0, 1 << 24}, Apply::Live,
        "connections that only wait for their peer in FIN_WAIT_1, FIN_WAIT_2, CLOSING or LAST_ACK, whole process"),
    key<&Config::tcp, &Tcp::rmem>("tcp.rmem", Type::Buffer, {4 * KiB, GiB}, Apply::Live,
        "receive buffer of a connection: what it has even while memory is short, what it begins with, what it may grow "
        "to; one size is the last two"),
    key<&Config::tcp, &Tcp::wmem>("tcp.wmem", Type::Buffer, {4 * KiB, GiB}, Apply::Live,
        "send buffer of a connection: twice what the path carries, within the second and third size; one size is the "
        "last two"),
    key<&Config::tcp, &Tcp::moderate_rcvbuf>("tcp.moderate_rcvbuf", Type::Bool, {}, Apply::Live,
        "whether receive buffers grow with what is read in a round trip"),
    automatic("unlimited", key<&Config::tcp, &Tcp::notsent_lowat>("tcp.notsent_lowat", Type::Size, {1, UINT32_MAX}, Apply::Live,
        "bytes not yet sent from which on a send buffer takes no more; unlimited: until it is full")),
    key<&Config::tcp, &Tcp::congestion_control>("tcp.congestion_control", Type::Choice, {}, Apply::Live,
        "how new connections find their rate: `cubic`, `reno` or `bbr`"),
    key<&Config::tcp, &Tcp::out_of_order_segments>("tcp.out_of_order_segments", Type::Count, {0, 65535}, Apply::Live,
        "segments held per connection until a gap before them is filled"),
    key<&Config::tcp, &Tcp::out_of_order_holes>("tcp.out_of_order_holes", Type::Count, {0, 65535}, Apply::Live,
        "gaps per connection before segments that are held"),
    key<&Config::tcp, &Tcp::out_of_order_bytes>("tcp.out_of_order_bytes", Type::Size, {0, GiB}, Apply::Live,
        "bytes held per connection until a gap before them is filled"),
    key<&Config::tcp, &Tcp::max_out_of_order>("tcp.max_out_of_order", Type::Count, {0, 1 << 24}, Apply::Live,
        "segments held until a gap before them is filled, whole process"),
    key<&Config::tcp, &Tcp::sack>("tcp.sack", Type::Bool, {}, Apply::Live,
        "whether selective acknowledgements are offered and accepted (RFC 2018)"),
    key<&Config::tcp, &Tcp::dsack>("tcp.dsack", Type::Bool, {}, Apply::Live,
        "whether a segment that came twice is reported (RFC 2883)"),
    key<&Config::tcp, &Tcp::ecn>("tcp.ecn", Type::Count, {0, 2}, Apply::Live,
        "explicit congestion notification (RFC 3168): 0 off, 1 asked for, 2 only when the peer asks"),
    key<&Config::tcp, &Tcp::frto>("tcp.frto", Type::Bool, {}, Apply::Live,
        "whether a retransmission time-out is checked for being spurious (RFC 5682; Linux: 2)"),
    key<&Config::tcp, &Tcp::early_retrans>("tcp.early_retrans", Type::Bool, {}, Apply::Live,
        "whether the tail of what was sent is probed after two round trips without an answer (RFC 8985; Linux: 3)"),
    key<&Config::tcp, &Tcp::slow_start_after_idle>("tcp.slow_start_after_idle", Type::Bool, {}, Apply::Live,
        "whether sending restarts from the initial window after a pause of a time-out (RFC 5681)"),
    key<&Config::tcp, &Tcp::timestamps>("tcp.timestamps", Type::Bool, {}, Apply::Live,
        "whether timestamps are offered and accepted (RFC 7323)"),
    key<&Config::tcp, &Tcp::window_scaling>("tcp.window_scaling", Type::Bool, {}, Apply::Live,
        "whether window scaling is offered and accepted (RFC 7323)"),
    key<&Config::tcp, &Tcp::nodelay>("tcp.nodelay", Type::Bool, {}, Apply::Live,
        "whether small segments are sent at once (Linux: off unless the application asks)"),
    key<&Config::tcp, &Tcp::autocorking>("tcp.autocorking", Type::Bool, {}, Apply::Live,
        "whether what fills no segment waits a little for the rest while its sender hasn't pushed (Linux: while "
        "packets of the connection wait in the host's queues)"),
    key<&Config::tcp, &Tcp::challenge_ack_limit>("tcp.challenge_ack_limit", Type::Count, {1, 1'000'000}, Apply::Live,
        "challenge ACKs per connection and second (RFC 5961; Linux: per host)"),
    key<&Config::tcp, &Tcp::min_snd_mss>("tcp.min_snd_mss", Type::Count, {48, 1460}, Apply::Live,
        "the smallest segment size a peer can make us send"),
    key<&Config::tcp, &Tcp::mtu_probing>("tcp.mtu_probing", Type::Count, {0, 2}, Apply::Live,
        "whether segments that may be too large are sent to learn what the path carries (RFC 4821): 0 never, 1 after "
        "a black hole, where four time-outs in a row make segments smaller, 2 always"),
    key<&Config::tcp, &Tcp::base_mss>("tcp.base_mss", Type::Count, {48, 9000}, Apply::Live,
        "bytes of a segment with which that begins"),
    key<&Config::tcp, &Tcp::mtu_probe_floor>("tcp.mtu_probe_floor", Type::Count, {48, 9000}, Apply::Live,
        "the smallest that further time-outs make it, one half each"),
    key<&Config::tcp, &Tcp::probe_interval>("tcp.probe_interval", Type::Time, {1 * s, 24 * h}, Apply::Live,
        "how long what was found is kept to before larger segments are tried again"),
    key<&Config::tcp, &Tcp::probe_threshold>("tcp.probe_threshold", Type::Count, {1, 9000}, Apply::Live,
        "bytes of a segment; a search that can gain less than that is over"),
    key<&Config::tcp, &Tcp::mtu_expires>("tcp.mtu_expires", Type::Time, {1 * s, 24 * h}, Apply::Live,
        "how long a router's word that the path carries less is believed (Linux: net.ipv4.route.mtu_expires)"),
    key<&Config::tcp, &Tcp::hop_limit>("tcp.hop_limit", Type::Count, {1, 255}, Apply::Live,
        "TTL and hop limit of what we send (Linux: ip_default_ttl)"),
    key<&Config::tcp, &Tcp::traffic_class>("tcp.traffic_class", Type::Count, {0, 255}, Apply::Live,
        "TOS and traffic class of what we send: DSCP in the upper six bits, the lower two are ECN's"),
    key<&Config::tcp, &Tcp::auto_flowlabels>("tcp.auto_flowlabels", Type::Bool, {}, Apply::Live,
        "whether each connection over IPv6 has a flow label of its own; without, it is 0 (Linux: net.ipv6.auto_flowlabels)"),
};
// clang-format on

constexpr std::string_view kNotYet = "is not in this version";
constexpr std::string_view kNotHere =
    "the length of TIME_WAIT is `tcp.time_wait`, 2 MSL; `tcp.fin_timeout` is the limit "
    "of an orphaned FIN_WAIT_2";

constexpr std::string_view kAllControls =
    "is not here: `tcp.congestion_control` can be any of `cubic`, `reno` and `bbr`";

constexpr std::array kMissing{
    Missing{"tcp.fack", kNotYet},
    Missing{"tcp.recovery", kNotYet},
    Missing{"tcp.allowed_congestion_control", kAllControls},
    Missing{"tcp.available_congestion_control", kAllControls},
    Missing{"tcp.ecn_fallback", "is not here: a SYN that is sent again never asks for ECN"},
    Missing{"tcp.pacing_ss_ratio", kNotYet},
    Missing{"tcp.pacing_ca_ratio", kNotYet},
    Missing{"tcp.thin_linear_timeouts", kNotYet},
    Missing{"tcp.retries1",
            "is not here: routes are not looked for again after a retransmission, and a black hole "
            "is suspected after three (`tcp.mtu_probing`)"},
    Missing{"tcp.abort_on_overflow", "is not here: a handshake that finds no room is completed later"},
    Missing{"tcp.mem", "is not here: memory is limited by `buffers.count`"},
    Missing{"tcp.tw_recycle", "is gone, from Linux too: it broke clients behind NAT; see `tcp.tw_reuse`"},
    Missing{"tcp.msl", kNotHere},
    Missing{"tcp.timewait", kNotHere},
    Missing{"tcp.tw_timeout", kNotHere},
    Missing{"tcp.timewait_timeout", kNotHere},
    Missing{"tcp.time_wait_timeout", kNotHere},
    Missing{"tcp.timewait_len", kNotHere},
    Missing{"tcp.close_wait_timeout", kNotHere},
    Missing{"tcp.fin_wait", kNotHere},
    Missing{"tcp.fin_wait_timeout", kNotHere},
    Missing{"tcp.fin_wait_2", kNotHere},
    Missing{"tcp.fin_wait2_timeout", kNotHere},
    Missing{"limits.time_wait", "is not here: connections in TIME_WAIT are limited by `tcp.max_tw_buckets`"},
    Missing{"limits.half_open", "is not here: half-open connections are limited by `tcp.max_syn_backlog`"},
    Missing{"limits.orphans", "is not here: orphans are limited by `tcp.max_orphans`"},
};

}  // namespace

std::span<const Key> tcp_keys() {
    return kTcpKeys;
}
std::span<const Missing> missing_keys() {
    return kMissing;
}

}  // namespace terminus::config
