#include "drill/sysctls.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>
#include <vector>

#include "drill/lexer.hpp"

namespace terminus::drill {
namespace {

// Linux's times are in these units, ours carry theirs.
struct Unit {
    std::string_view name;
    std::string_view suffix;
};
constexpr std::array kUnits{
    Unit{"fin_timeout", "s"},     Unit{"keepalive_time", "s"},
    Unit{"keepalive_intvl", "s"}, Unit{"rto_min_us", "us"},
    Unit{"rto_max_ms", "ms"},     Unit{"probe_interval", "s"},
    Unit{"mtu_expires", "s"},     Unit{"fastopen_blackhole_timeout_sec", "s"},
};
// Linux's names for what has another name or place here.
struct Renamed {
    std::string_view from;
    std::string_view to;
};
constexpr std::array kRenamed{
    Renamed{"rto_min_us", "rto_min"},
    Renamed{"rto_max_ms", "rto_max"},
    Renamed{"fastopen_blackhole_timeout_sec", "fastopen_blackhole_timeout"},
};
/// What is a TCP tunable here and something else there.
constexpr std::array kElsewhere{
    Renamed{"net.ipv4.ip_default_ttl", "hop_limit"},
    Renamed{"net.ipv4.route.mtu_expires", "mtu_expires"},
    Renamed{"net.ipv6.auto_flowlabels", "auto_flowlabels"},
};
constexpr std::array<std::string_view, 11> kSwitches{
    "timestamps", "sack",      "dsack",   "window_scaling", "rfc1337",        "frto",
    "tw_reuse",   "keepalive", "nodelay", "autocorking",    "moderate_rcvbuf"};
constexpr std::int64_t kFastOpenBits = 0x607;
// The reasons are in docs/testing.md.
constexpr std::array kWithoutEffect{
    WithoutEffect{"tcp_fack", ""},
    WithoutEffect{"tcp_reordering", "3"},
    WithoutEffect{"tcp_recovery", "1"},
    WithoutEffect{"tcp_pacing_ss_ratio", ""},
    WithoutEffect{"tcp_pacing_ca_ratio", ""},
    WithoutEffect{"tcp_tso_win_divisor", ""},
    WithoutEffect{"tcp_min_tso_segs", ""},
    WithoutEffect{"tcp_ecn_option", ""},
};

template <typename Names>
bool contains(const Names& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// "net.ipv4.tcp_sack" and "/proc/sys/net/ipv4/tcp_sack" to "sack"; empty for what is no TCP's.
std::string plain_name(std::string_view name) {
    constexpr std::string_view kProc = "/proc/sys/";
    if (name.starts_with(kProc)) name.remove_prefix(kProc.size());
    std::string text(name);
    std::replace(text.begin(), text.end(), '/', '.');
    for (const std::string_view prefix : {"net.ipv4.tcp_", "tcp_"})
        if (text.starts_with(prefix)) return text.substr(prefix.size());
    for (const Renamed& elsewhere : kElsewhere)
        if (elsewhere.from == text) return std::string(elsewhere.to);
    return "";
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> parts;
    std::string part;
    for (const char c : text) {
        if (c != ' ' && c != '\t' && c != '\n') {
            part += c;
        } else if (!part.empty()) {
            parts.push_back(std::exchange(part, {}));
        }
    }
    if (!part.empty()) parts.push_back(part);
    return parts;
}

base::Failure<std::string> bad(std::string_view name, std::string_view value) {
    return base::Failure{std::string(name) + " can't be `" + std::string(value) + '`'};
}

base::Result<std::int64_t, std::string> number_up_to(std::int64_t most, std::string_view name,
                                                     std::string_view value) {
    const auto number = parse_integer(value);
    if (!number || *number < 0 || *number > most) return bad(name, value);
    return *number;
}

}  // namespace

base::Result<Assignments, std::string> tunables_of_sysctl(std::string_view name, std::string_view value) {
    const std::string plain = plain_name(name);
    if (plain.empty()) return base::Failure{"the sysctl `" + std::string(name) + "` is not here"};
    std::string text(value);
    for (const WithoutEffect& each : kWithoutEffect) {
        if (each.name != "tcp_" + plain) continue;
        const bool is_taken = each.only.empty() ? parse_integer(value).has_value() : value == each.only;
        return is_taken ? base::Result<Assignments, std::string>(Assignments{}) : bad(name, value);
    }
    if (plain == "rmem" || plain == "wmem") {
        if (split(value).size() != 3) return base::Failure{std::string(name) + " wants three numbers"};
    } else if (contains(kSwitches, plain)) {
        const auto number = number_up_to(2, name, value);
        if (!number) return base::Failure{number.error()};
        // tw_reuse 2 is loopback only, and there is none here; timestamps 2 are without an offset.
        const bool is_on = number.value() == 1 || (number.value() == 2 && plain != "tw_reuse");
        text = is_on ? "true" : "false";
    }
    if (plain == "auto_flowlabels") {
        const auto number = number_up_to(3, name, value);
        if (!number) return base::Failure{number.error()};
        // 2 is only for sockets that ask for it, of which there are none; 3 is for those too that don't want
        // it.
        text = number.value() == 1 || number.value() == 3 ? "true" : "false";
    }
    if (plain == "early_retrans") {
        const auto number = number_up_to(4, name, value);
        if (!number) return base::Failure{number.error()};
        // 1 and 2 were about something that RACK has replaced; Linux probes no tail then.
        text = number.value() >= 3 ? "true" : "false";
    }
    if (plain == "fastopen") {
        const auto bits = number_up_to(std::numeric_limits<std::int64_t>::max(), name, value);
        if (!bits) return base::Failure{bits.error()};
        // Linux has no meaning for other bits, and ignores them.
        text = std::to_string(bits.value() & kFastOpenBits);
    }
    for (const Unit& unit : kUnits)
        if (unit.name == plain) text += unit.suffix;
    std::string_view ours = plain;
    for (const Renamed& renamed : kRenamed)
        if (renamed.from == plain) ours = renamed.to;
    return Assignments{{std::string(ours), text}};
}

std::span<const WithoutEffect> sysctls_without_effect() {
    return kWithoutEffect;
}

const Assignments& host_defaults() {
    static const Assignments defaults{
        {"rfc1337", "false"}, {"tw_reuse", "false"}, {"fastopen", "1"}, {"fastopen_blackhole_timeout", "0s"}};
    return defaults;
}

}  // namespace terminus::drill
