#include "drill/script_run.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cctype>

#include "drill/packet_text.hpp"
#include "drill/shell_commands.hpp"

namespace terminus::drill {
namespace {

/// How long a packet whose time is `*` is waited for: longer than any timer of TCP's but keepalive's.
constexpr base::Duration kAnyTime = std::chrono::hours(3);

/// RFC 9293 3.3.2's name with underscores: "FIN_WAIT_1".
std::string state_name(tcp::State state) {
    std::string name(tcp::label(state));
    for (char& letter : name)
        letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
    return name;
}

bool is_state_name(const std::string& name) {
    for (std::size_t i = 0; i < tcp::kStates; ++i) {
        if (state_name(static_cast<tcp::State>(i)) == name) return true;
    }
    return false;
}

MachineSettings machine_settings(const RunSettings& settings, const tcp::Tunables& tunables) {
    MachineSettings machine;
    machine.local_v4.address = settings.local_v4;
    machine.local_v6.address = settings.local_v6;
    machine.mtu = settings.mtu;
    machine.tunables = tunables;
    machine.buffers = settings.buffers;
    machine.seed = settings.seed;
    return machine;
}

CallDefaults call_defaults(const RunSettings& settings) {
    const bool is_v6 = settings.ip_version == IpVersion::V6;
    CallDefaults defaults;
    defaults.family = settings.ip_version == IpVersion::V4 ? AF_INET : AF_INET6;
    defaults.local = {is_v6 ? settings.local_v6 : settings.local_v4, settings.bind_port};
    defaults.remote = {is_v6 ? settings.remote_v6 : settings.remote_v4, settings.connect_port};
    return defaults;
}

bool is_anchored(const EventTime& time) {
    return time.kind == EventTime::Kind::Absolute || time.kind == EventTime::Kind::Relative;
}

}  // namespace

ScriptRun::ScriptRun(const Script& script, const RunSettings& settings, Assignments assignments,
                     const tcp::Tunables& tunables)
    : script_(script),
      settings_(settings),
      assignments_(std::move(assignments)),
      machine_(machine_settings(settings, tunables)),
      calls_(machine_, call_defaults(settings)),
      last_time_(machine_.now()) {
    if (is_anchored(script.events.front().time)) origin_ = script.events.front().time.from;
}

wire::IpAddress ScriptRun::local_address() const {
    return settings_.ip_version == IpVersion::V6 ? settings_.local_v6 : settings_.local_v4;
}
wire::IpAddress ScriptRun::remote_address() const {
    return settings_.ip_version == IpVersion::V6 ? settings_.remote_v6 : settings_.remote_v4;
}

RunResult ScriptRun::run() {
    bool is_good = true;
    for (const Event& event : script_.events) {
        is_good = run_event(event);
        if (!is_good) break;
    }
    result_.virtual_time = machine_.now() - Machine::kStart;
    if (is_good) (void)finish();
    for (const std::string& line : exchange_)
        result_.exchange += line + '\n';
    result_.printed = code_.printed();
    return std::move(result_);
}

ScriptRun::Due ScriptRun::due(const Event& event) const {
    using Kind = EventTime::Kind;
    const EventTime& time = event.time;
    Due due;
    const bool is_relative = time.kind == Kind::Relative || time.kind == Kind::RelativeRange;
    const bool is_range = time.kind == Kind::AbsoluteRange || time.kind == Kind::RelativeRange;
    base::Instant zero = Machine::kStart - origin_;
    // Relative times add up from when the event before was due, so that what is a little late in one place
    // doesn't shift the rest. Where the script leaves open when that was, they count from when it happened.
    if (is_relative) zero = is_anchored(time) && last_start_ ? *last_start_ : machine_.now();
    // The first event's own time is where its clock begins.
    if (time.kind == Kind::Relative && &event == &script_.events.front()) zero -= origin_;
    due.zero = zero;
    due.from = zero + time.from;
    due.until = is_range ? zero + time.until : due.from;
    due.any = time.kind == Kind::Any;
    if (due.any) {
        due.from = machine_.now();
        due.until = machine_.now() + kAnyTime;
    }
    const base::Duration since = std::max(due.from - last_time_, base::Duration{});
    due.tolerance = std::max(settings_.tolerance, since * settings_.tolerance_permille / 1000);
    return due;
}

bool ScriptRun::run_event(const Event& event) {
    const Due when = due(event);
    const auto* packet = std::get_if<PacketEvent>(&event.action);
    const bool is_output = packet != nullptr && packet->direction == PacketEvent::Direction::Out;
    if (is_output) {
        if (!expect(event, *packet, when)) return false;
    } else {
        if (!advance_to(when.from) || !check_not_late(event, when)) return false;
        bool is_good = true;
        if (packet != nullptr) is_good = inject(event, *packet);
        if (const auto* syscall = std::get_if<SyscallEvent>(&event.action))
            is_good = call(event, *syscall, when);
        if (const auto* command = std::get_if<CommandEvent>(&event.action))
            is_good = run_command(event, *command);
        if (const auto* code = std::get_if<CodeEvent>(&event.action)) is_good = run_code(event, *code);
        if (const auto* state = std::get_if<StateEvent>(&event.action)) is_good = check_state(event, *state);
        if (!is_good) return false;
    }
    last_start_ = is_anchored(event.time) ? std::optional(when.from) : std::nullopt;
    last_time_ = last_start_.value_or(machine_.now());
    return true;
}

bool ScriptRun::advance_to(base::Instant when) {
    while (machine_.run_to_next_deadline(when)) {
        if (!collect()) return false;
    }
    return collect();
}

bool ScriptRun::check_not_late(const Event& event, const Due& due) {
    if (machine_.now() <= due.from + due.tolerance) return true;
    return fail(event.line, "an event that was due at " + to_string(script_time(due.from)) +
                                " comes after one at " + to_string(script_time(machine_.now())));
}

bool ScriptRun::run_command(const Event& event, const CommandEvent& command) {
    note(machine_.now(), '`' + command.text + '`');
    const auto done =
        run_commands(command.text, event.line, Moment::OnTheWay, settings_.tunables_of, assignments_);
    if (!done) {
        result_.verdict = done.error().is_skipped ? Verdict::Skipped : Verdict::Failed;
        result_.fault = done.error();
        return false;
    }
    const auto tunables = settings_.tunables_of(assignments_);
    if (!tunables) return fail(event.line, tunables.error());
    machine_.set_tunables(tunables.value());
    if (done.value().forgets_peers) machine_.forget_peers();
    return true;
}

bool ScriptRun::run_code(const Event& event, const CodeEvent& code) {
    std::optional<int> fd = current_ != nullptr ? current_->fd : std::nullopt;
    if (!fd) fd = newest_;
    Symbols symbols;
    const auto machine_fd = fd ? calls_.machine_fd(*fd) : std::nullopt;
    if (machine_fd) {
        if (const auto info = machine_.sockets().tcp_info(*machine_fd)) symbols = info->fields();
    }
    const auto done = code_.run(code.text, event.line, symbols);
    note(machine_.now(), "%{" + code.text + "}%");
    return done ? true : fail(done.error().line, done.error().message);
}

bool ScriptRun::check_state(const Event& event, const StateEvent& state) {
    if (!is_state_name(state.name)) return fail(event.line, "there is no state " + state.name);
    tcp::State actual = tcp::State::Closed;
    if (listening_) {
        const auto fd = calls_.machine_fd(*listening_);
        if (fd) actual = machine_.sockets().state(*fd).value_or(tcp::State::Closed);
    } else if (current_ != nullptr && current_->tuple().local.port != 0) {
        actual = machine_.state(current_->tuple()).value_or(tcp::State::Closed);
    } else if (newest_) {
        const auto fd = calls_.machine_fd(*newest_);
        if (fd) actual = machine_.sockets().state(*fd).value_or(tcp::State::Closed);
    }
    const std::string name = state_name(actual);
    note(machine_.now(), "state " + name);
    if (name == state.name) return true;
    return fail(event.line, "the state is " + name + ", not " + state.name);
}

bool ScriptRun::fail(int line, std::string message, std::string details) {
    result_.verdict = Verdict::Failed;
    result_.fault = Fault{line, std::move(message)};
    result_.details = std::move(details);
    return false;
}

std::size_t ScriptRun::note(base::Instant at, const std::string& text) {
    exchange_.push_back(to_string(script_time(at)) + ' ' + text);
    return exchange_.size() - 1;
}

}  // namespace terminus::drill
