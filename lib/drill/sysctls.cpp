#include "drill/sysctls.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "drill/lexer.hpp"
#include "drill/shell.hpp"

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
constexpr std::array<std::string_view, 10> kSwitches{
    "timestamps", "sack",      "dsack",   "window_scaling", "rfc1337",
    "tw_reuse",   "keepalive", "nodelay", "autocorking",    "moderate_rcvbuf"};
constexpr std::int64_t kFastOpenBits = 0x607;
/// Segments are never held back to make larger bursts, nor are there bursts.
constexpr std::array<std::string_view, 2> kOffloadOnly{"tso_win_divisor", "min_tso_segs"};

/// What common/defaults.sh of the public scripts sets and may not exist here as a tunable, because this
/// behaviour is the only one, or because the script that depends on it sets it again.
constexpr std::array<std::pair<std::string_view, std::string_view>, 21> kBaseline{{
    {"tcp_rmem", "4096 540000 15728640"},
    {"tcp_wmem", "4096 262144 4194304"},
    {"tcp_timestamps", "1"},
    {"tcp_syn_retries", "5"},
    {"tcp_synack_retries", "5"},
    {"tcp_frto", "2"},
    {"tcp_sack", "1"},
    {"tcp_dsack", "1"},
    {"tcp_fack", "0"},
    {"tcp_reordering", "3"},
    {"tcp_congestion_control", "cubic"},
    {"tcp_slow_start_after_idle", "0"},
    {"tcp_early_retrans", "4"},
    {"tcp_recovery", "1"},
    {"tcp_ecn", "0"},
    {"tcp_pacing_ss_ratio", "200"},
    {"tcp_pacing_ca_ratio", "120"},
    {"tcp_notsent_lowat", "4294967295"},
    {"tcp_fastopen", "0x70403"},
    {"tcp_fastopen_key", "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4"},
    {"tcp_syncookies", "1"},
}};

constexpr std::array<std::string_view, 12> kLinuxPrograms{
    "tc", "ethtool", "nstat", "ip", "modprobe", "rm", "dd", "grep", "cat", "sh", "bash", "python3"};

