// TCP Fast Open's client as programs see it: MSG_FASTOPEN and TCP_FASTOPEN_CONNECT.
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "drill/connecting.hpp"
#include "drill/machine.hpp"
#include "drill/socket_table.hpp"
#include "drill/sockets.hpp"
#include "tcp/fast_open.hpp"

namespace terminus::drill {

// As tcp_fastopen_defer_connect().
CallResult begin_fast_connect(SocketTable& table, SocketId id, const SocketAddress& to) {
    Socket& socket = table[id];
    const bool has_cookie =
        to.family == socket.family &&
        table.stack().fast_open_text_max(to.endpoint.address, SocketTable::profile_of_socket(id)) > 0;
    if (!has_cookie) return begin_connect(table, id, to, Opening::Fast);
    socket.is_deferred = true;
    socket.remote = to.endpoint;
    return success();
}

// As tcp_sendmsg_fastopen(): no more is taken than goes with the SYN, and nothing when it only asks for a
// cookie.
Outcome Sockets::open_and_send(SocketId id, base::Bytes bytes, int flags,
                               const std::optional<SocketAddress>& to) {
    Socket& socket = (*table_)[id];
    const bool is_nonblocking = socket.is_nonblocking || (flags & MSG_DONTWAIT) != 0;
    const bool is_allowed = (machine_.tunables().fastopen & tcp::kFastOpenClient) != 0;
    if (!is_allowed && !socket.is_deferred) return done(failure(EOPNOTSUPP));
    if (to && to->family == AF_UNSPEC) return done(failure(EOPNOTSUPP));
    SendCall call{.socket = id, .bytes = {bytes.begin(), bytes.end()}, .flags = flags, .opens = true};
    if (socket.wish == Wish::Connecting) {
        // Whether the handshake was waited for or not, MSG_FASTOPEN means nothing when it is over.
        if (table_->is_opening(socket) && is_nonblocking) return done(failure(EALREADY));
    } else if (socket.wish == Wish::Connected || (socket.stage != Stage::Fresh && !socket.is_deferred)) {
        return done(failure(EISCONN));
    } else {
        if (!to && !socket.is_deferred) return done(failure(EINVAL));
        const SocketAddress peer = socket.is_deferred ? SocketAddress{socket.family, socket.remote} : *to;
        socket.is_deferred = false;
        CallResult begun = begin_connect(*table_, id, peer, Opening::Fast);
        if (begun.value < 0) return done(std::move(begun));
        give_with_syn(
            *table_, socket, call,
            table_->stack().fast_open_text_max(peer.endpoint.address, SocketTable::profile_of_socket(id)));
    }
    return run(std::move(call), is_nonblocking ? base::Duration::zero() : socket.options.send_timeout);
}

}  // namespace terminus::drill
