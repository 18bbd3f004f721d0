#pragma once

#include <poll.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "wire/address.hpp"

namespace terminus::drill {

/// A file descriptor of the machine: counted from 3, the lowest free one first, as POSIX has it.
using Fd = int;

/// sockaddr_in, sockaddr_in6: AF_INET6 with an IPv4 address is a v4-mapped one; any other family is refused
/// where Linux refuses it.
struct SocketAddress {
    int family = 0;
    wire::Endpoint endpoint;

    friend bool operator==(const SocketAddress&, const SocketAddress&) = default;
};

/// A cmsg whose data is one int: {SOL_TCP, TCP_CM_INQ} for TCP_INQ, {SOL_IP, IP_TOS}, {SOL_IPV6,
/// IPV6_TCLASS}.
struct ControlMessage {
    int level = 0;
    int type = 0;
    int value = 0;

    friend bool operator==(const ControlMessage&, const ControlMessage&) = default;
};

/// struct epoll_event, unpacked.
struct EpollEvent {
    std::uint32_t events = 0;  ///< EPOLLIN, …; flags such as EPOLLET in an interest
    std::uint64_t data = 0;

    friend bool operator==(const EpollEvent&, const EpollEvent&) = default;
};

/// What a system call returned. Only the fields that the call fills are set.
struct CallResult {
    std::int64_t value = 0;  ///< as Linux returns it; -1 with `error` set
    int error = 0;           ///< errno (EAGAIN, …); 0 when there was none
    /// Not empty when Linux would have done it and this machine can't: why. `error` is set too, but no script
    /// may take it for Linux's answer.
    std::string_view refusal;
    base::Instant at{};              ///< when it returned
    std::vector<std::uint8_t> data;  ///< read, recv…: the bytes (none with MSG_TRUNC); getsockopt: the value
    std::optional<SocketAddress> address;  ///< accept, getsockname, getpeername
    std::vector<ControlMessage> control;   ///< recvmsg
    int message_flags = 0;                 ///< recvmsg: msg_flags
    std::vector<pollfd> polled;            ///< poll: its argument with revents
    std::vector<EpollEvent> events;        ///< epoll_wait
};

/// Names a call that has not returned yet.
enum class CallId : std::uint32_t {};

/// A system call either returned at once, or it blocks and its result comes by Sockets::take_completion().
using Outcome = std::variant<CallResult, CallId>;

[[nodiscard]] inline bool has_returned(const Outcome& outcome) {
    return std::holds_alternative<CallResult>(outcome);
}

}  // namespace terminus::drill
