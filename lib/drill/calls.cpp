#include "drill/calls.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "drill/call_outputs.hpp"
#include "drill/constants.hpp"
#include "drill/machine.hpp"
#include "drill/sockets.hpp"

namespace terminus::drill {
namespace {

// What needs more of Linux than its TCP.
constexpr std::array<std::string_view, 9> kLinuxOnly{"splice",   "sendfile", "pipe", "open",  "openat",
                                                     "vmsplice", "tee",      "mmap", "capset"};

constexpr std::array<std::string_view, 7> kLinuxOnlyWords{
    "SO_ZEROCOPY", "MSG_ZEROCOPY", "TCP_ZEROCOPY_RECEIVE", "SO_TIMESTAMPING", "SO_MARK",
    "TCP_MD5SIG",  "TCP_REPAIR"};

/// The first of them in an argument, or empty.
std::string_view linux_only_word(const std::vector<Expression>& expressions) {
    for (const Expression& expression : expressions) {
        const auto* found = std::find(kLinuxOnlyWords.begin(), kLinuxOnlyWords.end(), expression.text);
        if (expression.kind == Expression::Kind::Word && found != kLinuxOnlyWords.end()) return *found;
        const std::string_view inner = linux_only_word(expression.items);
        if (!inner.empty()) return inner;
    }
    return {};
}

Fault not_here(const std::string& name, int line) {
    const bool is_skipped = std::find(kLinuxOnly.begin(), kLinuxOnly.end(), name) != kLinuxOnly.end();
    return {line, "the system call " + name + "() is not here", is_skipped};
}

}  // namespace

base::Result<Calls::Begun, Fault> Calls::begin(const SyscallEvent& event, int line) {
    const std::string_view foreign = linux_only_word(event.arguments);
    if (!foreign.empty()) return base::Failure{Fault{line, std::string(foreign) + " is not here", true}};
    Evaluator call(event, line);
    CallEffect effect;
    Tried tried = open_call(call, event.name, effect);
    if (!tried) tried = control_call(call, event.name);
    if (!tried) tried = read_call(call, event.name);
    if (!tried) tried = write_call(call, event.name, effect);
    if (!tried) tried = ready_call(call, event.name);
    if (!tried) return base::Failure{not_here(event.name, line)};
    if (call.fault()) return base::Failure{*call.fault()};
    return Begun{std::move(*tried), effect};
}

base::Result<Calls::Finished, Fault> Calls::finish(const SyscallEvent& event, int line,
                                                   const CallResult& result) {
    Evaluator call(event, line);
    Finished finished;
    if (!result.refusal.empty()) {
        return base::Failure{Fault{line, event.name + "() is refused: " + std::string(result.refusal)}};
    }
    finished.difference = compare_value(call, event, result);
    if (finished.difference.empty()) finished.difference = compare_outputs(call, event, result);
    note_result(call, event.name, result, finished.effect);
    if (finished.difference.empty()) finished.difference = check_bytes(call, event.name, result);
    if (call.fault()) return base::Failure{*call.fault()};
    return finished;
}

std::optional<Fd> Calls::machine_fd(int fd) const {
    const auto found = descriptors_.find(fd);
    if (found == descriptors_.end()) return std::nullopt;
    return found->second.machine;
}

std::vector<Fd> Calls::open_fds() const {
    std::vector<Fd> fds = unnamed_;
    for (const auto& [fd, descriptor] : descriptors_)
        fds.push_back(descriptor.machine);
    return fds;
}

std::optional<std::size_t> Calls::streams_id(int fd) const {
    const auto found = descriptors_.find(fd);
    if (found == descriptors_.end()) return std::nullopt;
    return found->second.streams;
}

Fd Calls::fd(Evaluator& call, const Expression& expression) {
    const auto number = static_cast<int>(call.integer(expression));
    const auto machine = machine_fd(number);
    // A descriptor that was never opened, or is closed: EBADF is the machine's to say.
    return machine.value_or(number < 0 ? number : kNoDescriptor);
}

SocketAddress Calls::address(Evaluator& call, const Expression& expression, const wire::Endpoint& open) {
    if (expression.kind == Expression::Kind::Ellipsis) return {defaults_.family, open};
    return call.address(expression);
}

void Calls::add_descriptor(int script_fd, Fd machine_fd) {
    streams_.emplace_back();
    if (const auto before = this->machine_fd(script_fd)) unnamed_.push_back(*before);
    descriptors_.insert_or_assign(script_fd, Descriptor{machine_fd, streams_.size() - 1});
}

Calls::Tried Calls::open_call(Evaluator& call, const std::string& name, CallEffect& effect) {
    Sockets& sockets = machine_.sockets();
    if (name == "socket") {
        if (!call.expect_count(3, 3)) return CallResult{};
        const int family = call.is_open(0) ? defaults_.family : call.int32(0);
        const int type = call.int32(1);
        const int protocol = call.int32(2);
        return call.fault() ? CallResult{} : sockets.socket(family, type, protocol);
    }
    if (name == "bind") {
        if (!call.expect_count(3, 3)) return CallResult{};
        const SocketAddress local = address(call, call.argument(1), defaults_.local);
        return call.fault() ? CallResult{} : sockets.bind(fd(call, 0), local);
    }
    if (name == "listen") {
        if (!call.expect_count(2, 2)) return CallResult{};
        effect = {CallEffect::Kind::Listens, call.int32(0), {}};
        return sockets.listen(fd(call, 0), call.int32(1));
    }
    if (name == "accept" || name == "accept4") {
        const std::size_t count = name == "accept" ? 3 : 4;
        if (!call.expect_count(count, count)) return CallResult{};
        const int flags = count == 4 ? call.int32(3) : 0;
        if (call.fault()) return CallResult{};
        return sockets.accept4(fd(call, 0), flags);
    }
    if (name == "connect") {
        if (!call.expect_count(3, 3)) return CallResult{};
        const SocketAddress to = address(call, call.argument(1), defaults_.remote);
        effect = {CallEffect::Kind::Connects, call.int32(0), to.endpoint};
        if (call.fault()) return CallResult{};
        return sockets.connect(fd(call, 0), to);
    }
    if (name == "close") {
        if (!call.expect_count(1, 1)) return CallResult{};
        return sockets.close(fd(call, 0));
    }
    if (name == "shutdown") {
        if (!call.expect_count(2, 2)) return CallResult{};
        const int how = call.int32(1);
        return call.fault() ? CallResult{} : sockets.shutdown(fd(call, 0), how);
    }
    return std::nullopt;
}

Calls::Tried Calls::control_call(Evaluator& call, const std::string& name) {
    Sockets& sockets = machine_.sockets();
    if (name == "fcntl") {
        if (!call.expect_count(2, 3)) return CallResult{};
        const int command = call.int32(1);
        const std::int64_t argument = call.arguments().size() == 3 ? call.integer(2) : 0;
        return call.fault() ? CallResult{} : sockets.fcntl(fd(call, 0), command, argument);
    }
    if (name == "ioctl") {
        if (!call.expect_count(2, 3)) return CallResult{};
        const std::int64_t request = call.integer(1);
        const bool has_argument = call.arguments().size() == 3 && !call.is_open(2);
        const auto argument = has_argument ? static_cast<int>(call.in_brackets(call.argument(2))) : 0;
        if (call.fault()) return CallResult{};
        return sockets.ioctl(fd(call, 0), static_cast<unsigned long>(request), argument);
    }
    if (name == "getsockname" || name == "getpeername") {
        if (!call.expect_count(3, 3)) return CallResult{};
        return name == "getsockname" ? sockets.getsockname(fd(call, 0)) : sockets.getpeername(fd(call, 0));
    }
    if (name == "setsockopt") return set_option(call);
    if (name == "getsockopt") return get_option(call);
    return std::nullopt;
}

Outcome Calls::set_option(Evaluator& call) {
    if (!call.expect_count(5, 5)) return CallResult{};
    const int level = call.int32(1);
    const int option = call.int32(2);
    const Expression& value = call.argument(3);
    std::vector<std::uint8_t> bytes;
    const auto append = [&](const void* from, std::size_t size) {
        const auto* first = static_cast<const std::uint8_t*>(from);
        bytes.insert(bytes.end(), first, first + size);
    };
    if (value.kind == Expression::Kind::String) {
        append(value.text.data(), value.text.size());
    } else if (value.field("onoff") != nullptr && value.field("linger") != nullptr) {
        const linger how{static_cast<int>(call.integer(*value.field("onoff"))),
                         static_cast<int>(call.integer(*value.field("linger")))};
        append(&how, sizeof how);
    } else if (value.kind == Expression::Kind::Struct && value.field("tv_sec") != nullptr) {
        const Expression* micros = value.field("tv_usec");
        const timeval time{call.integer(*value.field("tv_sec")), micros ? call.integer(*micros) : 0};
        append(&time, sizeof time);
    } else if (value.kind != Expression::Kind::Ellipsis) {
        const auto number = static_cast<int>(call.in_brackets(value));
        append(&number, sizeof number);
    }
    // A length that is not the value's is the script's wish: too short is EINVAL.
    const std::size_t length = call.length(call.argument(4));
    bytes.resize(std::min(length, bytes.size()));
    return call.fault() ? CallResult{} : machine_.sockets().setsockopt(fd(call, 0), level, option, bytes);
}

Outcome Calls::get_option(Evaluator& call) {
    if (!call.expect_count(5, 5)) return CallResult{};
    const int level = call.int32(1);
    const int option = call.int32(2);
    const std::int64_t length = call.in_brackets(call.argument(4));
    if (call.fault()) return CallResult{};
    return machine_.sockets().getsockopt(fd(call, 0), level, option, static_cast<std::size_t>(length));
}

void Calls::note_result(Evaluator& call, const std::string& name, const CallResult& result,
                        CallEffect& effect) {
    if (result.error != 0) return;
    // The script's number for what was opened: the machine's, when it says `...`.
    const auto script_number = [&] {
        const Expression& said = call.result();
        return said.kind == Expression::Kind::Integer ? static_cast<int>(said.integer)
                                                      : static_cast<int>(result.value);
    };
    const bool opens_socket = name == "socket";
    const bool accepts = name == "accept" || name == "accept4";
    if (opens_socket || accepts || name == "epoll_create" || name == "epoll_create1") {
        add_descriptor(script_number(), static_cast<Fd>(result.value));
    }
    if (opens_socket) effect = {CallEffect::Kind::NewSocket, script_number(), {}};
    if (accepts) {
        effect = {CallEffect::Kind::Accepts, script_number(), {}};
        if (result.address) effect.remote = result.address->endpoint;
    }
    if (name == "close") descriptors_.erase(call.int32(0));
}

}  // namespace terminus::drill
