#include "control/translate.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "config/keys.hpp"
#include "config/sysctl.hpp"

using namespace terminus;
using namespace std::chrono_literals;

TEST_CASE("the defaults of the file are the defaults of the machine") {
    const tcp::Tunables translated = control::tunables_of(config::Tcp{}, 1);
    const tcp::Tunables fresh;
    CHECK(translated.syn_retries == fresh.syn_retries);
    CHECK(translated.synack_retries == fresh.synack_retries);
    CHECK(translated.retries2 == fresh.retries2);
    CHECK(translated.orphan_retries == fresh.orphan_retries);
    CHECK(translated.rto_initial == fresh.rto_initial);
    CHECK(translated.rto_min == fresh.rto_min);
    CHECK(translated.rto_max == fresh.rto_max);
    CHECK(translated.user_timeout == fresh.user_timeout);
    CHECK(translated.quickack == fresh.quickack);
    CHECK(translated.delack_segments == fresh.delack_segments);
    CHECK(translated.delack_min == fresh.delack_min);
    CHECK(translated.delack_max == fresh.delack_max);
    CHECK(translated.keepalive == fresh.keepalive);
    CHECK(translated.keepalive_time == fresh.keepalive_time);
    CHECK(translated.keepalive_intvl == fresh.keepalive_intvl);
    CHECK(translated.keepalive_probes == fresh.keepalive_probes);
    CHECK(translated.fin_timeout == fresh.fin_timeout);
    CHECK(translated.time_wait == fresh.time_wait);
    CHECK(translated.max_tw_buckets == fresh.max_tw_buckets);
    CHECK(translated.tw_reuse == fresh.tw_reuse);
    CHECK(translated.rfc1337 == fresh.rfc1337);
    CHECK(translated.max_syn_backlog == fresh.max_syn_backlog);
    CHECK(translated.syncookies == fresh.syncookies);
    CHECK(translated.fastopen == fresh.fastopen);
    CHECK(translated.fastopen_key.count == fresh.fastopen_key.count);
    CHECK(translated.fastopen_key_lifetime == fresh.fastopen_key_lifetime);
    CHECK(translated.fastopen_blackhole_timeout == fresh.fastopen_blackhole_timeout);
    CHECK(translated.max_fastopen == fresh.max_fastopen);
    CHECK(translated.max_orphans == fresh.max_orphans);
    CHECK(translated.rmem == fresh.rmem);
    CHECK(translated.wmem == fresh.wmem);
    CHECK(translated.moderate_rcvbuf == fresh.moderate_rcvbuf);
    CHECK(translated.notsent_lowat == fresh.notsent_lowat);
    CHECK(translated.congestion_control == fresh.congestion_control);
    CHECK(translated.out_of_order_segments == fresh.out_of_order_segments);
    CHECK(translated.out_of_order_holes == fresh.out_of_order_holes);
    CHECK(translated.out_of_order_bytes == fresh.out_of_order_bytes);
    CHECK(translated.max_out_of_order == fresh.max_out_of_order);
    CHECK(translated.sack == fresh.sack);
    CHECK(translated.dsack == fresh.dsack);
    CHECK(translated.ecn == fresh.ecn);
    CHECK(translated.frto == fresh.frto);
    CHECK(translated.early_retrans == fresh.early_retrans);
    CHECK(translated.slow_start_after_idle == fresh.slow_start_after_idle);
    CHECK(translated.timestamps == fresh.timestamps);
    CHECK(translated.window_scaling == fresh.window_scaling);
    CHECK(translated.nodelay == fresh.nodelay);
    CHECK(translated.autocorking == fresh.autocorking);
    CHECK(translated.challenge_ack_limit == fresh.challenge_ack_limit);
    CHECK(translated.min_snd_mss == fresh.min_snd_mss);
    CHECK(translated.mtu_probing == fresh.mtu_probing);
    CHECK(translated.base_mss == fresh.base_mss);
    CHECK(translated.mtu_probe_floor == fresh.mtu_probe_floor);
    CHECK(translated.probe_interval == fresh.probe_interval);
    CHECK(translated.probe_threshold == fresh.probe_threshold);
    CHECK(translated.mtu_expires == fresh.mtu_expires);
    CHECK(translated.hop_limit == fresh.hop_limit);
    CHECK(translated.traffic_class == fresh.traffic_class);
    CHECK(translated.auto_flowlabels == fresh.auto_flowlabels);
}

