#include "drill/socket_table.hpp"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "tcp/fast_open.hpp"

namespace terminus::drill {

// A bit of tcp_fastopen that only a machine with sockets has a use for.
constexpr std::uint16_t kFastOpenEveryListener = 0x400;

std::optional<Fd> SocketTable::install(Descriptor descriptor) {
    for (std::size_t place = 0; place < kDescriptorsMax - kFirstDescriptor; ++place) {
        if (place == descriptors_.size()) descriptors_.emplace_back();
        if (descriptors_[place].kind != Descriptor::Kind::Free) continue;
        descriptors_[place] = descriptor;
        return kFirstDescriptor + static_cast<Fd>(place);
    }
    return std::nullopt;
}

Descriptor* SocketTable::descriptor(Fd fd) {
    const std::int64_t place = std::int64_t{fd} - kFirstDescriptor;
    if (place < 0 || place >= static_cast<std::int64_t>(descriptors_.size())) return nullptr;
    Descriptor& found = descriptors_[static_cast<std::size_t>(place)];
    return found.kind == Descriptor::Kind::Free ? nullptr : &found;
}

void SocketTable::remove(Fd fd) {
    Descriptor* const found = descriptor(fd);
    TERMINUS_ASSERT(found != nullptr, "callers have looked it up");
    for (Epoll& each : epolls_)
        each.forget(fd);
    if (found->kind == Descriptor::Kind::Epoll) epolls_[found->index] = Epoll{};
    *found = Descriptor{};
}

base::Result<SocketId, int> SocketTable::socket_of(Fd fd) {
    const Descriptor* const found = descriptor(fd);
    if (found == nullptr) return base::Failure{EBADF};
    if (found->kind != Descriptor::Kind::Socket) return base::Failure{ENOTSOCK};
    return SocketId{found->index};
}

std::uint32_t SocketTable::make_epoll() {
    const auto free = std::find_if(epolls_.begin(), epolls_.end(), [](const Epoll& e) { return !e.is_used; });
    const auto index = static_cast<std::uint32_t>(free - epolls_.begin());
    if (free == epolls_.end()) epolls_.emplace_back();
    epolls_[index].is_used = true;
    return index;
}

Epoll* SocketTable::epoll_of(Fd fd) {
    const Descriptor* const found = descriptor(fd);
    return found != nullptr && found->kind == Descriptor::Kind::Epoll ? &epolls_[found->index] : nullptr;
}

void Epoll::forget(Fd fd) {
    std::erase_if(interests, [fd](const Interest& interest) { return interest.fd == fd; });
    std::erase(ready, fd);
}

std::optional<SocketId> SocketTable::make_socket(int family) {
    const auto free =
        std::find_if(sockets_.begin(), sockets_.end(), [](const Socket& socket) { return !socket.is_used; });
    const auto id = static_cast<SocketId>(free - sockets_.begin());
    if (id == sockets_max_) return std::nullopt;
    if (free == sockets_.end()) sockets_.emplace_back();
    sockets_[id] = Socket{};
    sockets_[id].is_used = true;
    sockets_[id].family = family;
    sockets_[id].local.address = family == AF_INET ? wire::IpAddress::v4(0) : wire::IpAddress{};
    options_changed(id);
    return id;
}

void SocketTable::release_if_unused(SocketId id) {
    const Socket& socket = sockets_[id];
    if (socket.has_descriptor || socket.is_queued || socket.blocked_calls > 0) return;
    if (socket.stage == Stage::Open || socket.stage == Stage::Listening) return;
    sockets_[id] = Socket{};
}

void SocketTable::options_changed(SocketId id) {
    const Socket& socket = sockets_[id];
    tcp::TunableOverrides overrides = socket.options.overrides;
    const std::uint16_t process = stack_->tunables().fastopen;
    std::uint16_t bits = process;
    // Linux's TFO_SERVER_WO_SOCKOPT1: every listener is asked for it, else each asks by TCP_FASTOPEN.
    if (socket.options.fast_open_pending == 0 && (process & kFastOpenEveryListener) == 0)
        bits &= static_cast<std::uint16_t>(~tcp::kFastOpenServer);
    if (socket.options.fast_open_no_cookie)
        bits |= tcp::kFastOpenClientWithoutCookie | tcp::kFastOpenServerWithoutCookie;
    if (bits != process) overrides.fastopen = bits;
    if (socket.options.fast_open_pending > 0)
        overrides.max_fastopen = static_cast<std::uint32_t>(socket.options.fast_open_pending);
    stack_->set_profile(profile_of_socket(id), overrides);
}

void SocketTable::tunables_changed() {
    for (SocketId id = 0; id < sockets_.size(); ++id)
        if (sockets_[id].is_used) options_changed(id);
}

void SocketTable::reset(SocketId id) {
    Socket& socket = sockets_[id];
    if (tcp::Connection* const found = connection(socket)) {
        found->abort(stats::CloseReason::PeerLegReset, environment(socket));
        touch(socket);
    }
    // What the stack says of this connection from here on is news for nobody.
    socket.connection = {};
    socket.stage = Stage::Ended;
    release_if_unused(id);
}

void SocketTable::let_go(SocketId id) {
    Socket& socket = sockets_[id];
    if (--socket.blocked_calls == 0 && socket.is_closing) return close(id);
    release_if_unused(id);
}

void SocketTable::stop_listening(SocketId id) {
    Socket& socket = sockets_[id];
    socket.stage = Stage::Fresh;
    for (const SocketId child : std::exchange(socket.queue, {})) {
        sockets_[child].is_queued = false;
        reset(child);
    }
    stack_->services_changed();
}

// As tcp_close().
void SocketTable::close(SocketId id) {
    Socket& socket = sockets_[id];
    if (socket.blocked_calls > 0) {
        socket.is_closing = true;
        return;
    }
    socket.is_closing = false;
    if (socket.stage == Stage::Listening) stop_listening(id);
    if (tcp::Connection* const found = connection(socket)) {
        if (socket.options.linger == base::Duration::zero()) return reset(id);
        found->abandon(environment(socket));
        socket.write_shut = true;
        touch(socket);
    }
    release_if_unused(id);
}

tcp::State SocketTable::state(const Socket& socket) {
    const tcp::Connection* const found = connection(socket);
    return found != nullptr ? found->state() : tcp::State::Closed;
}

bool SocketTable::is_opening(const Socket& socket) {
    const tcp::Connection* const found = connection(socket);
    return found != nullptr && (found->state() == tcp::State::SynSent ||
                                (found->state() == tcp::State::SynReceived && !found->is_fast_opened()));
}

std::optional<std::uint16_t> SocketTable::local_id(const wire::IpAddress& address) const {
    const auto found = std::find(local_.begin(), local_.end(), address);
    if (found == local_.end()) return std::nullopt;
    return static_cast<std::uint16_t>(found - local_.begin());
}

namespace {

// Whether packets to `address` are for a socket that is bound to `bound`.
bool covers(const wire::IpAddress& bound, bool v6_only, const wire::IpAddress& address) {
    if (bound == address) return true;
    if (!bound.is_unspecified()) return false;
    return bound.is_v4() ? address.is_v4() : !(v6_only && address.is_v4());
}

}  // namespace

// As inet_csk_get_port(): two sockets share a port when their addresses don't overlap, or when both allow it
// and neither listens.
bool SocketTable::may_bind(SocketId id, const wire::Endpoint& local) const {
    const Socket& own = sockets_[id];
    for (SocketId other = 0; other < sockets_.size(); ++other) {
        const Socket& socket = sockets_[other];
        if (other == id || !socket.is_used || !socket.is_bound || socket.local.port != local.port) continue;
        const bool overlap = covers(socket.local.address, socket.options.v6_only, local.address) ||
                             covers(local.address, own.options.v6_only, socket.local.address);
        if (!overlap) continue;
        if (!own.options.reuse_address || !socket.options.reuse_address) return false;
        if (socket.stage == Stage::Listening) return false;
    }
    return true;
}

std::optional<std::uint16_t> SocketTable::ephemeral_port(SocketId id, const wire::IpAddress& address) {
    constexpr std::uint32_t kFirst = 32768, kCount = 60999 - kFirst + 1;
    const std::uint32_t start = stack_->rng().below(kCount);
    for (std::uint32_t i = 0; i < kCount; ++i) {
        const auto port = static_cast<std::uint16_t>(kFirst + (start + i) % kCount);
        const bool is_taken = std::any_of(sockets_.begin(), sockets_.end(), [port](const Socket& socket) {
            return socket.is_used && socket.is_bound && socket.local.port == port;
        });
        if (!is_taken && may_bind(id, {address, port})) return port;
    }
    return std::nullopt;
}

// include/net/sock.h, tcp_poll().
std::uint32_t SocketTable::readiness(SocketId id) {
    Socket& socket = sockets_[id];
    if (socket.is_deferred) return EPOLLOUT | EPOLLWRNORM;  // a write is what it waits for
    std::uint32_t mask = socket.error != 0 ? EPOLLERR : 0u;
    if (socket.stage == Stage::Listening) return mask | (socket.queue.empty() ? 0u : EPOLLIN | EPOLLRDNORM);
    const tcp::Connection* const found = connection(socket);
    const bool is_over = found == nullptr;
    const bool read_shut = socket.read_shut || socket.peer_finished || socket.stage == Stage::Ended;
    const bool write_shut = socket.write_shut || socket.stage == Stage::Ended;
    if (is_over || (read_shut && write_shut)) mask |= EPOLLHUP;
    if (read_shut) mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
    if (is_over) return mask | EPOLLOUT | EPOLLWRNORM;
    if (is_opening(socket)) return mask;
    if (found->readable_bytes() >= std::max(socket.options.receive_low_water, 1u))
        mask |= EPOLLIN | EPOLLRDNORM;
    if (write_shut || is_writable(*found, environment(socket))) {
        mask |= EPOLLOUT | EPOLLWRNORM;
    } else {
        socket.wants_space = true;
    }
    return mask;
}

bool SocketTable::is_writable(const tcp::Connection& connection, const tcp::Environment& env) {
    const std::uint32_t queued = connection.send_queue().size_bytes();
    const std::uint64_t unsent = connection.unsent_bytes();
    const std::uint32_t mark = env.tunables.notsent_lowat;
    const bool is_below_mark = mark == UINT32_MAX || 2 * unsent < mark;
    return is_below_mark && connection.send_buffer(env) >= std::uint64_t{queued} + std::max(queued / 2, 1u);
}

void SocketTable::wake(SocketId id, std::uint32_t events) {
    for (Epoll& each : epolls_) {
        for (Epoll::Interest& interest : each.interests) {
            if (interest.socket == id && (events == 0 || (events & interest.events) != 0))
                each.list(interest);
        }
    }
}

}  // namespace terminus::drill
