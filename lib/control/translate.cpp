#include "control/translate.hpp"

namespace terminus::control {

namespace {

tcp::CongestionAlgorithm algorithm_of(config::CongestionControl control) {
    switch (control) {
        case config::CongestionControl::Cubic:
            return tcp::CongestionAlgorithm::Cubic;
        case config::CongestionControl::Reno:
            return tcp::CongestionAlgorithm::Reno;
        case config::CongestionControl::Bbr:
            return tcp::CongestionAlgorithm::Bbr;
    }
    return tcp::CongestionAlgorithm::Cubic;
}

tcp::FastOpenKeyChoice key_choice_of(const std::optional<config::FastOpenKey>& key) {
    tcp::FastOpenKeyChoice choice;
    if (!key) return choice;
    choice.keys[choice.count++].bytes = key->primary;
    if (key->backup) choice.keys[choice.count++].bytes = *key->backup;
    return choice;
}

}  // namespace

tcp::Tunables tunables_of(const config::Tcp& tcp, std::uint32_t workers) {
    tcp::Tunables t;
    t.syn_retries = tcp.syn_retries;
    t.synack_retries = tcp.synack_retries;
    t.retries2 = tcp.retries2;
    t.orphan_retries = tcp.orphan_retries;
    t.rto_initial = tcp.rto_initial;
    t.rto_min = tcp.rto_min;
    t.rto_max = tcp.rto_max;
    t.user_timeout = tcp.user_timeout;
    t.quickack = tcp.quickack;
    t.delack_segments = tcp.delack_segments;
    t.delack_min = tcp.delack_min;
    t.delack_max = tcp.delack_max;
    t.keepalive = tcp.keepalive;
    t.keepalive_time = tcp.keepalive_time;
    t.keepalive_intvl = tcp.keepalive_intvl;
    t.keepalive_probes = tcp.keepalive_probes;
    t.fin_timeout = tcp.fin_timeout;
    t.time_wait = tcp.time_wait;
    t.max_tw_buckets = share(tcp.max_tw_buckets, workers);
    t.tw_reuse = tcp.tw_reuse;
    t.rfc1337 = tcp.rfc1337;
    t.max_syn_backlog = share(tcp.max_syn_backlog, workers);
    t.syncookies = tcp.syncookies;
    t.fastopen = tcp.fastopen;
    t.fastopen_key = key_choice_of(tcp.fastopen_key);
    t.fastopen_key_lifetime = tcp.fastopen_key_lifetime;
    t.fastopen_blackhole_timeout = tcp.fastopen_blackhole_timeout;
    t.max_fastopen = share(tcp.max_fastopen, workers);
    t.max_orphans = share(tcp.max_orphans, workers);
    t.rmem = {tcp.rmem.min, tcp.rmem.initial, tcp.rmem.max};
    t.wmem = {tcp.wmem.min, tcp.wmem.initial, tcp.wmem.max};
    t.moderate_rcvbuf = tcp.moderate_rcvbuf;
    t.notsent_lowat = tcp.notsent_lowat.value_or(UINT32_MAX);
    t.congestion_control = algorithm_of(tcp.congestion_control);
    t.out_of_order_segments = tcp.out_of_order_segments;
    t.out_of_order_holes = tcp.out_of_order_holes;
    t.out_of_order_bytes = tcp.out_of_order_bytes;
    t.max_out_of_order = share(tcp.max_out_of_order, workers);
    t.sack = tcp.sack;
    t.dsack = tcp.dsack;
    t.ecn = tcp.ecn;
    t.frto = tcp.frto;
    t.early_retrans = tcp.early_retrans;
    t.slow_start_after_idle = tcp.slow_start_after_idle;
    t.timestamps = tcp.timestamps;
    t.window_scaling = tcp.window_scaling;
    t.nodelay = tcp.nodelay;
    t.autocorking = tcp.autocorking;
    t.challenge_ack_limit = tcp.challenge_ack_limit;
    t.min_snd_mss = tcp.min_snd_mss;
    t.mtu_probing = tcp.mtu_probing;
    t.base_mss = tcp.base_mss;
    t.mtu_probe_floor = tcp.mtu_probe_floor;
    t.probe_interval = tcp.probe_interval;
    t.probe_threshold = tcp.probe_threshold;
    t.mtu_expires = tcp.mtu_expires;
    t.hop_limit = tcp.hop_limit;
    t.traffic_class = tcp.traffic_class;
    t.auto_flowlabels = tcp.auto_flowlabels;
    return t;
}

tcp::TunableOverrides overrides_of(const config::Leg& leg) {
    tcp::TunableOverrides overrides;
    if (leg.congestion_control) overrides.congestion_control = algorithm_of(*leg.congestion_control);
    // RFC 9293 3.9.1.9, MUST-48.
    overrides.traffic_class = leg.traffic_class;
    overrides.auto_flowlabels = leg.auto_flowlabels;
    return overrides;
}

}  // namespace terminus::control
