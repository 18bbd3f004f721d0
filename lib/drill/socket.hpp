#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "drill/call.hpp"
#include "stack/application.hpp"
#include "stack/connection_id.hpp"
#include "tcp/overrides.hpp"
#include "wire/address.hpp"

namespace terminus::drill {

/// A socket's place in its table; its connection's cookie, and its listener's service.
using SocketId = std::uint32_t;

/// For ever, as the time-out of a call.
inline constexpr base::Duration kForEver = base::Duration::max();

/// What setsockopt() changes and a child inherits.
struct SocketOptions {
    /// What the connection has otherwise than the machine's sysctls. Linux's sockets begin with Nagle's
    /// algorithm and without keepalives.
    tcp::TunableOverrides overrides{.nodelay = false, .keepalive = false};
    bool reuse_address = false;
    bool v6_only = false;
    bool wants_inq = false;                ///< TCP_INQ
    bool corked = false;                   ///< TCP_CORK
    std::optional<base::Duration> linger;  ///< SO_LINGER, when on
    int fast_open_pending = 0;       ///< TCP_FASTOPEN: how many may be opened before their handshake; 0: none
    bool fast_open_connect = false;  ///< TCP_FASTOPEN_CONNECT
    bool fast_open_no_cookie = false;  ///< TCP_FASTOPEN_NO_COOKIE
    std::uint32_t receive_low_water = 1;
    base::Duration receive_timeout = kForEver;
    base::Duration send_timeout = kForEver;
};

/// Where a socket stands. Which of RFC 9293's states an Open one is in, its connection knows.
enum class Stage : std::uint8_t {
    Fresh,  ///< no connection yet, or dissolved
    Listening,
    Open,   ///< its connection lives, and `connection` names it
    Ended,  ///< its connection is over, both directions are shut down
};

/// Linux's sock->state: what connect() goes by.
enum class Wish : std::uint8_t { None, Connecting, Connected };

/// A TCP socket, whether a descriptor is left for it or not.
struct Socket {
    int family = 0;
    Stage stage = Stage::Fresh;
    Wish wish = Wish::None;
    bool is_used = false;  ///< a place without a socket otherwise
    bool has_descriptor = false;
    bool is_queued = false;   ///< waits for accept()
    bool is_closing = false;  ///< closed while a call was blocked on it
    bool is_nonblocking = false;
    bool is_bound = false;
    bool read_shut = false;   ///< shutdown(SHUT_RD)
    bool write_shut = false;  ///< shutdown(SHUT_WR), or closed
    bool peer_finished = false;
    bool is_deferred = false;  ///< connected by TCP_FASTOPEN_CONNECT: the first write sends the SYN
    bool wants_space = false;  ///< somebody found it unwritable: Linux's SOCK_NOSPACE
    int error = 0;             ///< SO_ERROR, until it is asked for
    std::uint32_t blocked_calls = 0;
    wire::Endpoint local;
    wire::Endpoint remote;
    stack::ConnectionId connection;
    std::optional<std::uint64_t> tcpi_options = 0;  ///< without a connection, or of one that is over
    SocketOptions options;
    std::uint32_t backlog = 0;
    std::vector<SocketId> queue;  ///< of one that listens: what waits for accept()
};

/// What one call gives that failed.
[[nodiscard]] inline CallResult failure(int error) {
    return {.value = -1, .error = error};
}
/// What one call gives that this machine can't do and Linux can.
[[nodiscard]] inline CallResult refusal(int error, std::string_view why) {
    return {.value = -1, .error = error, .refusal = why};
}
[[nodiscard]] inline CallResult success(std::int64_t value = 0) {
    return {.value = value};
}

}  // namespace terminus::drill
