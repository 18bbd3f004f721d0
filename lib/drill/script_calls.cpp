#include "drill/call_outputs.hpp"
#include "drill/call_text.hpp"
#include "drill/packet_text.hpp"
#include "drill/script_run.hpp"

// System calls of a script, those that block included.
namespace terminus::drill {
bool ScriptRun::call(const Event& event, const SyscallEvent& syscall, const Due& due) {
    auto begun = calls_.begin(syscall, event.line);
    if (!begun) {
        result_.verdict = begun.error().is_skipped ? Verdict::Skipped : Verdict::Failed;
        result_.fault = begun.error();
        return false;
    }
    const std::size_t line = note(machine_.now(), to_string(syscall));
    take_effect(begun.value().effect);
    if (const auto* result = std::get_if<CallResult>(&begun.value().outcome)) {
        if (syscall.end && !check_return_time(event, due.zero + *syscall.end, result->at)) return false;
        return finish_call(event, *result, line) && collect();
    }
    if (!syscall.end)
        return fail(event.line, syscall.name + "() blocks, and the script doesn't say so (TIME...TIME)");
    blocked_.push_back({&event, std::get<CallId>(begun.value().outcome), due.zero + *syscall.end, line});
    return collect();
}

bool ScriptRun::check_return_time(const Event& event, base::Instant end, base::Instant at) {
    const base::Duration off = at > end ? at - end : end - at;
    if (off <= settings_.tolerance) return true;
    return fail(event.line, "the call returned at " + to_string(script_time(at)) + ", not at " +
                                to_string(script_time(end)));
}

bool ScriptRun::finish_call(const Event& event, const CallResult& result, std::size_t exchange_line) {
    const auto& syscall = std::get<SyscallEvent>(event.action);
    exchange_[exchange_line] += " = " + to_string(result);
    if (result.at > base::Instant{} && syscall.end)
        exchange_[exchange_line] += " at " + to_string(script_time(result.at));
    auto finished = calls_.finish(syscall, event.line, result);
    if (!finished) return fail(finished.error().line, finished.error().message);
    if (!finished.value().difference.empty()) return fail(event.line, finished.value().difference);
    take_effect(finished.value().effect);
    return true;
}

bool ScriptRun::collect_calls() {
    for (auto blocked = blocked_.begin(); blocked != blocked_.end();) {
        const auto result = machine_.sockets().take_completion(blocked->id);
        if (!result) {
            ++blocked;
            continue;
        }
        const Blocked done = *blocked;
        blocked = blocked_.erase(blocked);
        if (!check_return_time(*done.event, done.end, result->at)) return false;
        if (!finish_call(*done.event, *result, done.exchange_line)) return false;
    }
    return true;
}

void ScriptRun::take_effect(const CallEffect& effect) {
    using Kind = CallEffect::Kind;
    switch (effect.kind) {
        case Kind::None:
            return;
        case Kind::NewSocket:
            // As in packetdrill: the newest socket is the one under test. Its number may be an old one's.
            for (ConnectionMap& connection : connections_)
                if (connection.fd == effect.fd) connection.fd.reset();
            newest_ = effect.fd;
            current_ = nullptr;
            listening_.reset();
            return;
        case Kind::Listens:
            if (newest_ == effect.fd) listening_ = effect.fd;
            return;
        case Kind::Connects: {
            for (const ConnectionMap& connection : connections_)
                if (connection.fd == effect.fd) return;
            ConnectionMap& connection = add_connection({{local_address(), 0}, effect.remote});
            connection.fd = effect.fd;
            connection.streams = calls_.streams_id(effect.fd);
            current_ = &connection;
            return;
        }
        case Kind::Accepts:
            for (ConnectionMap& connection : connections_) {
                if (connection.tuple().remote != effect.remote || connection.fd) continue;
                connection.fd = effect.fd;
                connection.streams = calls_.streams_id(effect.fd);
            }
            return;
    }
}

}  // namespace terminus::drill