TEST_CASE("every key of tcp reaches the machine") {
    // Each key set to something else must make a difference in the bytes of what is sent to the workers.
    const auto bytes_of = [](const config::Tcp& tcp) {
        tcp::Tunables t = control::tunables_of(tcp, 1);
        std::string text;
        for (const std::uint64_t v : {std::uint64_t{t.syn_retries},
                                      std::uint64_t{t.synack_retries},
                                      std::uint64_t{t.retries2},
                                      std::uint64_t{t.orphan_retries},
                                      std::uint64_t{t.quickack},
                                      std::uint64_t{t.delack_segments},
                                      std::uint64_t{t.keepalive},
                                      std::uint64_t{t.keepalive_probes},
                                      std::uint64_t{t.max_tw_buckets},
                                      std::uint64_t{t.tw_reuse},
                                      std::uint64_t{t.rfc1337},
                                      std::uint64_t{t.max_syn_backlog},
                                      std::uint64_t{t.syncookies},
                                      std::uint64_t{t.fastopen},
                                      std::uint64_t{t.fastopen_key.count},
                                      std::uint64_t{t.max_fastopen},
                                      std::uint64_t{t.max_orphans},
                                      std::uint64_t{t.rmem.min},
                                      std::uint64_t{t.rmem.initial},
                                      std::uint64_t{t.rmem.max},
                                      std::uint64_t{t.wmem.min},
                                      std::uint64_t{t.wmem.initial},
                                      std::uint64_t{t.wmem.max},
                                      std::uint64_t{t.moderate_rcvbuf},
                                      std::uint64_t{t.notsent_lowat},
                                      static_cast<std::uint64_t>(t.congestion_control),
                                      std::uint64_t{t.out_of_order_segments},
                                      std::uint64_t{t.out_of_order_holes},
                                      std::uint64_t{t.out_of_order_bytes},
                                      std::uint64_t{t.max_out_of_order},
                                      std::uint64_t{t.sack},
                                      std::uint64_t{t.dsack},
                                      std::uint64_t{t.ecn},
                                      std::uint64_t{t.frto},
                                      std::uint64_t{t.early_retrans},
                                      std::uint64_t{t.slow_start_after_idle},
                                      std::uint64_t{t.timestamps},
                                      std::uint64_t{t.window_scaling},
                                      std::uint64_t{t.nodelay},
                                      std::uint64_t{t.autocorking},
                                      std::uint64_t{t.challenge_ack_limit},
                                      std::uint64_t{t.min_snd_mss},
                                      std::uint64_t{t.mtu_probing},
                                      std::uint64_t{t.base_mss},
                                      std::uint64_t{t.mtu_probe_floor},
                                      std::uint64_t{t.probe_threshold},
                                      std::uint64_t{t.hop_limit},
                                      std::uint64_t{t.traffic_class},
                                      std::uint64_t{t.auto_flowlabels}}) {
            text += std::to_string(v) + " ";
        }
        for (const base::Duration d :
             {t.rto_initial, t.rto_min, t.rto_max, t.user_timeout, t.delack_min, t.delack_max,
              t.keepalive_time, t.keepalive_intvl, t.fin_timeout, t.time_wait, t.fastopen_key_lifetime,
              t.fastopen_blackhole_timeout, t.probe_interval, t.mtu_expires}) {
            text += std::to_string(d.count()) + " ";
        }
        return text;
    };
    const std::string fresh = bytes_of(config::Tcp{});
    for (const config::TunableText& tunable : config::list_tunables(config::Tcp{})) {
        config::Tcp tcp;
        const bool is_bool = tunable.value == "true" || tunable.value == "false";
        const bool is_time =
            tunable.value.back() == 's' || tunable.value.back() == 'h' || tunable.value.back() == 'm';
        std::vector<std::string> others{"63", "65537", "2"};
        if (is_time) others = {"150ms", "33s"};
        if (tunable.name == "congestion_control") others = {"bbr"};
        if (tunable.name == "fastopen_key") others = {"00000001-00000002-00000003-00000004"};
        if (tunable.name == "ecn") others = {"1"};
        if (is_bool) others = {tunable.value == "true" ? "false" : "true"};
        CAPTURE(tunable.name);
        REQUIRE(std::any_of(others.begin(), others.end(), [&](const std::string& other) {
            return config::set_tunable(tcp, tunable.name, other).ok();
        }));
        CHECK(bytes_of(tcp) != fresh);
    }
}

