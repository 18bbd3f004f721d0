// From an address to a connection: bind, listen, accept, connect.
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "drill/connecting.hpp"
#include "drill/machine.hpp"
#include "drill/option_limits.hpp"
#include "drill/socket_table.hpp"
#include "drill/sockets.hpp"

namespace terminus::drill {
namespace {

// What an address of the other family is for a socket; 0 when it is of the same.
int check_family(const Socket& socket, const SocketAddress& address) {
    if (address.family != socket.family) return EAFNOSUPPORT;
    if (socket.family == AF_INET && !address.endpoint.address.is_v4()) return EINVAL;
    return 0;
}

// As tcp_disconnect(): the socket is as good as new, but keeps its options and its address.
void make_fresh(Socket& socket) {
    socket.stage = Stage::Fresh;
    socket.wish = Wish::None;
    socket.connection = {};
    socket.tcpi_options = 0;
    socket.remote = {};
    socket.read_shut = socket.write_shut = socket.peer_finished = socket.wants_space = false;
    socket.is_deferred = false;
}

CallResult dissolve(SocketTable& table, SocketId id) {
    Socket& socket = table[id];
    if (socket.stage == Stage::Listening) {
        table.stop_listening(id);
    } else if (socket.stage == Stage::Open) {
        table.reset(id);
        socket.error = ECONNRESET;
    }
    make_fresh(socket);
    return success();
}

// The stack's connect() from the socket's port, or from the first free one that it takes.
base::Result<stack::ConnectionId, int> open_from(SocketTable& table, SocketId id, wire::FourTuple tuple,
                                                 Opening opening) {
    constexpr int kAttemptsMax = 64;
    Socket& socket = table[id];
    for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
        if (!socket.is_bound) {
            const std::optional<std::uint16_t> port = table.ephemeral_port(id, tuple.local.address);
            if (!port) break;
            tuple.local.port = *port;
        }
        const auto opened = table.stack().connect({.tuple = tuple,
                                                   .local_id = *table.local_id(tuple.local.address),
                                                   .service = static_cast<std::uint16_t>(id),
                                                   .cookie = id,
                                                   .profile = SocketTable::profile_of_socket(id),
                                                   .fast_open = opening == Opening::Fast});
        if (opened) {
            socket.local = tuple.local;
            return opened.value();
        }
        if (opened.error() == stack::ConnectError::NoSlot) return base::Failure{ENOMEM};
        if (opened.error() == stack::ConnectError::NoRoute) return base::Failure{ENETUNREACH};
        if (socket.is_bound) break;
    }
    return base::Failure{EADDRNOTAVAIL};
}

}  // namespace

CallResult begin_connect(SocketTable& table, SocketId id, const SocketAddress& to, Opening opening) {
    Socket& socket = table[id];
    if (const int error = check_family(socket, to); error != 0) return failure(error);
    const wire::IpAddress& remote = to.endpoint.address;
    if (remote.is_v4() && socket.options.v6_only) return failure(ENETUNREACH);
    // RFC 9293 3.9.1.1, MUST-46.
    if (remote.is_multicast() || remote.is_limited_broadcast()) return failure(ENETUNREACH);
    if (remote.is_unspecified() || remote.is_loopback() || table.local_id(remote))
        return refusal(ENETUNREACH, "the machine has no loopback interface");
    if (to.endpoint.port == 0) return refusal(EINVAL, "the stack takes port 0 for no port");
    wire::Endpoint local = socket.local;
    // RFC 9293 3.9.1.1, MUST-44.
    if (local.address.is_unspecified()) local.address = table.local_address(remote.is_v4());
    if (local.address.is_v4() != remote.is_v4()) return failure(ENETUNREACH);
    const auto opened = open_from(table, id, {local, to.endpoint}, opening);
    if (!opened) return failure(opened.error());
    socket.stage = Stage::Open;
    socket.wish = Wish::Connecting;
    socket.is_bound = true;
    socket.remote = to.endpoint;
    socket.connection = opened.value();
    return success();
}

CallResult Sockets::bind(Fd fd, const SocketAddress& address) {
    machine_.begin_call();
    const auto found = table_->socket_of(fd);
    if (!found) return done(failure(found.error()));
    const SocketId id = found.value();
    Socket& socket = (*table_)[id];
    if (const int error = check_family(socket, address); error != 0) return done(failure(error));
    wire::Endpoint local = address.endpoint;
    if (!local.address.is_unspecified() && !table_->local_id(local.address))
        return done(failure(EADDRNOTAVAIL));
    if (socket.stage != Stage::Fresh || socket.is_bound) return done(failure(EINVAL));
    if (local.port == 0) {
        const std::optional<std::uint16_t> port = table_->ephemeral_port(id, local.address);
        if (!port) return done(failure(EADDRINUSE));
        local.port = *port;
    } else if (!table_->may_bind(id, local)) {
        return done(failure(EADDRINUSE));
    }
    socket.local = local;
    socket.is_bound = true;
    return done(success());
}

