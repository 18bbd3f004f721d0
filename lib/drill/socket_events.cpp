// What the stack tells its application: listeners, and what became of connections.
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

#include "drill/socket_table.hpp"
#include "drill/tcp_info.hpp"

namespace terminus::drill {

using stats::CloseReason;

namespace {

// The keys that Linux's sk_data_ready() and sk_write_space() wake with.
constexpr std::uint32_t kReadable = EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND;
constexpr std::uint32_t kWritable = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;

// Linux's sk_err for each end; 0: an end that is no error.
int error_of(CloseReason reason, bool was_close_wait) {
    switch (reason) {
        case CloseReason::ResetReceived:
            return was_close_wait ? EPIPE : ECONNRESET;
        case CloseReason::Refused:
            return ECONNREFUSED;
        case CloseReason::Unreachable:
            return EHOSTUNREACH;
        case CloseReason::SynTimeout:
        case CloseReason::SynAckTimeout:
        case CloseReason::RetransmitTimeout:
        case CloseReason::UserTimeout:
        case CloseReason::PersistTimeout:
        case CloseReason::KeepaliveTimeout:
            return ETIMEDOUT;
        case CloseReason::MemoryPressure:
            return ECONNABORTED;
        case CloseReason::Normal:
        case CloseReason::FinTimeout:
        case CloseReason::OrphanLimit:
        case CloseReason::PeerLegReset:
        case CloseReason::ConnectFailed:
        case CloseReason::IdleTimeout:
        case CloseReason::HalfCloseTimeout:
        case CloseReason::ServiceRemoved:
        case CloseReason::Drain:
        case CloseReason::TimeWaitReused:
        case CloseReason::TimeWaitLimit:
            break;
    }
    return 0;
}

}  // namespace

// A listener on the very address comes before one on all of them, IPv4's before IPv6's.
std::optional<std::uint16_t> SocketTable::find_listener(const wire::Endpoint& local) const {
    std::optional<std::uint16_t> best;
    int best_score = 0;
    for (SocketId id = 0; id < sockets_.size(); ++id) {
        const Socket& socket = sockets_[id];
        if (socket.stage != Stage::Listening || socket.local.port != local.port) continue;
        int score = 0;
        if (socket.local.address == local.address) {
            score = 3;
        } else if (socket.local.address.is_unspecified()) {
            const bool is_same_family = socket.local.address.is_v4() == local.address.is_v4();
            if (is_same_family) score = 2;
            if (!is_same_family && local.address.is_v4() && !socket.options.v6_only) score = 1;
        }
        if (score <= best_score) continue;
        best = static_cast<std::uint16_t>(id);
        best_score = score;
    }
    return best;
}

stack::ProfileId SocketTable::profile_of(std::uint16_t service) const {
    return sockets_[service].stage == Stage::Listening ? profile_of_socket(service) : stack::kProcessProfile;
}

// As sk_acceptq_is_full(). A listener that was closed meanwhile resets.
bool SocketTable::may_accept(std::uint16_t service) const {
    const Socket& listener = sockets_[service];
    return listener.stage != Stage::Listening || listener.queue.size() <= listener.backlog;
}

void SocketTable::accepted(Stack& stack, stack::ConnectionId id, std::uint16_t service,
                           const wire::FourTuple& tuple) {
    Socket& listener = sockets_[service];
    std::optional<SocketId> made;
    if (listener.stage == Stage::Listening) made = make_socket(listener.family);
    if (!made) {
        stack.find(id)->abort(CloseReason::OrphanLimit, stack.environment(id));
        stack.touch(id);
        return;
    }
    Socket& child = sockets_[*made];
    child.options = sockets_[service].options;
    child.stage = Stage::Open;
    child.wish = Wish::Connected;
    child.is_queued = true;
    child.is_bound = true;
    child.local = tuple.local;
    child.remote = tuple.remote;
    child.connection = id;
    options_changed(*made);
    stack.use_profile(id, profile_of_socket(*made));
    stack.set_cookie(id, *made);
    sockets_[service].queue.push_back(*made);
    wake(service, kReadable);
}

void SocketTable::happened(Stack& stack, stack::ConnectionId id, stack::Cookie cookie, tcp::Events events) {
    if (cookie == stack::kNoCookie || sockets_[cookie].connection != id) return;
    Socket& socket = sockets_[cookie];
    if (events.established()) wake(cookie, 0);
    if (events.readable()) wake(cookie, kReadable);
    if (events.peer_finished()) {
        socket.peer_finished = true;
        wake(cookie, 0);
    }
    const tcp::Connection* const found = stack.find(id);
    if (events.send_room() && socket.wants_space && found != nullptr &&
        is_writable(*found, stack.environment(id))) {
        socket.wants_space = false;
        wake(cookie, kWritable);
    }
}

void SocketTable::closed(Stack& stack, stack::ConnectionId id, stack::Cookie cookie, CloseReason reason) {
    if (cookie == stack::kNoCookie || sockets_[cookie].connection != id) return;
    Socket& socket = sockets_[cookie];
    const int error = error_of(reason, socket.peer_finished && !socket.write_shut);
    socket.stage = Stage::Ended;
    const tcp::Connection* const gone = stack.find(id);
    socket.tcpi_options = gone != nullptr ? tcpi_options_of(*gone) : std::nullopt;
    socket.connection = {};
    if (socket.has_descriptor || socket.is_queued || socket.blocked_calls > 0) {
        if (error != 0) socket.error = error;
        wake(cookie, error != 0 ? EPOLLERR : 0u);
        wake(cookie, 0);
    }
    release_if_unused(cookie);
}

}  // namespace terminus::drill
