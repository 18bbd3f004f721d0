#pragma once

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "drill/blocked.hpp"
#include "drill/call.hpp"
#include "drill/socket.hpp"
#include "drill/tcp_info.hpp"
#include "tcp/state.hpp"
#include "wire/address.hpp"

namespace terminus::drill {

class Machine;
class SocketTable;

/// The system calls of a machine's programs, with the names, arguments, results and errnos of Linux for TCP
/// sockets over IPv4 and IPv6. Constants are Linux's own (<sys/socket.h>, <netinet/tcp.h>, <linux/sockios.h>,
/// …).
///
/// A call takes effect at the machine's now(), and what it makes the stack send is sent when it returns. A
/// call on a blocking descriptor that can't finish returns a CallId; its result, with the time at which it
/// came, is taken with take_completion() after the machine has moved on. Any number of calls may be blocked
/// at once, each is as good as a thread of its own. Closing a descriptor doesn't end a call that is blocked
/// on it, but that keeps the socket open until it returns (as in Linux).
///
/// readv() and writev() of a TCP socket are read() of the sum and write() of the concatenation, and so are
/// not here. What the stack can't do is refused, with CallResult::refusal saying why (and ENOPROTOOPT for
/// options, EOPNOTSUPP for flags, ENOTTY for ioctls): nothing is accepted and then ignored.
class Sockets {
 public:
    /// `local`: the machine's addresses, IPv4's and IPv6's; at most `sockets_max` sockets, those included
    /// that wait for accept() and those that were closed and whose connection isn't over.
    Sockets(Machine& machine, std::vector<wire::IpAddress> local, std::uint32_t sockets_max);
    ~Sockets();
    Sockets(const Sockets&) = delete;
    Sockets& operator=(const Sockets&) = delete;

    // ---- descriptors

    /// `family` AF_INET or AF_INET6, `type` SOCK_STREAM, perhaps with SOCK_NONBLOCK and SOCK_CLOEXEC,
    /// `protocol` 0 or IPPROTO_TCP.
    CallResult socket(int family, int type, int protocol);
    CallResult bind(Fd fd, const SocketAddress& address);
    /// A backlog of n lets n + 1 connections wait for accept(), as in Linux; at most 4096 (somaxconn).
    CallResult listen(Fd fd, int backlog);
    /// accept() is accept4() with flags 0. Flags: SOCK_NONBLOCK, SOCK_CLOEXEC. O_NONBLOCK is not inherited,
    /// options of the listening socket are.
    Outcome accept4(Fd fd, int flags);
    /// AF_UNSPEC dissolves.
    Outcome connect(Fd fd, const SocketAddress& to);
    /// Blocks only with SO_LINGER and a time.
    Outcome close(Fd fd);
    CallResult shutdown(Fd fd, int how);
    /// F_GETFL, F_SETFL (O_NONBLOCK), F_GETFD, F_SETFD; F_DUPFD is EINVAL.
    CallResult fcntl(Fd fd, int command, long argument);
    /// SIOCINQ (FIONREAD), SIOCOUTQ (TIOCOUTQ), SIOCOUTQNSD; the number is `value`. FIONBIO takes `argument`.
    CallResult ioctl(Fd fd, unsigned long request, int argument = 0);
    CallResult getsockname(Fd fd);
    CallResult getpeername(Fd fd);

    // ---- bytes

    Outcome read(Fd fd, std::size_t length) { return recv(fd, length, 0); }
    /// Flags: MSG_PEEK, MSG_DONTWAIT, MSG_TRUNC, MSG_WAITALL. recvfrom() is the same: TCP gives no address.
    Outcome recv(Fd fd, std::size_t length, int flags);
    /// recv() that gives control messages too, as far as `control_room` bytes of them fit (else MSG_CTRUNC),
    /// or the error queue's emptiness with MSG_ERRQUEUE (EAGAIN).
    Outcome recvmsg(Fd fd, std::size_t length, int flags, std::size_t control_room);
    Outcome write(Fd fd, base::Bytes bytes) { return send(fd, bytes, 0); }
    /// Flags: MSG_DONTWAIT, MSG_NOSIGNAL, and as far as the stack can, MSG_MORE. There are no signals: EPIPE
    /// is all.
    Outcome send(Fd fd, base::Bytes bytes, int flags);
    /// sendto() and sendmsg(): with MSG_FASTOPEN an address connects.
    Outcome sendto(Fd fd, base::Bytes bytes, int flags, const std::optional<SocketAddress>& to);

    // ---- readiness

    /// `timeout_ms` < 0: for ever.
    Outcome poll(std::span<const pollfd> descriptors, int timeout_ms);
    CallResult epoll_create1(int flags);
    /// Events: EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLPRI, EPOLLERR, EPOLLHUP, EPOLLET, EPOLLONESHOT. Sockets
    /// only: an epoll descriptor can't watch another one here (EINVAL).
    CallResult epoll_ctl(Fd epoll, int operation, Fd fd, const EpollEvent& interest);
    Outcome epoll_wait(Fd epoll, std::size_t events_max, int timeout_ms);

    // ---- options

    /// Values are Linux's: an int of four bytes in the host's order, struct linger, struct timeval, a name.
    CallResult setsockopt(Fd fd, int level, int name, base::Bytes value);
    /// `value` in CallResult::data, at most `length_max` bytes of it. TCP_INFO is tcp_info().
    CallResult getsockopt(Fd fd, int level, int name, std::size_t length_max);
    /// Nothing when `fd` is no socket.
    [[nodiscard]] std::optional<TcpInfo> tcp_info(Fd fd) const;

    // ---- calls that block

    /// The result of a blocked call, once; nothing while it blocks.
    [[nodiscard]] std::optional<CallResult> take_completion(CallId call);
    [[nodiscard]] bool is_blocked(CallId call) const;
    [[nodiscard]] std::size_t blocked_count() const;
    /// Ends a blocked call with EINTR.
    void interrupt(CallId call);

    // ---- what scripts may assert beyond Linux's interface

    /// RFC 9293's state of the socket's connection; Listen for one that listens, Closed for one without a
    /// connection. Nothing when `fd` is no socket. A connection that was closed here has no descriptor:
    /// Machine::leftovers().
    [[nodiscard]] std::optional<tcp::State> state(Fd fd) const;

    // ---- for the machine

    [[nodiscard]] SocketTable& table() { return *table_; }

 private:
    /// Asks a call for the first time, after begin_call(); it may wait for `timeout`, kForEver at most.
    Outcome run(Call call, base::Duration timeout);
    /// sendto() that connects.
    Outcome open_and_send(SocketId id, base::Bytes bytes, int flags, const std::optional<SocketAddress>& to);
    /// The end of a call that has returned.
    CallResult done(CallResult result);

    Machine& machine_;
    std::unique_ptr<SocketTable> table_;
};

}  // namespace terminus::drill
