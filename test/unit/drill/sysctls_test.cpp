#include "drill/sysctls.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "drill/source_root.hpp"

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

TEST_CASE("the old values of early_retrans and frto mean what Linux makes of them") {
    CHECK(ours("net.ipv4.tcp_early_retrans", "0") == "early_retrans=false");
    CHECK(ours("net.ipv4.tcp_early_retrans", "2") == "early_retrans=false");
    CHECK(ours("net.ipv4.tcp_early_retrans", "3") == "early_retrans=true");
    CHECK(ours("net.ipv4.tcp_early_retrans", "4") == "early_retrans=true");
    CHECK(ours("net.ipv4.tcp_early_retrans", "5") == "refused: net.ipv4.tcp_early_retrans can't be `5`");
    CHECK(ours("net.ipv4.tcp_frto", "0") == "frto=false");
    CHECK(ours("net.ipv4.tcp_frto", "2") == "frto=true");
}

TEST_CASE("what has no effect is taken where it says what is so anyway, and refused else") {
    CHECK(ours("net.ipv4.tcp_tso_win_divisor", "3").empty());
    CHECK(ours("net.ipv4.tcp_tso_win_divisor", "x") == "refused: net.ipv4.tcp_tso_win_divisor can't be `x`");
    CHECK(ours("net.ipv4.tcp_reordering", "3").empty());
    CHECK(ours("net.ipv4.tcp_reordering", "5") == "refused: net.ipv4.tcp_reordering can't be `5`");
    CHECK(ours("net.ipv4.tcp_recovery", "1").empty());
    CHECK(ours("net.ipv4.tcp_recovery", "0") == "refused: net.ipv4.tcp_recovery can't be `0`");
    CHECK(ours("net.core.somaxconn", "1") == "refused: the sysctl `net.core.somaxconn` is not here");
}

std::string documented_settings() {
    std::ifstream in(std::string(TERMINUS_SOURCE_ROOT) + "/docs/testing.md");
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const std::string begin = "<!-- without effect: begin -->\n", end = "<!-- without effect: end -->\n";
    const std::size_t from = text.find(begin) + begin.size();
    REQUIRE(text.find(end) != std::string::npos);
    std::istringstream rows(text.substr(from, text.find(end) - from));
    std::string all;
    // Its name and its values; the reason is for people.
    for (std::string row; std::getline(rows, row);)
        if (row.starts_with("| `")) all += row.substr(0, row.find('|', row.find('|', 1) + 1)) + "|\n";
    return all;
}

TEST_CASE("docs/testing.md lists exactly what is taken without effect") {
    std::string all;
    for (const WithoutEffect& each : sysctls_without_effect()) {
        const std::string values = each.only.empty() ? "any number" : std::string(each.only);
        all += "| `" + std::string(each.name) + "` | " + values + " |\n";
    }
    for (const std::string_view option : options_without_effect()) {
        const std::string values = option == "verbose" ? "none" : "an address";
        all += "| `--" + std::string(option) + "` | " + values + " |\n";
    }
    CHECK(documented_settings() == all);
}

TEST_CASE("an option that has no effect has a value of its kind, and one that is not here is refused") {
    RunSettings settings;
    CHECK(apply_option("gateway_ip", "192.168.0.2", settings));
    CHECK(apply_option("netmask_ip", "255.255.0.0", settings));
    CHECK(apply_option("verbose", "", settings));
    CHECK_FALSE(apply_option("gateway_ip", "nowhere", settings));
    CHECK_FALSE(apply_option("verbose", "2", settings));
    const auto scripts = apply_option("init_scripts", "/tmp/defaults.sh", settings);
    REQUIRE_FALSE(scripts);
    CHECK(scripts.error() == "the option --init_scripts is not here");
}

}  // namespace
}  // namespace terminus::drill
