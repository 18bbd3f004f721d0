#include "drill/sysctls.hpp"

#include <catch2/catch.hpp>

namespace terminus::drill {
namespace {

std::string ours(std::string_view name, std::string_view value) {
    const auto all = tunables_of_sysctl(name, value);
    if (!all) return "refused: " + all.error();
    std::string text;
    for (const auto& [key, setting] : all.value())
        text += key + '=' + setting;
    return text;
}

TEST_CASE("a sysctl becomes our tunable, in our unit") {
    CHECK(ours("net.ipv4.tcp_timestamps", "1") == "timestamps=true");
    CHECK(ours("net/ipv4/tcp_sack", "0") == "sack=false");
    CHECK(ours("/proc/sys/net/ipv4/tcp_fin_timeout", "30") == "fin_timeout=30s");
    CHECK(ours("net.ipv4.tcp_rto_min_us", "5000") == "rto_min=5000us");
    CHECK(ours("net.ipv4.tcp_syn_retries", "5") == "syn_retries=5");
    CHECK(ours("net.ipv4.ip_default_ttl", "32") == "hop_limit=32");
    CHECK(ours("net.ipv4.tcp_mtu_probing", "2") == "mtu_probing=2");
    CHECK(ours("net.ipv4.tcp_base_mss", "512") == "base_mss=512");
    CHECK(ours("net.ipv4.tcp_mtu_probe_floor", "64") == "mtu_probe_floor=64");
    CHECK(ours("net.ipv4.tcp_probe_interval", "60") == "probe_interval=60s");
    CHECK(ours("net.ipv4.tcp_probe_threshold", "1") == "probe_threshold=1");
    CHECK(ours("net.ipv4.route.mtu_expires", "60") == "mtu_expires=60s");
}

TEST_CASE("of Linux's three buffer sizes the largest is ours") {
    CHECK(ours("net.ipv4.tcp_rmem", "4096 540000 15728640") == "rmem=4096 540000 15728640");
    CHECK(ours("net.ipv4.tcp_rmem", "4096") == "refused: net.ipv4.tcp_rmem wants three numbers");
}

TEST_CASE("a switch is 0, 1 or what 2 means for it") {
    CHECK(ours("net.ipv4.tcp_timestamps", "2") == "timestamps=true");
    CHECK(ours("net.ipv4.tcp_tw_reuse", "2") == "tw_reuse=false");
    CHECK(ours("net.ipv4.tcp_autocorking", "0") == "autocorking=false");
    CHECK(ours("net.ipv4.tcp_sack", "3") == "refused: net.ipv4.tcp_sack can't be `3`");
}

TEST_CASE("of auto_flowlabels what all sockets have is on or off") {
    CHECK(ours("net.ipv6.auto_flowlabels", "0") == "auto_flowlabels=false");
    CHECK(ours("net.ipv6.auto_flowlabels", "1") == "auto_flowlabels=true");
    CHECK(ours("net.ipv6.auto_flowlabels", "2") == "auto_flowlabels=false");
    CHECK(ours("/proc/sys/net/ipv6/auto_flowlabels", "3") == "auto_flowlabels=true");
    CHECK(ours("net.ipv6.auto_flowlabels", "4") == "refused: net.ipv6.auto_flowlabels can't be `4`");
}

TEST_CASE("of tcp_fastopen the bits that mean something are set") {
    CHECK(ours("net.ipv4.tcp_fastopen", "0x70403") == "fastopen=1027");
    CHECK(ours("net.ipv4.tcp_fastopen", "x") == "refused: net.ipv4.tcp_fastopen can't be `x`");
    CHECK(ours("net.ipv4.tcp_fastopen_blackhole_timeout_sec", "60") == "fastopen_blackhole_timeout=60s");
}

TEST_CASE("segmentation offload has nothing to set, and what is no TCP's is refused") {
    CHECK(ours("net.ipv4.tcp_tso_win_divisor", "3").empty());
    CHECK(ours("net.core.somaxconn", "1") == "refused: the sysctl `net.core.somaxconn` is not here");
}

TEST_CASE("a command after || runs only when the one before was refused") {
    Assignments set;
    const auto known = [](const Assignments& all) -> base::Result<tcp::Tunables, std::string> {
        for (const auto& [name, value] : all)
            if (name != "sack" && name != "dsack") return base::Failure{"there is no " + name};
        return tcp::Tunables{};
    };
    CHECK(run_commands("sysctl -q net.ipv4.tcp_sack=1 || sysctl -q net.ipv4.tcp_dsack=1", 1, known, set));
    CHECK(set == Assignments{{"sack", "true"}});
    set.clear();
    const auto fault = run_commands("\nsysctl net.ipv4.tcp_nonsense=1", 5, known, set);
    REQUIRE_FALSE(fault);
    CHECK(fault.error().line == 6);
}

TEST_CASE("the public scripts' baseline sets what there is") {
    Assignments set;
    const auto known = [](const Assignments& all) -> base::Result<tcp::Tunables, std::string> {
        for (const auto& [name, value] : all)
            if (name != "rmem" && name != "syn_retries") return base::Failure{"there is no " + name};
        return tcp::Tunables{};
    };
    CHECK(run_commands("../../common/defaults.sh", 1, known, set));
    CHECK(set == Assignments{{"rmem", "4096 540000 15728640"}, {"syn_retries", "5"}});
    CHECK_FALSE(run_commands("./defaults.sh", 1, known, set));
}

}  // namespace
}  // namespace terminus::drill
