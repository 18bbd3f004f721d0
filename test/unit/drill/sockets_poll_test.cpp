#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "drill/rig.hpp"

namespace terminus::drill::test {

namespace {

short poll_now(Rig& rig, Fd fd, short events) {
    const pollfd asked{.fd = fd, .events = events, .revents = 0};
    const CallResult result = Rig::result(rig.sockets().poll({&asked, 1}, 0));
    REQUIRE(result.polled.size() == 1);
    CHECK(result.value == (result.polled[0].revents != 0 ? 1 : 0));
    return result.polled[0].revents;
}

constexpr short kAll = POLLIN | POLLOUT | POLLRDHUP;

struct Watched {
    Fd epoll = -1;
    Rig& rig;

    explicit Watched(Rig& own_rig) : rig(own_rig) {
        epoll = static_cast<Fd>(Rig::value(rig.sockets().epoll_create1(0)));
    }
    void add(Fd fd, std::uint32_t events) {
        const auto data = static_cast<std::uint64_t>(fd);
        REQUIRE(Rig::value(rig.sockets().epoll_ctl(epoll, EPOLL_CTL_ADD, fd, {events, data})) == 0);
    }
    std::vector<EpollEvent> wait() { return Rig::result(rig.sockets().epoll_wait(epoll, 8, 0)).events; }
};

}  // namespace

TEST_CASE("poll shows each stage of a connection") {
    Rig rig;
    const Fd fresh = static_cast<Fd>(Rig::value(rig.sockets().socket(AF_INET, SOCK_STREAM, 0)));
    CHECK(poll_now(rig, fresh, kAll) == (POLLOUT | POLLHUP));
    CHECK(poll_now(rig, 99, kAll) == POLLNVAL);
    const Fd listening = rig.listener();
    CHECK(poll_now(rig, listening, kAll) == 0);
    Peer peer = rig.handshake();
    CHECK(poll_now(rig, listening, kAll) == POLLIN);
    const Fd fd = static_cast<Fd>(Rig::value(rig.sockets().accept4(listening, 0)));
    CHECK(poll_now(rig, fd, kAll) == POLLOUT);
    rig.say(peer, kAck, "a");
    CHECK(poll_now(rig, fd, kAll) == (POLLIN | POLLOUT));
    CHECK(poll_now(rig, fd, POLLOUT) == POLLOUT);
    rig.say(peer, kAck | kFin);
    CHECK(poll_now(rig, fd, kAll) == (POLLIN | POLLOUT | POLLRDHUP));
    REQUIRE(Rig::value(rig.sockets().shutdown(fd, SHUT_WR)) == 0);
    CHECK(poll_now(rig, fd, kAll) == (POLLIN | POLLOUT | POLLRDHUP | POLLHUP));
}

TEST_CASE("poll shows a connection in its handshake as nothing, and one that failed as an error") {
    Rig rig;
    const Fd fd = static_cast<Fd>(Rig::value(rig.sockets().socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)));
    (void)rig.sockets().connect(fd, rig.remote());
    const Peer peer = rig.take_syn();
    CHECK(poll_now(rig, fd, kAll) == 0);
    rig.give(peer, kRst | kAck);
    CHECK(poll_now(rig, fd, kAll) == (POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR));
}

TEST_CASE("poll waits for what comes first, an event or its time") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    const pollfd asked{.fd = made.fd, .events = POLLIN, .revents = 0};
    const base::Instant begun = rig.now();
    const CallId first = Rig::blocked(rig.sockets().poll({&asked, 1}, 100));
    rig.advance(50ms);
    rig.say(made.peer, kAck, "a");
    const CallResult ready = rig.completion(first);
    CHECK(ready.value == 1);
    CHECK(ready.at == begun + 50ms);
    CHECK(ready.polled.at(0).revents == POLLIN);
    CHECK(Rig::value(rig.sockets().read(made.fd, 10)) == 1);
    const CallId second = Rig::blocked(rig.sockets().poll({&asked, 1}, 100));
    rig.advance(1s);
    const CallResult over = rig.completion(second);
    CHECK(over.value == 0);
    CHECK(over.at == begun + 150ms);
}

TEST_CASE("a socket is writable while at most two thirds of its buffer are in use") {
    Rig rig;
    Rig::Connected made = rig.accepted(0);
    rig.set(made.fd, SOL_SOCKET, SO_SNDBUF, 9000);
    REQUIRE(Rig::value(rig.sockets().write(made.fd, bytes_of(std::string(6000, 'x')))) == 6000);
    CHECK(poll_now(rig, made.fd, POLLOUT) == POLLOUT);
    REQUIRE(Rig::value(rig.sockets().write(made.fd, bytes_of("x"))) == 1);
    CHECK(poll_now(rig, made.fd, POLLOUT) == 0);
}

