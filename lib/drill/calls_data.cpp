#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>

#include "drill/call_outputs.hpp"
#include "drill/calls.hpp"
#include "drill/machine.hpp"
#include "drill/sockets.hpp"

// Calls that move bytes or ask whether they would.
namespace terminus::drill {
namespace {

using Kind = Expression::Kind;

/// [{BUFFER, LENGTH}, ...]
struct Vectors {
    std::vector<const Expression*> buffers;
    std::vector<std::size_t> lengths;

    [[nodiscard]] std::size_t total() const {
        std::size_t all = 0;
        for (const std::size_t length : lengths)
            all += length;
        return all;
    }
};

Vectors vectors(Evaluator& call, const Expression& expression) {
    Vectors result;
    for (const Expression& item : expression.items) {
        const Expression* buffer = item.field("iov_base");
        const Expression* length = item.field("iov_len");
        if (buffer == nullptr && item.kind == Kind::Struct && item.items.size() == 2) {
            buffer = &item.items[0];
            length = &item.items[1];
        }
        if (buffer == nullptr || length == nullptr) {
            call.fail_at(item.line, "expected {BUFFER, LENGTH}");
            break;
        }
        result.buffers.push_back(buffer);
        result.lengths.push_back(call.length(*length));
    }
    if (expression.kind != Kind::List) call.fail_at(expression.line, "expected [{BUFFER, LENGTH}, ...]");
    return result;
}

/// What write() and its like were given.
std::size_t bytes_asked(Evaluator& call, const std::string& name) {
    if (name == "writev") return vectors(call, call.argument(1)).total();
    if (name == "sendmsg") return vectors(call, *call.argument(1).field("msg_iov")).total();
    return call.length(call.argument(2));
}

std::uint64_t event_data(Evaluator& call, const Expression& expression) {
    for (const char* name : {"fd", "ptr", "u32", "u64"}) {
        if (const Expression* field = expression.field(name))
            return static_cast<std::uint64_t>(call.integer(*field));
    }
    return 0;
}

}  // namespace

Calls::Tried Calls::read_call(Evaluator& call, const std::string& name) {
    Sockets& sockets = machine_.sockets();
    if (name == "recvmsg") return receive_message(call);
    if (name == "readv") {
        if (!call.expect_count(3, 3)) return CallResult{};
        const Vectors into = vectors(call, call.argument(1));
        if (call.fault()) return CallResult{};
        return sockets.read(fd(call, 0), into.total());
    }
    const bool is_read = name == "read";
    if (!is_read && name != "recv" && name != "recvfrom") return std::nullopt;
    if (!call.expect_count(is_read ? 3 : 4, is_read ? 3 : 6)) return CallResult{};
    const std::size_t length = call.length(call.argument(2));
    const int flags = is_read ? 0 : call.int32(3);
    if (call.fault()) return CallResult{};
    return sockets.recv(fd(call, 0), length, flags);
}

Outcome Calls::receive_message(Evaluator& call) {
    /// More than any script's messages need.
    constexpr std::size_t kControlRoom = 256;
    if (!call.expect_count(3, 3)) return CallResult{};
    const Expression* into = call.argument(1).field("msg_iov");
    if (into == nullptr) {
        call.fail("recvmsg() without msg_iov");
        return CallResult{};
    }
    const std::size_t length = vectors(call, *into).total();
    const int flags = call.int32(2);
    const Expression* control = call.argument(1).field("msg_control");
    if (call.fault()) return CallResult{};
    return machine_.sockets().recvmsg(fd(call, 0), length, flags, control != nullptr ? kControlRoom : 0);
}

Calls::Tried Calls::write_call(Evaluator& call, const std::string& name, CallEffect& effect) {
    if (name == "sendmsg") return send_message(call, effect);
    if (name == "writev") {
        if (!call.expect_count(3, 3)) return CallResult{};
        const Vectors from = vectors(call, call.argument(1));
        return send_bytes(call, 0, from.buffers, from.lengths, 0, std::nullopt, effect);
    }
    const bool is_write = name == "write";
    const bool is_sendto = name == "sendto";
    if (!is_write && !is_sendto && name != "send") return std::nullopt;
    const std::size_t count = is_write ? 3 : (is_sendto ? 6 : 4);
    if (!call.expect_count(count, count)) return CallResult{};
    const int flags = is_write ? 0 : call.int32(3);
    std::optional<SocketAddress> to;
    // NULL is 0: no address. `...` is the default one only where it means a connection.
    const bool has_address =
        is_sendto && (call.is_open(4) ? (flags & MSG_FASTOPEN) != 0 : call.argument(4).kind == Kind::Struct);
    if (has_address) to = address(call, call.argument(4), defaults_.remote);
    // packetdrill's way to write an address of no family.
    if (is_sendto && call.argument(4).kind == Kind::Word && call.int32(4) == AF_UNSPEC)
        to = SocketAddress{AF_UNSPEC, {}};
    return send_bytes(call, 0, {&call.argument(1)}, {call.length(call.argument(2))}, flags, to, effect);
}

Outcome Calls::send_message(Evaluator& call, CallEffect& effect) {
    if (!call.expect_count(3, 3)) return CallResult{};
    const Expression& message = call.argument(1);
    const Expression* from = message.field("msg_iov");
    if (from == nullptr) {
        call.fail("sendmsg() without msg_iov");
        return CallResult{};
    }
    if (message.field("msg_control") != nullptr) {
        call.fail("sendmsg() with msg_control is not here");
        return CallResult{};
    }
    const Vectors parts = vectors(call, *from);
    const int flags = call.int32(2);
    const Expression* name = message.field("msg_name");
    std::optional<SocketAddress> to;
    const bool has_address = name != nullptr && (name->kind == Kind::Struct || (flags & MSG_FASTOPEN) != 0);
    if (has_address) to = address(call, *name, defaults_.remote);
    return send_bytes(call, 0, parts.buffers, parts.lengths, flags, to, effect);
}

Outcome Calls::send_bytes(Evaluator& call, std::size_t fd_at, const std::vector<const Expression*>& buffers,
                          const std::vector<std::size_t>& lengths, int flags,
                          const std::optional<SocketAddress>& to, CallEffect& effect) {
    const int script_fd = call.int32(fd_at);
    const auto id = streams_id(script_fd);
    std::vector<std::uint8_t> bytes;
    const std::size_t before = id ? streams_[*id].written.size() : 0;
    for (std::size_t i = 0; i < buffers.size(); ++i) {
        const Expression& buffer = *buffers[i];
        const std::size_t end = bytes.size() + lengths[i];
        if (buffer.kind != Kind::String && buffer.kind != Kind::Ellipsis) {
            call.fail_linux_only(
                "a buffer at an address: the machine's programs have no memory of their own");
        }
        if (buffer.kind == Kind::String) {
            const std::size_t said = std::min(buffer.text.size(), lengths[i]);
            bytes.insert(bytes.end(), buffer.text.begin(),
                         buffer.text.begin() + static_cast<std::ptrdiff_t>(said));
        }
        while (bytes.size() < end)
            bytes.push_back(stream_byte(true, static_cast<std::uint32_t>(before + bytes.size())));
    }
    if (call.fault()) return CallResult{};
    if (to) effect = {CallEffect::Kind::Connects, script_fd, to->endpoint};
    // Before the result is known: a call that blocks has sent a part already. finish() takes back the rest.
    if (id) streams_[*id].written.insert(streams_[*id].written.end(), bytes.begin(), bytes.end());
    Sockets& sockets = machine_.sockets();
    return to ? sockets.sendto(fd(call, fd_at), bytes, flags, to)
              : sockets.send(fd(call, fd_at), bytes, flags);
}

Calls::Tried Calls::ready_call(Evaluator& call, const std::string& name) {
    Sockets& sockets = machine_.sockets();
    if (name == "poll") {
        if (!call.expect_count(3, 3)) return CallResult{};
        std::vector<pollfd> asked;
        for (const Expression& item : call.argument(0).items) {
            const Expression* number = item.field("fd");
            const Expression* events = item.field("events");
            if (number == nullptr || events == nullptr) {
                call.fail_at(item.line, "expected {fd=, events=, revents=}");
                break;
            }
            asked.push_back({fd(call, *number), static_cast<short>(call.integer(*events)), 0});
        }
        const int timeout = call.int32(2);
        if (call.fault()) return CallResult{};
        return sockets.poll(asked, timeout);
    }
    if (name == "epoll_create" || name == "epoll_create1") {
        if (!call.expect_count(1, 1)) return CallResult{};
        return sockets.epoll_create1(name == "epoll_create1" ? call.int32(0) : 0);
    }
    if (name == "epoll_ctl") {
        if (!call.expect_count(4, 4)) return CallResult{};
        const int operation = call.int32(1);
        EpollEvent interest;
        if (const Expression* events = call.argument(3).field("events"))
            interest.events = static_cast<std::uint32_t>(call.integer(*events));
        interest.data = event_data(call, call.argument(3));
        if (call.fault()) return CallResult{};
        return sockets.epoll_ctl(fd(call, 0), operation, fd(call, 2), interest);
    }
    if (name == "epoll_wait") {
        if (!call.expect_count(4, 4)) return CallResult{};
        const std::size_t room = call.length(call.argument(2));
        const int timeout = call.int32(3);
        if (call.fault()) return CallResult{};
        return sockets.epoll_wait(fd(call, 0), room, timeout);
    }
    return std::nullopt;
}

std::string Calls::check_bytes(Evaluator& call, const std::string& name, const CallResult& result) {
    const bool is_read = name == "read" || name == "readv" || name.starts_with("recv");
    const bool is_write = name == "write" || name == "writev" || name.starts_with("send");
    if (!is_read && !is_write) return "";
    const auto id = streams_id(call.int32(0));
    if (!id) return "";
    Streams& streams = streams_[*id];
    if (is_write) {
        // What was not taken was not written.
        const std::size_t asked = bytes_asked(call, name);
        const std::size_t taken = result.error != 0 ? 0 : static_cast<std::size_t>(result.value);
        streams.written.resize(streams.written.size() -
                               std::min(asked - std::min(asked, taken), streams.written.size()));
        return "";
    }
    if (result.error != 0) return "";
    int flags = 0;
    if (name == "recv" || name == "recvfrom") flags = call.int32(3);
    if (name == "recvmsg") flags = call.int32(2);
    if ((flags & MSG_ERRQUEUE) != 0) return "";
    for (std::size_t i = 0; i < result.data.size(); ++i) {
        const auto at = static_cast<std::uint32_t>(streams.consumed + i);
        if (result.data[i] != stream_byte(false, at))
            return "byte " + std::to_string(at) + " of the stream is not the one that was sent";
    }
    if ((flags & MSG_PEEK) == 0) streams.consumed += static_cast<std::uint32_t>(result.value);
    return "";
}

}  // namespace terminus::drill
