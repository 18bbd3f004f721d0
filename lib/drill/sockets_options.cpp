// setsockopt.
#include <linux/in6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "drill/machine.hpp"
#include "drill/option_limits.hpp"
#include "drill/socket_table.hpp"
#include "drill/sockets.hpp"
#include "tcp/fast_open.hpp"

namespace terminus::drill {
namespace {

using namespace std::chrono_literals;

template <typename T>
std::optional<T> value_as(base::Bytes value) {
    T result;
    if (value.size() < sizeof result) return std::nullopt;
    std::memcpy(&result, value.data(), sizeof result);
    return result;
}

CallResult set_linger(SocketOptions& options, base::Bytes value) {
    const auto linger = value_as<struct linger>(value);
    if (!linger) return failure(EINVAL);
    options.linger.reset();
    if (linger->l_onoff != 0) options.linger = std::chrono::seconds(linger->l_linger);
    return success();
}

CallResult set_timeout(base::Duration& timeout, base::Bytes value) {
    const auto time = value_as<timeval>(value);
    if (!time) return failure(EINVAL);
    if (time->tv_usec < 0 || time->tv_usec >= 1'000'000) return failure(EDOM);
    const base::Duration span = std::chrono::seconds(time->tv_sec) + std::chrono::microseconds(time->tv_usec);
    // Zero is for ever, and less than zero is not at all.
    timeout = time->tv_sec < 0 ? base::Duration::zero() : span == base::Duration::zero() ? kForEver : span;
    return success();
}

// Linux doubles what is asked for, for its own book-keeping; the stack counts bytes and needs none.
std::uint32_t buffer_bytes(int asked, int least, bool is_forced) {
    const auto bytes = static_cast<std::uint32_t>(asked);
    const std::uint32_t capped = is_forced ? std::max(asked, 0) : std::min(bytes, kBufferMax);
    return std::max(capped, static_cast<std::uint32_t>(least) / 2);
}

CallResult set_socket_option(Socket& socket, int name, base::Bytes value) {
    SocketOptions& options = socket.options;
    if (name == SO_LINGER) return set_linger(options, value);
    if (name == SO_RCVTIMEO) return set_timeout(options.receive_timeout, value);
    if (name == SO_SNDTIMEO) return set_timeout(options.send_timeout, value);
    const auto number = value_as<int>(value);
    if (!number) return failure(EINVAL);
    switch (name) {
        case SO_REUSEADDR:
            options.reuse_address = *number != 0;
            return success();
        case SO_KEEPALIVE:
            options.overrides.keepalive = *number != 0;
            return success();
        case SO_SNDBUF:
        case SO_SNDBUFFORCE:
            options.overrides.wmem = buffer_bytes(*number, kSendBufferMin, name == SO_SNDBUFFORCE);
            return success();
        case SO_RCVBUF:
        case SO_RCVBUFFORCE:
            options.overrides.rmem = buffer_bytes(*number, kReceiveBufferMin, name == SO_RCVBUFFORCE);
            return success();
        case SO_RCVLOWAT:
            options.receive_low_water =
                *number < 0 ? INT32_MAX : std::max(static_cast<std::uint32_t>(*number), 1u);
            return success();
        case SO_ERROR:
        case SO_TYPE:
        case SO_DOMAIN:
        case SO_PROTOCOL:
        case SO_ACCEPTCONN:
            return failure(ENOPROTOOPT);
        default:
            return refusal(ENOPROTOOPT, "an option of SOL_SOCKET that the machine has nothing for");
    }
}

CallResult set_seconds(std::optional<base::Duration>& option, int seconds) {
    if (seconds < 1 || seconds > kKeepaliveMax) return failure(EINVAL);
    option = std::chrono::seconds(seconds);
    return success();
}

// As do_tcp_setsockopt(): TCP_FASTOPEN_CONNECT is for those who may ask, and both are for before it begins.
CallResult set_fast_open_switch(Socket& socket, int name, int number, std::uint16_t process_fast_open) {
    if (number < 0 || number > 1) return failure(EINVAL);
    if (name == TCP_FASTOPEN_NO_COOKIE) {
        if (socket.stage != Stage::Fresh && socket.stage != Stage::Listening) return failure(EINVAL);
        socket.options.fast_open_no_cookie = number != 0;
        return success();
    }
    if ((process_fast_open & tcp::kFastOpenClient) == 0) return failure(EOPNOTSUPP);
    if (socket.stage != Stage::Fresh) return failure(EINVAL);
    socket.options.fast_open_connect = number != 0;
    return success();
}

// Sixteen bytes, or two keys of as many.
CallResult set_fast_open_key(Socket& socket, base::Bytes value) {
    constexpr std::size_t kLength = sizeof(base::SipKey);
    if (value.size() != kLength && value.size() != 2 * kLength) return failure(EINVAL);
    tcp::FastOpenKeyChoice keys;
    for (std::size_t at = 0; at < value.size(); at += kLength)
        std::copy_n(value.begin() + static_cast<std::ptrdiff_t>(at), kLength,
                    keys.keys[keys.count++].bytes.begin());
    socket.options.overrides.fastopen_key = keys;
    return success();
}

/// For connections that begin from now on: one that lives keeps its control, where Linux would change it.
CallResult set_congestion(Socket& socket, base::Bytes value) {
    const std::string name(value.begin(), std::find(value.begin(), value.end(), 0));
    const std::optional<tcp::CongestionAlgorithm> algorithm = tcp::congestion_algorithm(name);
    if (!algorithm) return refusal(ENOENT, "TCP_CONGESTION: the stack has cubic, reno and bbr");
    socket.options.overrides.congestion_control = *algorithm;
    return success();
}

// As do_tcp_setsockopt().
CallResult set_tcp_option(Socket& socket, int name, base::Bytes value, std::uint16_t process_fast_open) {
    tcp::TunableOverrides& overrides = socket.options.overrides;
    if (name == TCP_CONGESTION) return set_congestion(socket, value);
    if (name == TCP_FASTOPEN_KEY) return set_fast_open_key(socket, value);
    const auto number = value_as<int>(value);
    if (!number) return failure(EINVAL);
    switch (name) {
        case TCP_NODELAY:
            overrides.nodelay = *number != 0;
            return success();
        case TCP_MAXSEG:
            if (*number != 0 && (*number < kMaxsegMin || *number > kMaxsegMax)) return failure(EINVAL);
            overrides.mss_max.reset();
            if (*number != 0) overrides.mss_max = static_cast<std::uint16_t>(*number);
            return success();
        case TCP_KEEPIDLE:
            return set_seconds(overrides.keepalive_time, *number);
        case TCP_KEEPINTVL:
            return set_seconds(overrides.keepalive_intvl, *number);
        case TCP_KEEPCNT:
            if (*number < 1 || *number > kCountMax) return failure(EINVAL);
            overrides.keepalive_probes = static_cast<std::uint32_t>(*number);
            return success();
        case TCP_SYNCNT:
            if (*number < 1 || *number > kCountMax) return failure(EINVAL);
            overrides.syn_retries = static_cast<std::uint32_t>(*number);
            return success();
        case TCP_USER_TIMEOUT:
            if (*number < 0) return failure(EINVAL);
            overrides.user_timeout = std::chrono::milliseconds(*number);
            return success();
        case TCP_LINGER2:
            if (*number < 0)
                return refusal(ENOPROTOOPT, "TCP_LINGER2 below zero: the stack has no FIN_WAIT_2 of no time");
            overrides.fin_timeout.reset();
            if (*number > 0) overrides.fin_timeout = std::chrono::seconds(std::min(*number, kFinTimeoutMax));
            return success();
        case TCP_INQ:
            if (*number < 0 || *number > 1) return failure(EINVAL);
            socket.options.wants_inq = *number != 0;
            return success();
        case TCP_INFO:
            return failure(ENOPROTOOPT);
        case TCP_CORK:
            socket.options.corked = *number != 0;
            return success();
        case TCP_QUICKACK:
            return refusal(ENOPROTOOPT, "TCP_QUICKACK: the stack has the tunable quickack only");
        case TCP_DEFER_ACCEPT:
            return refusal(ENOPROTOOPT, "TCP_DEFER_ACCEPT: the stack completes handshakes at once");
        case TCP_FASTOPEN:
            if (*number < 0 || (socket.stage != Stage::Fresh && socket.stage != Stage::Listening))
                return failure(EINVAL);
            socket.options.fast_open_pending = std::min(*number, kBacklogMax);
            return success();
        case TCP_FASTOPEN_CONNECT:
        case TCP_FASTOPEN_NO_COOKIE:
            return set_fast_open_switch(socket, name, *number, process_fast_open);
        case TCP_NOTSENT_LOWAT:
            overrides.notsent_lowat.reset();
            if (*number != 0) overrides.notsent_lowat = static_cast<std::uint32_t>(*number);
            return success();
        case TCP_MD5SIG:
        case TCP_MD5SIG_EXT:
            return refusal(ENOPROTOOPT, "TCP_MD5SIG: the stack has no RFC 2385");
        default:
            return refusal(ENOPROTOOPT, "an option of SOL_TCP that the machine has nothing for");
    }
}

// A byte or an int, as Linux takes either.
std::optional<int> small_number(base::Bytes value) {
    if (const auto number = value_as<int>(value)) return number;
    if (!value.empty()) return value[0];
    return std::nullopt;
}

CallResult set_traffic_class(tcp::TunableOverrides& overrides, int value) {
    // ECN's two bits are TCP's own.
    overrides.traffic_class = static_cast<std::uint8_t>(value & 0xfc);
    return success();
}

CallResult set_hop_limit(tcp::TunableOverrides& overrides, int value, int least) {
    if (value != -1 && (value < least || value > 255)) return failure(EINVAL);
    overrides.hop_limit.reset();
    if (value != -1) overrides.hop_limit = static_cast<std::uint8_t>(value);
    return success();
}

CallResult set_ip_option(Socket& socket, int name, base::Bytes value) {
    const auto number = small_number(value);
    if (!number) return failure(EINVAL);
    switch (name) {
        case IP_TOS:
            return set_traffic_class(socket.options.overrides, *number);
        case IP_TTL:
            return set_hop_limit(socket.options.overrides, *number, 1);
        case IP_MTU_DISCOVER:
            if (*number == IP_PMTUDISC_WANT) return success();
            return refusal(ENOPROTOOPT, "IP_MTU_DISCOVER: path MTU discovery is always IP_PMTUDISC_WANT's");
        default:
            return refusal(ENOPROTOOPT, "an option of SOL_IP that the machine has nothing for");
    }
}

CallResult set_ipv6_option(Socket& socket, int name, base::Bytes value) {
    const auto number = value_as<int>(value);
    if (!number) return failure(EINVAL);
    if (socket.family != AF_INET6) return failure(ENOPROTOOPT);
    switch (name) {
        case IPV6_V6ONLY:
            if (socket.is_bound) return failure(EINVAL);
            socket.options.v6_only = *number != 0;
            return success();
        case IPV6_TCLASS:
            if (*number < -1 || *number > 255) return failure(EINVAL);
            return set_traffic_class(socket.options.overrides, std::max(*number, 0));
        case IPV6_UNICAST_HOPS:
            return set_hop_limit(socket.options.overrides, *number, 0);
        default:
            return refusal(ENOPROTOOPT, "an option of SOL_IPV6 that the machine has nothing for");
    }
}

}  // namespace

CallResult Sockets::setsockopt(Fd fd, int level, int name, base::Bytes value) {
    machine_.begin_call();
    const auto found = table_->socket_of(fd);
    if (!found) return done(failure(found.error()));
    const SocketId id = found.value();
    Socket& socket = (*table_)[id];
    CallResult result;
    switch (level) {
        case SOL_SOCKET:
            result = set_socket_option(socket, name, value);
            break;
        case IPPROTO_TCP:
            result = set_tcp_option(socket, name, value, machine_.tunables().fastopen);
            break;
        case IPPROTO_IP:
            result = set_ip_option(socket, name, value);
            break;
        case IPPROTO_IPV6:
            result = set_ipv6_option(socket, name, value);
            break;
        default:
            return done(failure(ENOPROTOOPT));
    }
    if (result.value == 0) table_->options_changed(id);
    tcp::Connection* const connection = table_->connection(socket);
    // Also of a socket that is corked: TCP_NODELAY pushes what is queued.
    const bool pushes =
        level == IPPROTO_TCP && name == TCP_NODELAY && socket.options.overrides.nodelay == true;
    if (result.value == 0 && level == IPPROTO_TCP && (pushes || name == TCP_CORK) && connection != nullptr) {
        connection->set_corked(socket.options.corked, table_->environment(socket));
        if (pushes) connection->push_queued(table_->environment(socket));
        table_->touch(socket);
    }
    const bool is_of_keepalive =
        (level == SOL_SOCKET && name == SO_KEEPALIVE) || (level == IPPROTO_TCP && name == TCP_KEEPIDLE);
    if (result.value == 0 && is_of_keepalive && connection != nullptr) {
        connection->tunables_changed(table_->environment(socket));
        table_->touch(socket);
    }
    return done(std::move(result));
}

}  // namespace terminus::drill