TEST_CASE("a level-triggered interest is reported as long as it holds") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    Watched watched(rig);
    watched.add(made.fd, EPOLLIN);
    CHECK(watched.wait().empty());
    rig.say(made.peer, kAck, "ab");
    const std::vector<EpollEvent> readable{{EPOLLIN, static_cast<std::uint64_t>(made.fd)}};
    CHECK(watched.wait() == readable);
    CHECK(watched.wait() == readable);
    REQUIRE(Rig::value(rig.sockets().read(made.fd, 10)) == 2);
    CHECK(watched.wait().empty());
}

TEST_CASE("an edge-triggered interest is reported once for each arrival") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    Watched watched(rig);
    watched.add(made.fd, EPOLLIN | EPOLLET);
    rig.say(made.peer, kAck, "a");
    CHECK(watched.wait().size() == 1);
    CHECK(watched.wait().empty());
    rig.say(made.peer, kAck, "b");
    CHECK(watched.wait().size() == 1);
    CHECK(watched.wait().empty());
}

TEST_CASE("an edge-triggered writer is told when room has come back, not of every acknowledgement") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    rig.set(made.fd, SOL_SOCKET, SO_SNDBUF, 5000);
    rig.set(made.fd, IPPROTO_TCP, TCP_NODELAY, 1);
    Watched watched(rig);
    watched.add(made.fd, EPOLLOUT | EPOLLET);
    CHECK(watched.wait().size() == 1);
    REQUIRE(Rig::value(rig.sockets().send(made.fd, bytes_of(std::string(100, 'x')), MSG_DONTWAIT)) == 100);
    made.peer.ack += 100;
    rig.give(made.peer, kAck);
    CHECK(watched.wait().empty());
    REQUIRE(Rig::value(rig.sockets().send(made.fd, bytes_of(std::string(6000, 'x')), MSG_DONTWAIT)) == 5000);
    made.peer.ack += 1460;
    rig.give(made.peer, kAck);
    CHECK(watched.wait().empty());
    made.peer.ack += 3540;
    rig.give(made.peer, kAck);
    CHECK(watched.wait() == std::vector<EpollEvent>{{EPOLLOUT, static_cast<std::uint64_t>(made.fd)}});
}

TEST_CASE("a one-shot interest is reported once, until it is modified") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    Watched watched(rig);
    watched.add(made.fd, EPOLLIN | EPOLLONESHOT);
    rig.say(made.peer, kAck, "a");
    CHECK(watched.wait().size() == 1);
    rig.say(made.peer, kAck, "b");
    CHECK(watched.wait().empty());
    REQUIRE(Rig::value(rig.sockets().epoll_ctl(watched.epoll, EPOLL_CTL_MOD, made.fd,
                                               {EPOLLIN | EPOLLONESHOT, 9})) == 0);
    CHECK(watched.wait() == std::vector<EpollEvent>{{EPOLLIN, 9}});
}

TEST_CASE("epoll_wait blocks until something is ready, and for its time at most") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    Watched watched(rig);
    watched.add(made.fd, EPOLLIN | EPOLLRDHUP);
    const base::Instant begun = rig.now();
    const CallId first = Rig::blocked(rig.sockets().epoll_wait(watched.epoll, 8, 20));
    rig.advance(1s);
    CHECK(rig.completion(first).value == 0);
    const CallId second = Rig::blocked(rig.sockets().epoll_wait(watched.epoll, 8, -1));
    rig.say(made.peer, kAck | kFin);
    const CallResult result = rig.completion(second);
    CHECK(result.at == begun + 1s);
    CHECK(result.events.at(0).events == (EPOLLIN | EPOLLRDHUP));
}

TEST_CASE("epoll refuses descriptors as Linux does") {
    Rig rig;
    Sockets& sockets = rig.sockets();
    Rig::Connected made = rig.accepted();
    Watched watched(rig);
    watched.add(made.fd, EPOLLIN);
    CHECK(Rig::error(sockets.epoll_ctl(watched.epoll, EPOLL_CTL_ADD, made.fd, {EPOLLIN, 0})) == EEXIST);
    CHECK(Rig::error(sockets.epoll_ctl(watched.epoll, EPOLL_CTL_ADD, 99, {EPOLLIN, 0})) == EBADF);
    CHECK(Rig::error(sockets.epoll_ctl(made.fd, EPOLL_CTL_ADD, made.fd, {EPOLLIN, 0})) == EINVAL);
    CHECK(Rig::value(sockets.epoll_ctl(watched.epoll, EPOLL_CTL_DEL, made.fd, {})) == 0);
    CHECK(Rig::error(sockets.epoll_ctl(watched.epoll, EPOLL_CTL_DEL, made.fd, {})) == ENOENT);
    CHECK(Rig::error(sockets.epoll_wait(watched.epoll, 0, 0)) == EINVAL);
    CHECK(Rig::error(sockets.read(watched.epoll, 1)) == ENOTSOCK);
}

TEST_CASE("a closed descriptor is watched no more") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    Watched watched(rig);
    watched.add(made.fd, EPOLLIN);
    rig.say(made.peer, kAck, "a");
    REQUIRE(Rig::value(rig.sockets().close(made.fd)) == 0);
    CHECK(watched.wait().empty());
}

}  // namespace terminus::drill::test
