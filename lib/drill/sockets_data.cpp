// Bytes in and out.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "drill/connecting.hpp"
#include "drill/machine.hpp"
#include "drill/socket_table.hpp"
#include "drill/sockets.hpp"
#include "packet/slice.hpp"
#include "sim/frame_copy.hpp"

namespace terminus::drill {
namespace {

constexpr int kReceiveFlags = MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC | MSG_WAITALL | MSG_CMSG_CLOEXEC;
constexpr int kSendFlags = MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE | MSG_EOR | MSG_FASTOPEN;

void copy_out(const packet::ByteQueue& queue, std::size_t length, std::vector<std::uint8_t>& out) {
    const std::size_t before = out.size();
    out.resize(before + length);
    queue.copy_to(0, base::MutableBytes(out).subspan(before, length));
}

// What is there, up to what is still wanted.
void take_some(SocketTable& table, Socket& socket, ReceiveCall& call) {
    tcp::Connection* const connection = table.connection(socket);
    if (connection == nullptr) return;
    if ((call.flags & MSG_PEEK) != 0) {
        call.taken = std::min<std::size_t>(call.length, connection->readable_bytes());
        call.data.clear();
        if ((call.flags & MSG_TRUNC) == 0) copy_out(connection->receive_queue(), call.taken, call.data);
        return;
    }
    const auto wanted = static_cast<std::uint32_t>(
        std::min<std::size_t>(call.length - call.taken, connection->readable_bytes()));
    if (wanted == 0) return;
    const packet::ByteQueue bytes =
        connection->take_received(wanted, table.stack().payload_pool(), table.environment(socket));
    call.taken += bytes.size_bytes();
    if ((call.flags & MSG_TRUNC) == 0) copy_out(bytes, bytes.size_bytes(), call.data);
    table.touch(socket);
}

// As tcp_inq_hint(): a FIN that is still to be read of counts, so that the program reads on.
int inq_hint(SocketTable& table, const Socket& socket) {
    const tcp::Connection* const connection = table.connection(socket);
    const std::uint32_t readable = connection != nullptr ? connection->readable_bytes() : 0;
    const bool finished = socket.peer_finished || socket.stage == Stage::Ended;
    return static_cast<int>(readable + (finished ? 1 : 0));
}

CallResult received(SocketTable& table, const Socket& socket, ReceiveCall& call) {
    CallResult result = success(static_cast<std::int64_t>(call.taken));
    result.data = std::move(call.data);
    if (!call.is_message || !socket.options.wants_inq) return result;
    // CMSG_SPACE(sizeof(int)) on 64 bits.
    constexpr std::size_t kSpace = 24;
    if (call.control_room >= kSpace) {
        result.control.push_back({SOL_TCP, TCP_CM_INQ, inq_hint(table, socket)});
    } else {
        result.message_flags |= MSG_CTRUNC;
    }
    return result;
}

}  // namespace

Outcome Sockets::recv(Fd fd, std::size_t length, int flags) {
    machine_.begin_call();
    const auto found = table_->socket_of(fd);
    if (!found) {
        // read() of an epoll descriptor is EINVAL, recv() of one ENOTSOCK; scripts only ever do the former.
        return done(failure(found.error()));
    }
    if ((flags & MSG_ERRQUEUE) != 0) return done(failure(EAGAIN));
    if ((flags & ~kReceiveFlags) != 0)
        return done(refusal(EOPNOTSUPP, "flags of recv() that the stack has nothing for"));
    const Socket& socket = (*table_)[found.value()];
    const bool may_wait = !socket.is_nonblocking && (flags & MSG_DONTWAIT) == 0;
    return run(ReceiveCall{.socket = found.value(), .length = length, .flags = flags},
               may_wait ? socket.options.receive_timeout : base::Duration::zero());
}

Outcome Sockets::recvmsg(Fd fd, std::size_t length, int flags, std::size_t control_room) {
    machine_.begin_call();
    const auto found = table_->socket_of(fd);
    if (!found) return done(failure(found.error()));
    if ((flags & MSG_ERRQUEUE) != 0) return done(failure(EAGAIN));
    if ((flags & ~kReceiveFlags) != 0)
        return done(refusal(EOPNOTSUPP, "flags of recvmsg() that the stack has nothing for"));
    const Socket& socket = (*table_)[found.value()];
    const bool may_wait = !socket.is_nonblocking && (flags & MSG_DONTWAIT) == 0;
    return run(ReceiveCall{.socket = found.value(),
                           .length = length,
                           .flags = flags,
                           .is_message = true,
                           .control_room = control_room},
               may_wait ? socket.options.receive_timeout : base::Duration::zero());
}

// As tcp_recvmsg_locked().
std::optional<CallResult> step(SocketTable& table, ReceiveCall& call, Wait wait) {
    Socket& socket = table[call.socket];
    if (socket.stage == Stage::Listening) return failure(ENOTCONN);
    take_some(table, socket, call);
    const std::size_t enough =
        (call.flags & MSG_WAITALL) != 0
            ? call.length
            : std::min<std::size_t>(call.length, std::max(socket.options.receive_low_water, 1u));
    if (call.taken >= enough) return received(table, socket, call);
    const bool is_at_end = socket.peer_finished || socket.read_shut || socket.stage == Stage::Ended;
    if (call.taken > 0) {
        if (socket.error != 0 || is_at_end || wait != Wait::GoesOn) return received(table, socket, call);
        return std::nullopt;
    }
    if (socket.peer_finished) return received(table, socket, call);
    if (socket.error != 0) return failure(SocketTable::take_error(socket));
    if (is_at_end) return received(table, socket, call);
    if (socket.stage == Stage::Fresh && !socket.is_deferred) return failure(ENOTCONN);
    if (wait == Wait::IsOver) return failure(EAGAIN);
    if (wait == Wait::Interrupted) return failure(EINTR);
    return std::nullopt;
}

Outcome Sockets::send(Fd fd, base::Bytes bytes, int flags) {
    return sendto(fd, bytes, flags, std::nullopt);
}

// TCP takes no notice of an address but with MSG_FASTOPEN.
Outcome Sockets::sendto(Fd fd, base::Bytes bytes, int flags, const std::optional<SocketAddress>& to) {
    machine_.begin_call();
    const auto found = table_->socket_of(fd);
    if (!found) return done(failure(found.error()));
    if ((flags & MSG_ZEROCOPY) != 0)
        return done(refusal(EOPNOTSUPP, "MSG_ZEROCOPY: the machine has no error queue"));
    if ((flags & MSG_OOB) != 0) return done(refusal(EOPNOTSUPP, "MSG_OOB: the stack has no urgent data"));
    if ((flags & ~kSendFlags) != 0)
        return done(refusal(EOPNOTSUPP, "flags of send() that the stack has nothing for"));
    const Socket& socket = (*table_)[found.value()];
    if ((flags & MSG_FASTOPEN) != 0 || socket.is_deferred)
        return open_and_send(found.value(), bytes, flags, to);
    const bool may_wait = !socket.is_nonblocking && (flags & MSG_DONTWAIT) == 0;
    return run(SendCall{.socket = found.value(), .bytes = {bytes.begin(), bytes.end()}, .flags = flags},
               may_wait ? socket.options.send_timeout : base::Duration::zero());
}

namespace {

// What fits one buffer of any pool.
constexpr std::size_t kChunkMax = 2048;

// Queues what there is room for, and not more than `bytes_max`.
void give_some(SocketTable& table, Socket& socket, SendCall& call, std::size_t bytes_max) {
    tcp::Connection& connection = *table.connection(socket);
    const tcp::Environment env = table.environment(socket);
    std::size_t room =
        std::min({std::size_t{connection.send_room(env)}, call.bytes.size() - call.taken, bytes_max});
    packet::ByteQueue queue;
    while (room > 0) {
        const auto length = static_cast<std::uint16_t>(std::min<std::size_t>(room, kChunkMax));
        packet::Buffer buffer = sim::copy_bytes(base::Bytes(call.bytes).subspan(call.taken, length),
                                                table.stack().payload_pool(), 0);
        if (!buffer) break;
        call.taken += length;
        room -= length;
        queue.push_back(packet::Slice(std::move(buffer), 0, length));
    }
    if (queue.empty()) return;
    // Linux pushes what fills the send buffer, whatever is said of more.
    const bool is_whole = call.taken == call.bytes.size();
    const bool more = (call.flags & MSG_MORE) != 0 && is_whole;
    connection.set_corked(socket.options.corked, env);
    connection.send(std::move(queue), env, more, (call.flags & MSG_EOR) != 0 && is_whole);
    table.touch(socket);
}

}  // namespace

void give_with_syn(SocketTable& table, Socket& socket, SendCall& call, std::size_t bytes_max) {
    give_some(table, socket, call, bytes_max);
}

// As tcp_sendmsg_locked().
std::optional<CallResult> step(SocketTable& table, SendCall& call, Wait wait) {
    Socket& socket = table[call.socket];
    const tcp::State state = table.state(socket);
    const bool is_opening = table.is_opening(socket);
    const bool is_early = state == tcp::State::SynReceived && !is_opening;  // TCP Fast Open
    const bool may_send = !socket.write_shut &&
                          (is_early || state == tcp::State::Established || state == tcp::State::CloseWait);
    if ((!is_opening && !may_send) || socket.error != 0) {
        if (call.taken > 0 && !call.opens) return success(static_cast<std::int64_t>(call.taken));
        const int error = SocketTable::take_error(socket);
        return failure(error != 0 ? error : EPIPE);
    }
    if (may_send) {
        if (call.opens) socket.wish = Wish::Connected;
        call.opens = false;
        give_some(table, socket, call, call.bytes.size());
    }
    if (call.taken == call.bytes.size() && may_send) return success(static_cast<std::int64_t>(call.taken));
    if (may_send) socket.wants_space = true;
    if (wait == Wait::GoesOn) return std::nullopt;
    if (call.taken > 0) return success(static_cast<std::int64_t>(call.taken));
    return failure(wait != Wait::IsOver ? EINTR : call.opens ? EINPROGRESS : EAGAIN);
}

}  // namespace terminus::drill
