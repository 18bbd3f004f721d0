// getsockopt.
#include <linux/in6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "drill/machine.hpp"
#include "drill/option_limits.hpp"
#include "drill/socket_table.hpp"
#include "drill/sockets.hpp"

namespace terminus::drill {
namespace {

template <typename T>
CallResult value_of(const T& value) {
    CallResult result = success();
    result.data.resize(sizeof value);
    std::memcpy(result.data.data(), &value, sizeof value);
    return result;
}

CallResult number(std::int64_t value) {
    return value_of(static_cast<int>(value));
}

CallResult timeout_value(base::Duration timeout) {
    timeval value{};
    if (timeout != kForEver) {
        value.tv_sec = timeout / std::chrono::seconds(1);
        value.tv_usec = timeout % std::chrono::seconds(1) / std::chrono::microseconds(1);
    }
    return value_of(value);
}

/// Linux says twice what was asked for, and of others what they begin with.
std::int64_t buffer_of(const std::optional<tcp::BufferRange>& asked, const tcp::BufferRange& process) {
    return asked ? std::int64_t{2} * asked->initial : std::int64_t{process.initial};
}

CallResult get_socket_option(Socket& socket, const tcp::Tunables& tunables, int name) {
    const SocketOptions& options = socket.options;
    switch (name) {
        case SO_ERROR:
            return number(SocketTable::take_error(socket));
        case SO_REUSEADDR:
            return number(options.reuse_address ? 1 : 0);
        case SO_KEEPALIVE:
            return number(tunables.keepalive ? 1 : 0);
        case SO_SNDBUF:
            return number(buffer_of(options.overrides.wmem, tunables.wmem));
        case SO_RCVBUF:
            return number(buffer_of(options.overrides.rmem, tunables.rmem));
        case SO_RCVLOWAT:
            return number(options.receive_low_water);
        case SO_RCVTIMEO:
            return timeout_value(options.receive_timeout);
        case SO_SNDTIMEO:
            return timeout_value(options.send_timeout);
        case SO_LINGER: {
            struct linger value {};
            if (options.linger) {
                value.l_onoff = 1;
                value.l_linger = static_cast<int>(*options.linger / std::chrono::seconds(1));
            }
            return value_of(value);
        }
        case SO_TYPE:
            return number(SOCK_STREAM);
        case SO_DOMAIN:
            return number(socket.family);
        case SO_PROTOCOL:
            return number(IPPROTO_TCP);
        case SO_ACCEPTCONN:
            return number(socket.stage == Stage::Listening ? 1 : 0);
        default:
            return refusal(ENOPROTOOPT, "an option of SOL_SOCKET that the machine has nothing for");
    }
}

std::int64_t seconds(base::Duration span) {
    return span / std::chrono::seconds(1);
}

CallResult fast_open_key(const tcp::FastOpenKeyChoice& keys) {
    CallResult result = success();
    for (std::size_t i = 0; i < keys.count; ++i)
        result.data.insert(result.data.end(), keys.keys[i].bytes.begin(), keys.keys[i].bytes.end());
    return result;
}

CallResult get_tcp_option(Socket& socket, const tcp::Tunables& tunables, const tcp::Connection* connection,
                          int name) {
    switch (name) {
        case TCP_NODELAY:
            return number(tunables.nodelay ? 1 : 0);
        case TCP_NOTSENT_LOWAT:
            return number(socket.options.overrides.notsent_lowat.value_or(0));
        case TCP_CORK:
            return number(socket.options.corked ? 1 : 0);
        case TCP_MAXSEG:
            if (connection != nullptr) return number(connection->send_space().mss);
            return number(socket.options.overrides.mss_max.value_or(kMssDefault));
        case TCP_KEEPIDLE:
            return number(seconds(tunables.keepalive_time));
        case TCP_KEEPINTVL:
            return number(seconds(tunables.keepalive_intvl));
        case TCP_KEEPCNT:
            return number(tunables.keepalive_probes);
        case TCP_SYNCNT:
            return number(tunables.syn_retries);
        case TCP_USER_TIMEOUT:
            return number(tunables.user_timeout / std::chrono::milliseconds(1));
        case TCP_LINGER2:
            return number(seconds(tunables.fin_timeout));
        case TCP_FASTOPEN:
            return number(socket.options.fast_open_pending);
        case TCP_FASTOPEN_CONNECT:
            return number(socket.options.fast_open_connect ? 1 : 0);
        case TCP_FASTOPEN_NO_COOKIE:
            return number(socket.options.fast_open_no_cookie ? 1 : 0);
        case TCP_FASTOPEN_KEY:
            return fast_open_key(tunables.fastopen_key);
        case TCP_INQ:
            return number(socket.options.wants_inq ? 1 : 0);
        case TCP_CONGESTION: {
            // TCP_CA_NAME_MAX bytes.
            char name_of_it[16] = {};
            const std::string_view control = tcp::name_of(tunables.congestion_control);
            std::copy(control.begin(), control.end(), name_of_it);
            return value_of(name_of_it);
        }
        case TCP_INFO:
            return refusal(ENOPROTOOPT, "TCP_INFO comes by tcp_info(), as not every field has a figure here");
        default:
            return refusal(ENOPROTOOPT, "an option of SOL_TCP that the machine has nothing for");
    }
}

}  // namespace

CallResult Sockets::getsockopt(Fd fd, int level, int name, std::size_t length_max) {
    machine_.begin_call();
    const auto found = table_->socket_of(fd);
    if (!found) return done(failure(found.error()));
    Socket& socket = (*table_)[found.value()];
    const tcp::Tunables tunables = socket.options.overrides.applied_to(machine_.tunables());
    CallResult result;
    if (level == SOL_SOCKET) {
        result = get_socket_option(socket, tunables, name);
    } else if (level == IPPROTO_TCP) {
        result = get_tcp_option(socket, tunables, table_->connection(socket), name);
    } else if (level == IPPROTO_IP && name == IP_TOS) {
        result = number(tunables.traffic_class);
    } else if (level == IPPROTO_IP && name == IP_TTL) {
        result = number(tunables.hop_limit);
    } else if (level == IPPROTO_IP && name == IP_MTU_DISCOVER) {
        result = number(IP_PMTUDISC_WANT);
    } else if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY) {
        result = number(socket.options.v6_only ? 1 : 0);
    } else if (level == IPPROTO_IPV6 && name == IPV6_TCLASS) {
        result = number(tunables.traffic_class);
    } else if (level == IPPROTO_IPV6 && name == IPV6_UNICAST_HOPS) {
        result = number(tunables.hop_limit);
    } else {
        result = refusal(ENOPROTOOPT, "an option that the machine has nothing for");
    }
    if (result.data.size() > length_max) result.data.resize(length_max);
    return done(std::move(result));
}

}  // namespace terminus::drill
