#include "drill/sockets.hpp"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>

#include "drill/machine.hpp"
#include "drill/socket_table.hpp"

namespace terminus::drill {

Sockets::Sockets(Machine& machine, std::vector<wire::IpAddress> local, std::uint32_t sockets_max)
    : machine_(machine), table_(std::make_unique<SocketTable>(std::move(local), sockets_max)) {}

Sockets::~Sockets() = default;

Outcome Sockets::run(Call call, base::Duration timeout) {
    const bool may_wait = timeout > base::Duration::zero();
    std::optional<CallResult> result = std::visit(
        [&](auto& each) { return step(*table_, each, may_wait ? Wait::GoesOn : Wait::IsOver); }, call);
    if (result) return done(std::move(*result));
    const base::Instant deadline = timeout == kForEver ? base::kNever : machine_.now() + timeout;
    const CallId id = table_->blocked().add(*table_, std::move(call), deadline);
    machine_.end_call();
    if (std::optional<CallResult> at_once = table_->blocked().take_completion(id)) return *std::move(at_once);
    return id;
}

CallResult Sockets::done(CallResult result) {
    result.at = machine_.now();
    machine_.end_call();
    return result;
}

CallResult Sockets::socket(int family, int type, int protocol) {
    machine_.begin_call();
    const int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (family != AF_INET && family != AF_INET6)
        return done(refusal(EAFNOSUPPORT, "the machine speaks IPv4 and IPv6 only"));
    if (kind != SOCK_STREAM) return done(refusal(ESOCKTNOSUPPORT, "the machine has TCP sockets only"));
    if (protocol != 0 && protocol != IPPROTO_TCP)
        return done(refusal(EPROTONOSUPPORT, "the machine has TCP sockets only"));
    const std::optional<SocketId> id = table_->make_socket(family);
    if (!id) return done(failure(ENFILE));
    const std::optional<Fd> fd = table_->install({Descriptor::Kind::Socket, *id, (type & SOCK_CLOEXEC) != 0});
    Socket& made = (*table_)[*id];
    if (!fd) {
        table_->release_if_unused(*id);
        return done(failure(EMFILE));
    }
    made.has_descriptor = true;
    made.is_nonblocking = (type & SOCK_NONBLOCK) != 0;
    return done(success(*fd));
}

CallResult Sockets::fcntl(Fd fd, int command, long argument) {
    machine_.begin_call();
    Descriptor* const found = table_->descriptor(fd);
    if (found == nullptr) return done(failure(EBADF));
    Socket* const socket = found->kind == Descriptor::Kind::Socket ? &(*table_)[found->index] : nullptr;
    switch (command) {
        case F_GETFL:
            return done(success(O_RDWR | (socket != nullptr && socket->is_nonblocking ? O_NONBLOCK : 0)));
        case F_SETFL:
            if ((argument & (O_ASYNC | O_DIRECT)) != 0)
                return done(refusal(EINVAL, "of a descriptor's flags the machine knows O_NONBLOCK only"));
            if (socket != nullptr) socket->is_nonblocking = (argument & O_NONBLOCK) != 0;
            return done(success());
        case F_GETFD:
            return done(success(found->closes_on_exec ? FD_CLOEXEC : 0));
        case F_SETFD:
            found->closes_on_exec = (argument & FD_CLOEXEC) != 0;
            return done(success());
        default:
            return done(refusal(EINVAL, "of fcntl() the machine knows the descriptor's flags only"));
    }
}

CallResult Sockets::ioctl(Fd fd, unsigned long request, int argument) {
    machine_.begin_call();
    const auto found = table_->socket_of(fd);
    if (!found) return done(failure(found.error() == ENOTSOCK ? ENOTTY : found.error()));
    Socket& socket = (*table_)[found.value()];
    if (request == FIONBIO) {
        socket.is_nonblocking = argument != 0;
        return done(success());
    }
    if (request != SIOCINQ && request != SIOCOUTQ && request != SIOCOUTQNSD)
        return done(
            refusal(ENOTTY, "of ioctls the machine knows SIOCINQ, SIOCOUTQ, SIOCOUTQNSD and FIONBIO"));
    // As tcp_ioctl().
    if (socket.stage == Stage::Listening) return done(failure(EINVAL));
    const tcp::Connection* const connection = table_->connection(socket);
    if (connection == nullptr) return done(success());
    const tcp::State state = connection->state();
    if (state == tcp::State::SynSent || state == tcp::State::SynReceived) return done(success());
    if (request == SIOCINQ) return done(success(connection->readable_bytes()));
    // Our FIN is one of the numbers that are not acknowledged.
    const tcp::StateMask kFinOutstanding =
        mask(tcp::State::FinWait1) | mask(tcp::State::Closing) | mask(tcp::State::LastAck);
    const std::uint32_t fin = is_in(state, kFinOutstanding) ? 1 : 0;
    const std::uint32_t queued = connection->send_queue().size_bytes() + fin;
    if (request == SIOCOUTQ) return done(success(queued));
    const std::uint32_t flight = connection->send_space().flight();
    return done(success(queued > flight ? queued - flight : 0));
}

CallResult Sockets::getsockname(Fd fd) {
    machine_.begin_call();
    const auto found = table_->socket_of(fd);
    if (!found) return done(failure(found.error()));
    const Socket& socket = (*table_)[found.value()];
    CallResult result = success();
    result.address = SocketAddress{socket.family, socket.local};
    return done(std::move(result));
}

CallResult Sockets::getpeername(Fd fd) {
    machine_.begin_call();
    const auto found = table_->socket_of(fd);
    if (!found) return done(failure(found.error()));
    const Socket& socket = (*table_)[found.value()];
    const tcp::State state = table_->state(socket);
    if (state == tcp::State::Closed || state == tcp::State::SynSent) return done(failure(ENOTCONN));
    CallResult result = success();
    result.address = SocketAddress{socket.family, socket.remote};
    return done(std::move(result));
}

std::optional<CallResult> Sockets::take_completion(CallId call) {
    return table_->blocked().take_completion(call);
}

bool Sockets::is_blocked(CallId call) const {
    return table_->blocked().is_blocked(call);
}

std::size_t Sockets::blocked_count() const {
    return table_->blocked().count();
}

void Sockets::interrupt(CallId call) {
    machine_.begin_call();
    table_->blocked().interrupt(*table_, call, machine_.now());
    machine_.end_call();
}

std::optional<tcp::State> Sockets::state(Fd fd) const {
    const auto found = table_->socket_of(fd);
    if (!found) return std::nullopt;
    const Socket& socket = (*table_)[found.value()];
    if (socket.stage == Stage::Listening) return tcp::State::Listen;
    if (socket.stage == Stage::Fresh) return tcp::State::Closed;
    return machine_.state({socket.local, socket.remote}).value_or(tcp::State::Closed);
}

}  // namespace terminus::drill
