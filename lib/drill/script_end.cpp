#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "drill/packet_text.hpp"
#include "drill/parser.hpp"
#include "drill/script_run.hpp"
#include "drill/shell_commands.hpp"
#include "drill/sysctls.hpp"

// What comes after a script's last event, and before its first.
namespace terminus::drill {
namespace {

/// In which everything must have come to its end: retries2 at two minutes each, and TIME_WAIT.
constexpr base::Duration kAftermath = std::chrono::hours(2);

void describe(std::string& text, std::uint32_t count, const char* what) {
    if (count == 0) return;
    text += (text.empty() ? "" : ", ") + std::to_string(count) + ' ' + what;
}

}  // namespace

bool ScriptRun::finish() {
    if (!wait_for_blocked_calls() || !collect()) return false;
    if (!waiting_.empty() && !settings_.like_packetdrill) {
        return fail(script_.events.back().line, "packets were sent that the script doesn't mention",
                    unexpected());
    }
    close_all();
    return check_leftovers();
}

bool ScriptRun::wait_for_blocked_calls() {
    while (!blocked_.empty()) {
        const base::Instant limit = blocked_.front().end + settings_.tolerance;
        const bool goes_on = machine_.run_to_next_deadline(limit);
        if (!collect()) return false;
        if (!goes_on && !blocked_.empty() && machine_.now() >= limit) {
            const Event& event = *blocked_.front().event;
            return fail(event.line, std::get<SyscallEvent>(event.action).name + "() hasn't returned at " +
                                        to_string(script_time(limit)));
        }
    }
    return true;
}

/// Aborts what is left, so that nothing waits for a peer that won't answer any more.
void ScriptRun::close_all() {
    Sockets& sockets = machine_.sockets();
    const linger abort{1, 0};
    std::uint8_t bytes[sizeof abort];
    std::memcpy(bytes, &abort, sizeof abort);
    for (const Fd fd : calls_.open_fds()) {
        (void)sockets.setsockopt(fd, SOL_SOCKET, SO_LINGER, bytes);
        (void)sockets.close(fd);
    }
}

bool ScriptRun::check_leftovers() {
    const base::Instant limit = machine_.now() + kAftermath;
    while (machine_.leftovers().any() && machine_.run_to_next_deadline(limit)) {
        (void)machine_.take_sent();
    }
    const Leftovers left = machine_.leftovers();
    if (!left.any()) return true;
    std::string text;
    describe(text, left.connections, "connections");
    describe(text, left.half_opens, "half-open connections");
    describe(text, left.time_waits, "connections in TIME_WAIT");
    describe(text, left.timers, "timers");
    describe(text, left.buffers, "buffers");
    return fail(0, "two hours after the script's end, the machine still has " + text);
}

std::string ScriptRun::unexpected() const {
    std::string text;
    for (const Waiting& sent : waiting_) {
        WirePacket packet = sent.packet;
        for (const ConnectionMap& connection : connections_)
            if (connection.tuple() == sent.packet.as_sent()) connection.to_script(packet);
        text += (text.empty() ? "actual   " : "\nactual   ") + to_string(script_time(sent.at)) + " > " +
                to_string(packet, false);
    }
    return text;
}

RunResult run_script(std::string_view text, const RunSettings& settings) {
    RunResult result;
    const auto refuse = [&](Fault fault) {
        result.verdict = fault.is_skipped ? Verdict::Skipped : Verdict::Failed;
        result.fault = std::move(fault);
        return result;
    };
    auto script = parse_script(text, settings.definitions);
    if (!script) return refuse(script.error());
    RunSettings own = settings;
    own.assignments.clear();
    for (const ScriptOption& option : script.value().options) {
        const auto done = apply_option(option.name, option.value, own);
        if (!done) return refuse({option.line, done.error()});
        const bool is_for_another = option.name == "ip_version" && settings.asked_version &&
                                    !narrow_version(*settings.asked_version, own.ip_version);
        if (is_for_another)
            return refuse({option.line, "it is for " + std::string(to_string(own.ip_version)), true});
    }
    Assignments assignments = host_defaults();
    if (const auto& initial = script.value().initial) {
        const auto done =
            run_commands(initial->text, initial->line, Moment::AtTheStart, own.tunables_of, assignments);
        if (!done) return refuse(done.error());
    }
    assignments.insert(assignments.end(), own.assignments.begin(), own.assignments.end());
    assignments.insert(assignments.end(), settings.assignments.begin(), settings.assignments.end());
    const auto tunables = own.tunables_of(assignments);
    if (!tunables) return refuse({0, tunables.error()});
    if (const auto& cleanup = script.value().cleanup) {
        Assignments ignored = assignments;  // the machine is gone by then; but it must be a known command
        const auto done =
            run_commands(cleanup->text, cleanup->line, Moment::AtTheEnd, own.tunables_of, ignored);
        if (!done) return refuse(done.error());
    }
    return ScriptRun(script.value(), own, std::move(assignments), tunables.value()).run();
}

std::string report(std::string_view file, const RunResult& result) {
    std::string text(file);
    if (result.fault.line != 0) text += ':' + std::to_string(result.fault.line);
    text += ": " + result.fault.message + '\n';
    const auto indent = [&](const std::string& lines) {
        std::size_t at = 0;
        while (at < lines.size()) {
            const std::size_t end = std::min(lines.find('\n', at), lines.size());
            text += "    " + lines.substr(at, end - at) + '\n';
            at = end + 1;
        }
    };
    indent(result.details);
    if (!result.exchange.empty()) text += "  the exchange so far:\n";
    indent(result.exchange);
    return text;
}

}  // namespace terminus::drill
