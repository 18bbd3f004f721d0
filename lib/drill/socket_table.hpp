#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "drill/blocked.hpp"
#include "drill/call.hpp"
#include "drill/epoll.hpp"
#include "drill/socket.hpp"
#include "stack/application.hpp"
#include "stack/stack.hpp"
#include "wire/address.hpp"

namespace terminus::drill {

/// What a descriptor stands for.
struct Descriptor {
    enum class Kind : std::uint8_t { Free, Socket, Epoll };
    Kind kind = Kind::Free;
    std::uint32_t index = 0;
    bool closes_on_exec = false;
};

/// The sockets of a machine and what its stack tells of their connections: the stack's application. The
/// system calls (drill/sockets.hpp) work on it.
class SocketTable {
 public:
    using Stack = stack::Stack<SocketTable>;
    /// Descriptors 3 … 1023, as of a process with Linux's default limit.
    static constexpr std::size_t kDescriptorsMax = 1024;
    static constexpr Fd kFirstDescriptor = 3;

    /// `local` are the machine's addresses, by local id.
    SocketTable(std::vector<wire::IpAddress> local, std::uint32_t sockets_max)
        : local_(std::move(local)), sockets_max_(sockets_max) {}
    SocketTable(const SocketTable&) = delete;
    SocketTable& operator=(const SocketTable&) = delete;
    /// Before anything else.
    void attach(Stack& stack) { stack_ = &stack; }
    [[nodiscard]] Stack& stack() { return *stack_; }

    // ---- descriptors

    /// The lowest free one; nothing when all are taken.
    [[nodiscard]] std::optional<Fd> install(Descriptor descriptor);
    void remove(Fd fd);
    /// nullptr for one that is not open.
    [[nodiscard]] Descriptor* descriptor(Fd fd);
    /// The socket behind `fd`, or the errno: EBADF, ENOTSOCK.
    [[nodiscard]] base::Result<SocketId, int> socket_of(Fd fd);
    [[nodiscard]] std::uint32_t make_epoll();
    [[nodiscard]] Epoll& epoll(std::uint32_t index) { return epolls_[index]; }
    /// The instance behind `fd`; nullptr when it is none.
    [[nodiscard]] Epoll* epoll_of(Fd fd);

    // ---- sockets

    [[nodiscard]] Socket& operator[](SocketId id) { return sockets_[id]; }
    [[nodiscard]] const Socket& operator[](SocketId id) const { return sockets_[id]; }
    /// Nothing when there are too many.
    [[nodiscard]] std::optional<SocketId> make_socket(int family);
    /// Gives the place back when nobody can name the socket any more.
    void release_if_unused(SocketId id);
    /// Each socket has a set of tunables of its own.
    [[nodiscard]] static stack::ProfileId profile_of_socket(SocketId id) {
        return static_cast<stack::ProfileId>(id + 1);
    }
    /// The last descriptor is gone: FIN or RST, as the connection and SO_LINGER say. A call that is blocked
    /// on the socket keeps it open until it returns.
    void close(SocketId id);
    /// What waits for accept() is reset, and so are handshakes that are not complete.
    void stop_listening(SocketId id);
    /// A blocked call is over.
    void let_go(SocketId id);
    /// The stack goes by `options` from now on.
    void options_changed(SocketId id);
    /// What sockets have otherwise than the machine follows it.
    void tunables_changed();

    /// nullptr unless the socket is Open.
    [[nodiscard]] tcp::Connection* connection(const Socket& socket) {
        return socket.stage == Stage::Open ? stack_->find(socket.connection) : nullptr;
    }
    /// What a call of that connection's is given; and what has the stack look at it afterwards.
    [[nodiscard]] tcp::Environment environment(const Socket& socket) {
        return stack_->environment(socket.connection);
    }
    void touch(const Socket& socket) { stack_->touch(socket.connection); }
    [[nodiscard]] base::Instant now() const { return stack_->environment().now; }
    /// The connection ends by a RST, and its socket with it: at once, so that what is asked next finds it so.
    void reset(SocketId id);
    /// Every state but LISTEN and CLOSED of a socket's connection; Closed without one.
    [[nodiscard]] tcp::State state(const Socket& socket);
    /// The handshake is waited for: neither reading nor writing gets anywhere yet.
    [[nodiscard]] bool is_opening(const Socket& socket);
    /// Whether a poll says EPOLLOUT: a third of the send buffer is free, and less than half of what may wait
    /// unsent does (Linux's sk_stream_is_writeable()).
    [[nodiscard]] static bool is_writable(const tcp::Connection& connection, const tcp::Environment& env);
    /// Returns SO_ERROR and clears it.
    [[nodiscard]] static int take_error(Socket& socket) { return std::exchange(socket.error, 0); }

    // ---- addresses and ports

    [[nodiscard]] std::optional<std::uint16_t> local_id(const wire::IpAddress& address) const;
    [[nodiscard]] const wire::IpAddress& local_address(bool is_v4) const { return local_[is_v4 ? 0 : 1]; }
    /// Whether `socket` may have `local`, as bind() asks (and listen(), for an address that is bound).
    [[nodiscard]] bool may_bind(SocketId id, const wire::Endpoint& local) const;
    /// A port that may_bind() grants, from Linux's ip_local_port_range by RFC 6056's simple randomisation.
    [[nodiscard]] std::optional<std::uint16_t> ephemeral_port(SocketId id, const wire::IpAddress& address);

    // ---- readiness and waiting

    /// EPOLLIN, … as Linux's tcp_poll() has them. Who is told that it is not writable waits for it.
    [[nodiscard]] std::uint32_t readiness(SocketId id);
    /// Those who watch the socket for one of `events` look again; 0: all of them.
    void wake(SocketId id, std::uint32_t events);
    [[nodiscard]] BlockedCalls& blocked() { return blocked_; }

    // ---- stack::Application

    [[nodiscard]] std::optional<std::uint16_t> find_listener(const wire::Endpoint& local) const;
    [[nodiscard]] bool may_accept(std::uint16_t service) const;
    [[nodiscard]] stack::ProfileId profile_of(std::uint16_t service) const;
    void accepted(Stack& stack, stack::ConnectionId id, std::uint16_t service, const wire::FourTuple& tuple);
    void happened(Stack& stack, stack::ConnectionId id, stack::Cookie cookie, tcp::Events events);
    void closed(Stack& stack, stack::ConnectionId id, stack::Cookie cookie, stats::CloseReason reason);
    void timer_expired(Stack&, stack::Cookie) {}

 private:
    std::vector<wire::IpAddress> local_;
    std::uint32_t sockets_max_;
    Stack* stack_ = nullptr;
    std::deque<Socket> sockets_;
    std::deque<Epoll> epolls_;
    std::vector<Descriptor> descriptors_;  // from kFirstDescriptor on
    BlockedCalls blocked_;
};

}  // namespace terminus::drill

namespace terminus::stack {
extern template class Stack<drill::SocketTable>;  // stack_of_sockets.cpp
}
