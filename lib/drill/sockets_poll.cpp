// Waiting for several sockets: poll, epoll.
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "drill/machine.hpp"
#include "drill/socket_table.hpp"
#include "drill/sockets.hpp"

namespace terminus::drill {
namespace {

base::Duration timeout_of(int milliseconds) {
    return milliseconds < 0 ? kForEver : base::Duration(std::chrono::milliseconds(milliseconds));
}

constexpr std::uint32_t kAlways = EPOLLERR | EPOLLHUP;
constexpr std::uint32_t kWatchable = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLERR | EPOLLHUP |
                                     EPOLLRDNORM | EPOLLWRNORM | EPOLLRDBAND | EPOLLWRBAND | EPOLLET |
                                     EPOLLONESHOT;

// What of an interest holds now.
std::uint32_t ready_events(SocketTable& table, const Epoll::Interest& interest) {
    return table.readiness(interest.socket) & (interest.events | kAlways);
}

}  // namespace

Outcome Sockets::poll(std::span<const pollfd> descriptors, int timeout_ms) {
    machine_.begin_call();
    return run(PollCall{.descriptors = {descriptors.begin(), descriptors.end()}}, timeout_of(timeout_ms));
}

std::optional<CallResult> step(SocketTable& table, PollCall& call, Wait wait) {
    std::int64_t count = 0;
    for (pollfd& each : call.descriptors) {
        each.revents = 0;
        if (each.fd < 0) continue;
        const Descriptor* const found = table.descriptor(each.fd);
        if (found == nullptr) {
            each.revents = POLLNVAL;
        } else if (found->kind == Descriptor::Kind::Socket) {
            // The values of POLL… and EPOLL… are the same.
            const std::uint32_t asked = static_cast<std::uint16_t>(each.events) | kAlways;
            each.revents = static_cast<short>(table.readiness(found->index) & asked);
        } else {
            Epoll& epoll = table.epoll(found->index);
            const bool has_ready =
                std::any_of(epoll.interests.begin(), epoll.interests.end(), [&](const auto& interest) {
                    return interest.is_listed && ready_events(table, interest) != 0;
                });
            each.revents = static_cast<short>(has_ready ? each.events & (POLLIN | POLLRDNORM) : 0);
        }
        if (each.revents != 0) ++count;
    }
    if (count == 0 && wait == Wait::GoesOn) return std::nullopt;
    if (count == 0 && wait == Wait::Interrupted) return failure(EINTR);
    CallResult result = success(count);
    result.polled = call.descriptors;
    return result;
}

CallResult Sockets::epoll_create1(int flags) {
    machine_.begin_call();
    if ((flags & ~EPOLL_CLOEXEC) != 0) return done(failure(EINVAL));
    const std::uint32_t index = table_->make_epoll();
    const std::optional<Fd> fd =
        table_->install({Descriptor::Kind::Epoll, index, (flags & EPOLL_CLOEXEC) != 0});
    if (fd) return done(success(*fd));
    table_->epoll(index) = Epoll{};
    return done(failure(EMFILE));
}

// As do_epoll_ctl().
CallResult Sockets::epoll_ctl(Fd epoll_fd, int operation, Fd fd, const EpollEvent& interest) {
    machine_.begin_call();
    if (table_->descriptor(epoll_fd) == nullptr) return done(failure(EBADF));
    const auto socket = table_->socket_of(fd);
    if (!socket && socket.error() == EBADF) return done(failure(EBADF));
    Epoll* const epoll = table_->epoll_of(epoll_fd);
    if (epoll == nullptr) return done(failure(EINVAL));
    if (!socket) return done(refusal(EINVAL, "an epoll descriptor watches sockets only, here"));
    Epoll::Interest* const known = epoll->find(fd);
    if (operation == EPOLL_CTL_DEL) {
        if (known == nullptr) return done(failure(ENOENT));
        epoll->forget(fd);
        return done(success());
    }
    if (operation != EPOLL_CTL_ADD && operation != EPOLL_CTL_MOD) return done(failure(EINVAL));
    if ((interest.events & ~kWatchable) != 0)
        return done(refusal(EINVAL, "EPOLLEXCLUSIVE and EPOLLWAKEUP: each call is a thread of its own here"));
    if (operation == EPOLL_CTL_ADD && known != nullptr) return done(failure(EEXIST));
    if (operation == EPOLL_CTL_MOD && known == nullptr) return done(failure(ENOENT));
    if (known == nullptr) epoll->interests.push_back({.fd = fd, .socket = socket.value()});
    Epoll::Interest& changed = *epoll->find(fd);
    changed.events = interest.events;
    changed.data = interest.data;
    changed.is_disabled = false;
    if (ready_events(*table_, changed) != 0) epoll->list(changed);
    return done(success());
}

Outcome Sockets::epoll_wait(Fd fd, std::size_t events_max, int timeout_ms) {
    machine_.begin_call();
    const Descriptor* const found = table_->descriptor(fd);
    if (events_max == 0) return done(failure(EINVAL));
    if (found == nullptr) return done(failure(EBADF));
    if (found->kind != Descriptor::Kind::Epoll) return done(failure(EINVAL));
    return run(EpollWaitCall{.epoll = found->index, .events_max = events_max}, timeout_of(timeout_ms));
}

// As ep_send_events(): a level-triggered one goes to the list's end and is looked at again next time, an
// edge-triggered one comes back when the socket wakes it.
std::optional<CallResult> step(SocketTable& table, EpollWaitCall& call, Wait wait) {
    Epoll& epoll = table.epoll(call.epoll);
    CallResult result;
    for (std::size_t left = epoll.ready.size(); left > 0 && result.events.size() < call.events_max; --left) {
        Epoll::Interest& interest = *epoll.find(epoll.ready.front());
        epoll.ready.pop_front();
        interest.is_listed = false;
        const std::uint32_t events = interest.is_disabled ? 0 : ready_events(table, interest);
        if (events == 0) continue;
        result.events.push_back({events, interest.data});
        if ((interest.events & EPOLLONESHOT) != 0) {
            interest.is_disabled = true;
        } else if ((interest.events & EPOLLET) == 0) {
            epoll.list(interest);
        }
    }
    if (result.events.empty() && wait == Wait::GoesOn) return std::nullopt;
    if (result.events.empty() && wait == Wait::Interrupted) return failure(EINTR);
    result.value = static_cast<std::int64_t>(result.events.size());
    return result;
}

}  // namespace terminus::drill