template <typename Names>
bool contains(const Names& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::string_view last_part(std::string_view path) {
    return path.substr(path.find_last_of('/') + 1);
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

class Commands {
 public:
    Commands(TunablesOf tunables_of, Assignments& assignments)
        : tunables_of_(tunables_of), assignments_(assignments) {}

    base::Result<void, Fault> run(const ShellCommand& command) {
        line_ = command.line;
        const std::string& program = command.words.front();
        const std::string_view name = last_part(program);
        if (name == "sysctl") return sysctl(command);
        if (name == "set_sysctls.py") return set_all(command, 1);
        if (name == "defaults.sh" && program.find("common/") != std::string::npos) return baseline();
        if (name == "echo" && command.words.size() == 3 && command.words[2].starts_with(">/proc/sys/"))
            return set(command.words[2].substr(1), command.words[1]);
        const bool is_flush = name == "ip" && command.words.size() == 4 &&
                              command.words[1] == "tcp_metrics" && command.words[2] == "flush";
        if (is_flush || name.starts_with("sysctl_restore_")) return {};
        return base::Failure{
            Fault{line_, "the command `" + program + "` is not here", contains(kLinuxPrograms, name)}};
    }

 private:
    base::Result<void, Fault> sysctl(const ShellCommand& command) {
        std::size_t at = 1;
        for (; at < command.words.size() && command.words[at].starts_with('-'); ++at) {
            for (const char option : command.words[at].substr(1)) {
                if (std::string_view("qwe").find(option) == std::string_view::npos)
                    return fail("sysctl's option " + command.words[at] + " is not here");
            }
        }
        return set_all(command, at);
    }

    base::Result<void, Fault> set_all(const ShellCommand& command, std::size_t first) {
        for (std::size_t i = first; i < command.words.size(); ++i) {
            const std::string& word = command.words[i];
            const std::size_t equals = word.find('=');
            if (equals == std::string::npos) return fail("expected NAME=VALUE, not `" + word + '`');
            auto done = set(word.substr(0, equals), word.substr(equals + 1));
            if (!done) return done;
        }
        return {};
    }

    base::Result<void, Fault> set(const std::string& name, const std::string& value) {
        auto wanted = tunables_of_sysctl(name, value);
        if (!wanted) return fail(wanted.error());
        for (const Assignment& assignment : wanted.value()) {
            assignments_.push_back(assignment);
            const auto tunables = tunables_of_(assignments_);
            if (!tunables) return fail(name + '=' + value + ": " + tunables.error());
        }
        return {};
    }

    base::Result<void, Fault> baseline() {
        for (const auto& [name, value] : kBaseline) {
            const std::size_t before = assignments_.size();
            if (!set(std::string(name), std::string(value))) assignments_.resize(before);
        }
        return {};
    }

    base::Failure<Fault> fail(std::string message) const {
        return base::Failure{Fault{line_, std::move(message)}};
    }

    TunablesOf tunables_of_;
    Assignments& assignments_;
    int line_ = 0;
};

}  // namespace

base::Result<Assignments, std::string> tunables_of_sysctl(std::string_view name, std::string_view value) {
    const std::string plain = plain_name(name);
    if (plain.empty()) return base::Failure{"the sysctl `" + std::string(name) + "` is not here"};
    if (contains(kOffloadOnly, plain)) return Assignments{};
    std::string text(value);
    if (plain == "rmem" || plain == "wmem") {
        if (split(value).size() != 3) return base::Failure{std::string(name) + " wants three numbers"};
    } else if (contains(kSwitches, plain)) {
        const auto number = parse_integer(value);
        if (!number || *number < 0 || *number > 2)
            return base::Failure{std::string(name) + " can't be `" + text + '`'};
        // tw_reuse 2 is loopback only, and there is none here; timestamps 2 are without an offset.
        const bool is_on = *number == 1 || (*number == 2 && plain != "tw_reuse");
        text = is_on ? "true" : "false";
    }
    if (plain == "auto_flowlabels") {
        const auto number = parse_integer(value);
        if (!number || *number < 0 || *number > 3)
            return base::Failure{std::string(name) + " can't be `" + text + '`'};
        // 2 is only for sockets that ask for it, of which there are none; 3 is for those too that don't want
        // it.
        text = *number == 1 || *number == 3 ? "true" : "false";
    }
    if (plain == "fastopen") {
        const auto bits = parse_integer(value);
        if (!bits || *bits < 0) return base::Failure{std::string(name) + " can't be `" + text + '`'};
        // Linux has no meaning for other bits, and ignores them.
        text = std::to_string(*bits & kFastOpenBits);
    }
    for (const Unit& unit : kUnits)
        if (unit.name == plain) text += unit.suffix;
    std::string_view ours = plain;
    for (const Renamed& renamed : kRenamed)
        if (renamed.from == plain) ours = renamed.to;
    return Assignments{{std::string(ours), text}};
}

const Assignments& host_defaults() {
    static const Assignments defaults{
        {"rfc1337", "false"}, {"tw_reuse", "false"}, {"fastopen", "1"}, {"fastopen_blackhole_timeout", "0s"}};
    return defaults;
}

base::Result<void, Fault> run_commands(std::string_view text, int line, TunablesOf tunables_of,
                                       Assignments& assignments) {
    const auto commands = scan_shell(text, line);
    if (!commands) return base::Failure{commands.error()};
    Commands runner(tunables_of, assignments);
    base::Result<void, Fault> done;
    for (const ShellCommand& command : commands.value()) {
        if (command.is_alternative && done) continue;
        if (!command.is_alternative && !done) return done;
        done = runner.run(command);
    }
    return done;
}

}  // namespace terminus::drill