CallResult Sockets::listen(Fd fd, int backlog) {
    machine_.begin_call();
    const auto found = table_->socket_of(fd);
    if (!found) return done(failure(found.error()));
    const SocketId id = found.value();
    Socket& socket = (*table_)[id];
    if (socket.wish != Wish::None || (socket.stage != Stage::Fresh && socket.stage != Stage::Listening))
        return done(failure(EINVAL));
    if (!socket.is_bound) {
        const std::optional<std::uint16_t> port = table_->ephemeral_port(id, socket.local.address);
        if (!port) return done(failure(EADDRINUSE));
        socket.local.port = *port;
        socket.is_bound = true;
    }
    if (socket.stage == Stage::Fresh && !table_->may_bind(id, socket.local)) return done(failure(EADDRINUSE));
    // A negative one is a very large one, as somaxconn is compared with it unsigned.
    socket.backlog = static_cast<std::uint32_t>(backlog < 0 ? kBacklogMax : std::min(backlog, kBacklogMax));
    socket.stage = Stage::Listening;
    return done(success());
}

Outcome Sockets::accept4(Fd fd, int flags) {
    machine_.begin_call();
    if ((flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0) return done(failure(EINVAL));
    const auto found = table_->socket_of(fd);
    if (!found) return done(failure(found.error()));
    const Socket& socket = (*table_)[found.value()];
    return run(AcceptCall{.socket = found.value(), .flags = flags},
               socket.is_nonblocking ? base::Duration::zero() : socket.options.receive_timeout);
}

// As inet_csk_accept(). A connection that has ended meanwhile is given all the same.
std::optional<CallResult> step(SocketTable& table, AcceptCall& call, Wait wait) {
    Socket& listener = table[call.socket];
    if (listener.stage != Stage::Listening) return failure(EINVAL);
    if (listener.queue.empty()) {
        if (wait == Wait::GoesOn) return std::nullopt;
        return failure(wait == Wait::IsOver ? EAGAIN : EINTR);
    }
    const SocketId id = listener.queue.front();
    const std::optional<Fd> fd =
        table.install({Descriptor::Kind::Socket, id, (call.flags & SOCK_CLOEXEC) != 0});
    if (!fd) return failure(EMFILE);
    listener.queue.erase(listener.queue.begin());
    Socket& child = table[id];
    child.is_queued = false;
    child.has_descriptor = true;
    child.is_nonblocking = (call.flags & SOCK_NONBLOCK) != 0;
    CallResult result = success(*fd);
    result.address = SocketAddress{child.family, child.remote};
    return result;
}

Outcome Sockets::connect(Fd fd, const SocketAddress& to) {
    machine_.begin_call();
    const auto found = table_->socket_of(fd);
    if (!found) return done(failure(found.error()));
    const SocketId id = found.value();
    Socket& socket = (*table_)[id];
    if (to.family == AF_UNSPEC) return done(dissolve(*table_, id));
    ConnectCall call{.socket = id};
    switch (socket.wish) {
        case Wish::Connected:
            return done(failure(EISCONN));
        case Wish::Connecting:
            call.is_repeated = true;
            break;
        case Wish::None: {
            if (socket.stage != Stage::Fresh || socket.is_deferred) return done(failure(EISCONN));
            CallResult begun = socket.options.fast_open_connect
                                   ? begin_fast_connect(*table_, id, to)
                                   : begin_connect(*table_, id, to, Opening::Plain);
            if (begun.value < 0 || socket.is_deferred) return done(std::move(begun));
            break;
        }
    }
    return run(call, socket.is_nonblocking ? base::Duration::zero() : socket.options.send_timeout);
}

// As __inet_stream_connect(), once the SYN is on its way.
std::optional<CallResult> step(SocketTable& table, ConnectCall& call, Wait wait) {
    Socket& socket = table[call.socket];
    const tcp::State state = table.state(socket);
    if (state == tcp::State::SynSent || state == tcp::State::SynReceived) {
        if (wait == Wait::GoesOn) return std::nullopt;
        if (wait == Wait::Interrupted) return failure(EINTR);
        return failure(call.is_repeated ? EALREADY : EINPROGRESS);
    }
    if (socket.stage != Stage::Open) {
        const int error = SocketTable::take_error(socket);
        make_fresh(socket);
        return failure(error != 0 ? error : ECONNABORTED);
    }
    socket.wish = Wish::Connected;
    return success();
}

}  // namespace terminus::drill
