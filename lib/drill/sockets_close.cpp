// The ends of connections and descriptors: close, shutdown.
#include <sys/socket.h>

#include <cerrno>

#include "drill/machine.hpp"
#include "drill/socket_table.hpp"
#include "drill/sockets.hpp"

namespace terminus::drill {

Outcome Sockets::close(Fd fd) {
    machine_.begin_call();
    const Descriptor* const found = table_->descriptor(fd);
    if (found == nullptr) return done(failure(EBADF));
    const Descriptor closed = *found;
    table_->remove(fd);
    if (closed.kind != Descriptor::Kind::Socket) return done(success());
    const SocketId id = closed.index;
    Socket& socket = (*table_)[id];
    socket.has_descriptor = false;
    const std::optional<base::Duration> linger = socket.options.linger;
    table_->close(id);
    if (!linger || *linger == base::Duration::zero() || socket.stage != Stage::Open || socket.is_closing)
        return done(success());
    return run(CloseCall{.socket = id}, *linger);
}

// As sk_stream_wait_close(): SO_LINGER waits for the acknowledgement of the FIN, O_NONBLOCK or not.
std::optional<CallResult> step(SocketTable& table, CloseCall& call, Wait wait) {
    const tcp::State state = table.state(table[call.socket]);
    const bool is_closing =
        state == tcp::State::FinWait1 || state == tcp::State::Closing || state == tcp::State::LastAck;
    if (is_closing && wait == Wait::GoesOn) return std::nullopt;
    return success();
}

// As inet_shutdown() and tcp_shutdown().
CallResult Sockets::shutdown(Fd fd, int how) {
    machine_.begin_call();
    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR) return done(failure(EINVAL));
    const auto found = table_->socket_of(fd);
    if (!found) return done(failure(found.error()));
    const SocketId id = found.value();
    Socket& socket = (*table_)[id];
    const bool reads = how != SHUT_WR;
    const bool writes = how != SHUT_RD;
    switch (socket.stage) {
        case Stage::Fresh:
        case Stage::Ended:
            return done(failure(ENOTCONN));
        case Stage::Listening:
            if (reads) table_->stop_listening(id);
            return done(success());
        case Stage::Open:
            break;
    }
    if (table_->state(socket) == tcp::State::SynSent) {
        table_->reset(id);
        socket.wish = Wish::None;
        table_->wake(id, 0);
        return done(success());
    }
    if (reads) socket.read_shut = true;
    if (writes && !socket.write_shut) {
        socket.write_shut = true;
        table_->connection(socket)->finish(table_->environment(socket));
        table_->touch(socket);
    }
    table_->wake(id, 0);
    return done(success());
}

}  // namespace terminus::drill