TEST_CASE("a Fast Open key of the file is Linux's sixteen bytes, and the second is the backup") {
    config::Tcp tcp;
    REQUIRE(config::set_tunable(tcp, "tcp_fastopen_key",
                                "03020100-07060504-0b0a0908-0f0e0d0c,ffffffff-00000000-00000000-00000000")
                .ok());
    const tcp::FastOpenKeyChoice choice = control::tunables_of(tcp, 1).fastopen_key;
    REQUIRE(choice.count == 2);
    for (std::uint8_t i = 0; i < 16; ++i)
        CHECK(choice.keys[0].bytes[i] == i);
    CHECK(choice.keys[1].bytes[0] == 0xff);
    CHECK(choice.keys[1].bytes[4] == 0);
}

TEST_CASE("the three sizes of a buffer keep their order") {
    config::Tcp tcp;
    REQUIRE(config::set_tunable(tcp, "tcp_rmem", "5000 6000 7000").ok());
    CHECK(control::tunables_of(tcp, 1).rmem == tcp::BufferRange(5000, 6000, 7000));
    REQUIRE(config::set_tunable(tcp, "notsent_lowat", "16k").ok());
    CHECK(control::tunables_of(tcp, 1).notsent_lowat == 16'384);
    REQUIRE(config::set_tunable(tcp, "notsent_lowat", "unlimited").ok());
    CHECK(control::tunables_of(tcp, 1).notsent_lowat == UINT32_MAX);
}

TEST_CASE("limits of the process are divided among the workers, rounded up") {
    config::Tcp tcp;
    tcp.max_tw_buckets = 10;
    tcp.max_syn_backlog = 1;
    tcp.max_orphans = 0;
    const tcp::Tunables t = control::tunables_of(tcp, 4);
    CHECK(t.max_tw_buckets == 3);
    CHECK(t.max_syn_backlog == 1);
    CHECK(t.max_orphans == 0);
    CHECK(control::share(8, 4) == 2);
    CHECK(control::share(9, 4) == 3);
}

TEST_CASE("each congestion control of the file is the machine's of that name") {
    using config::CongestionControl;
    using tcp::CongestionAlgorithm;
    const auto [named, meant] = GENERATE(
        table<CongestionControl, CongestionAlgorithm>({{CongestionControl::Cubic, CongestionAlgorithm::Cubic},
                                                       {CongestionControl::Reno, CongestionAlgorithm::Reno},
                                                       {CongestionControl::Bbr, CongestionAlgorithm::Bbr}}));
    config::Tcp tcp;
    tcp.congestion_control = named;
    CHECK(control::tunables_of(tcp, 1).congestion_control == meant);
    config::Leg leg;
    leg.congestion_control = named;
    CHECK(control::overrides_of(leg).congestion_control == meant);
    CHECK(control::overrides_of({}) == tcp::TunableOverrides{});
}

// RFC 9293 3.9.1.9, MUST-48.
TEST_CASE("a leg's traffic class overrides the process's, when there is one") {
    config::Leg leg;
    CHECK(control::overrides_of(leg).traffic_class == std::nullopt);
    leg.traffic_class = std::uint8_t{0xb8};
    CHECK(control::overrides_of(leg).traffic_class == std::uint8_t{0xb8});
    const tcp::Tunables own = control::overrides_of(leg).applied_to(tcp::Tunables{});
    CHECK(own.traffic_class == 0xb8);
}

TEST_CASE("a leg's choice of flow labels overrides the process's, when there is one") {
    config::Leg leg;
    CHECK(control::overrides_of(leg).auto_flowlabels == std::nullopt);
    leg.auto_flowlabels = false;
    CHECK_FALSE(control::overrides_of(leg).applied_to(tcp::Tunables{}).auto_flowlabels);
}
