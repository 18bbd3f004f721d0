#include "drill/shell_commands.hpp"

#include <algorithm>
#include <array>

#include "drill/shell.hpp"
#include "drill/sysctls.hpp"

namespace terminus::drill {
namespace {

/// What common/defaults.sh of the public scripts sets. Its queueing discipline, which holds nothing back, is
/// what a machine has.
constexpr std::array<std::pair<std::string_view, std::string_view>, 23> kBaseline{{
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
    {"tcp_tso_win_divisor", "3"},
    {"tcp_ecn", "0"},
    {"tcp_ecn_option", "2"},
    {"tcp_pacing_ss_ratio", "200"},
    {"tcp_pacing_ca_ratio", "120"},
    {"tcp_notsent_lowat", "4294967295"},
    {"tcp_fastopen", "0x70403"},
    {"tcp_fastopen_key", "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4"},
    {"tcp_syncookies", "1"},
}};

constexpr std::array<std::string_view, 12> kLinuxPrograms{
    "tc", "ethtool", "nstat", "ip", "modprobe", "rm", "dd", "grep", "cat", "sh", "bash", "python3"};
/// ip tcp_metrics flush all
constexpr std::array<std::string_view, 3> kFlush{"tcp_metrics", "flush", "all"};

std::string_view last_part(std::string_view path) {
    return path.substr(path.find_last_of('/') + 1);
}

class Commands {
 public:
    Commands(Moment moment, TunablesOf tunables_of, Assignments& assignments)
        : moment_(moment), tunables_of_(tunables_of), assignments_(assignments) {}

    base::Result<void, Fault> run(const ShellCommand& command) {
        line_ = command.line;
        const std::string& program = command.words.front();
        const std::string_view name = last_part(program);
        if (name == "sysctl") return sysctl(command);
        if (name == "set_sysctls.py") return set_all(command, 1);
        if (name == "defaults.sh" && program.find("common/") != std::string::npos) return baseline();
        if (name == "echo" && command.words.size() == 3 && command.words[2].starts_with(">/proc/sys/"))
            return set(command.words[2].substr(1), command.words[1]);
        if (name == "ip" &&
            std::equal(kFlush.begin(), kFlush.end(), command.words.begin() + 1, command.words.end())) {
            forgets_peers_ = true;
            return {};
        }
        // What comes after it would need the values that were there before.
        if (name.starts_with("sysctl_restore_") && moment_ == Moment::AtTheEnd) return {};
        const bool is_skipped =
            std::find(kLinuxPrograms.begin(), kLinuxPrograms.end(), name) != kLinuxPrograms.end();
        return base::Failure{Fault{line_, "the command `" + program + "` is not here", is_skipped}};
    }

    [[nodiscard]] CommandsEffect effect() const { return {forgets_peers_}; }

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
            if (tunables) continue;
            assignments_.pop_back();  // a command after || goes on without it
            return fail(name + '=' + value + ": " + tunables.error());
        }
        return {};
    }

    base::Result<void, Fault> baseline() {
        forgets_peers_ = true;
        for (const auto& [name, value] : kBaseline) {
            auto done = set(std::string(name), std::string(value));
            if (!done) return done;
        }
        return {};
    }

    base::Failure<Fault> fail(std::string message) const {
        return base::Failure{Fault{line_, std::move(message)}};
    }

    Moment moment_;
    TunablesOf tunables_of_;
    Assignments& assignments_;
    bool forgets_peers_ = false;
    int line_ = 0;
};

}  // namespace

base::Result<CommandsEffect, Fault> run_commands(std::string_view text, int line, Moment moment,
                                                 TunablesOf tunables_of, Assignments& assignments) {
    const auto commands = scan_shell(text, line);
    if (!commands) return base::Failure{commands.error()};
    Commands runner(moment, tunables_of, assignments);
    base::Result<void, Fault> done;
    for (const ShellCommand& command : commands.value()) {
        if (command.is_alternative && done) continue;
        if (!command.is_alternative && !done) break;
        done = runner.run(command);
    }
    if (!done) return base::Failure{done.error()};
    return runner.effect();
}

}  // namespace terminus::drill
