#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "drill/rig.hpp"

namespace terminus::drill::test {

using tcp::State;

namespace {

Fd socket_of(Rig& rig, int type = SOCK_STREAM) {
    return static_cast<Fd>(Rig::value(rig.sockets().socket(rig.family(), type, IPPROTO_TCP)));
}

}  // namespace

TEST_CASE("descriptors begin at 3 and the lowest free one comes first") {
    Rig rig;
    CHECK(socket_of(rig) == 3);
    CHECK(socket_of(rig) == 4);
    CHECK(Rig::value(rig.sockets().close(3)) == 0);
    CHECK(Rig::error(rig.sockets().close(3)) == EBADF);
    CHECK(socket_of(rig) == 3);
}

TEST_CASE("a server accepts what has completed its handshake, over both families") {
    const bool is_v6 = GENERATE(false, true);
    Rig rig(is_v6);
    const Fd listening = rig.listener();
    const CallId accepting = Rig::blocked(rig.sockets().accept4(listening, 0));
    rig.advance(1ms);
    const Peer peer = rig.handshake();
    const CallResult result = rig.completion(accepting);
    CHECK(result.value == 4);
    CHECK(result.at == rig.now());
    CHECK(result.address == SocketAddress{rig.family(), peer.tuple.remote});
    CHECK(rig.sockets().state(4) == State::Established);
    CHECK(rig.sockets().getsockname(4).address->endpoint == peer.tuple.local);
    CHECK(rig.sockets().getpeername(4).address->endpoint == peer.tuple.remote);
}

TEST_CASE("a listener for IPv6 takes IPv4, but with IPV6_V6ONLY") {
    const bool v6_only = GENERATE(false, true);
    Rig rig;
    const Fd fd = static_cast<Fd>(Rig::value(rig.sockets().socket(AF_INET6, SOCK_STREAM, 0)));
    rig.set(fd, IPPROTO_IPV6, IPV6_V6ONLY, v6_only ? 1 : 0);
    REQUIRE(Rig::value(rig.sockets().bind(fd, {AF_INET6, {{}, kServicePort}})) == 0);
    REQUIRE(Rig::value(rig.sockets().listen(fd, 1)) == 0);
    Peer peer{.tuple = {{rig.local_address(), kServicePort}, {rig.remote_address(), kRemotePort}},
              .seq = wire::SeqNum(1)};
    rig.give(peer, kSyn);
    CHECK(rig.sent_one().tcp.flags.rst() == v6_only);
}

TEST_CASE("accept on a non-blocking listener, or on what doesn't listen, returns at once") {
    Rig rig;
    const Fd fd = socket_of(rig, SOCK_STREAM | SOCK_NONBLOCK);
    CHECK(Rig::error(rig.sockets().accept4(fd, 0)) == EINVAL);
    REQUIRE(Rig::value(rig.sockets().listen(fd, 1)) == 0);
    CHECK(Rig::error(rig.sockets().accept4(fd, 0)) == EAGAIN);
    CHECK(Rig::error(rig.sockets().accept4(99, 0)) == EBADF);
}

TEST_CASE("a backlog of n lets n + 1 connections wait, and the SYN of one more is dropped") {
    Rig rig;
    const Fd listening = rig.listener(1);
    (void)rig.handshake(40001);
    (void)rig.handshake(40002);
    CHECK(rig.sent().empty());
    Peer third{.tuple = {{rig.local_address(), kServicePort}, {rig.remote_address(), 40003}},
               .seq = wire::SeqNum(1)};
    rig.give(third, kSyn);
    CHECK(rig.sent().empty());
    CHECK(Rig::result(rig.sockets().accept4(listening, 0)).address->endpoint.port == 40001);
    rig.give(third, kSyn);
    CHECK(rig.sent_one().tcp.flags.syn());
    CHECK(Rig::result(rig.sockets().accept4(listening, 0)).address->endpoint.port == 40002);
    CHECK(rig.sockets().is_blocked(Rig::blocked(rig.sockets().accept4(listening, 0))));
}

TEST_CASE("closing a listener resets what waits for accept, and half-opens") {
    Rig rig;
    const Fd listening = rig.listener();
    (void)rig.handshake(40001);
    Peer half{.tuple = {{rig.local_address(), kServicePort}, {rig.remote_address(), 40002}},
              .seq = wire::SeqNum(1)};
    rig.give(half, kSyn);
    (void)rig.sent();
    REQUIRE(Rig::value(rig.sockets().close(listening)) == 0);
    const std::vector<Sent> all = rig.sent();
    REQUIRE(all.size() == 2);
    CHECK(all[0].tcp.flags.rst());
    CHECK(all[1].tcp.flags.rst());
    CHECK_FALSE(rig.machine().leftovers().any());
}

TEST_CASE("bind refuses what is not free, not ours or not its own") {
    Rig rig;
    const Fd first = socket_of(rig);
    const SocketAddress any{AF_INET, {wire::IpAddress::v4(0), 80}};
    REQUIRE(Rig::value(rig.sockets().bind(first, any)) == 0);
    CHECK(Rig::error(rig.sockets().bind(first, {AF_INET, {wire::IpAddress::v4(0), 81}})) == EINVAL);
    const Fd second = socket_of(rig);
    CHECK(Rig::error(rig.sockets().bind(second, any)) == EADDRINUSE);
    CHECK(Rig::error(rig.sockets().bind(second, {AF_INET, {rig.local_address(), 80}})) == EADDRINUSE);
    CHECK(Rig::error(rig.sockets().bind(second, {AF_INET, {rig.remote_address(), 81}})) == EADDRNOTAVAIL);
    CHECK(Rig::error(rig.sockets().bind(second, {AF_INET6, {{}, 81}})) == EAFNOSUPPORT);
    CHECK(Rig::value(rig.sockets().bind(second, {AF_INET, {rig.local_address(), 81}})) == 0);
}

TEST_CASE("two sockets with SO_REUSEADDR share a port until one listens") {
    Rig rig;
    const SocketAddress any{AF_INET, {wire::IpAddress::v4(0), 80}};
    Fd fds[3];
    for (Fd& fd : fds) {
        fd = socket_of(rig);
        rig.set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    }
    CHECK(Rig::value(rig.sockets().bind(fds[0], any)) == 0);
    CHECK(Rig::value(rig.sockets().bind(fds[1], any)) == 0);
    CHECK(Rig::value(rig.sockets().listen(fds[0], 1)) == 0);
    CHECK(Rig::error(rig.sockets().listen(fds[1], 1)) == EADDRINUSE);
    CHECK(Rig::error(rig.sockets().bind(fds[2], any)) == EADDRINUSE);
}

TEST_CASE("a blocking connect returns with the SYN-ACK, over both families") {
    const bool is_v6 = GENERATE(false, true);
    Rig rig(is_v6);
    const Fd fd = socket_of(rig);
    const CallId connecting = Rig::blocked(rig.sockets().connect(fd, rig.remote()));
    CHECK(rig.sockets().state(fd) == State::SynSent);
    Peer peer = rig.take_syn();
    // RFC 9293 3.9.1.1, MUST-44: nobody has named it.
    CHECK(peer.tuple.local.address == rig.local_address());
    rig.advance(10ms);
    CHECK(rig.sockets().is_blocked(connecting));
    rig.answer_syn(peer);
    CHECK(rig.completion(connecting).at == rig.now());
    CHECK(rig.sockets().state(fd) == State::Established);
    CHECK(rig.sent_one().tcp.flags.bits == kAck);
    CHECK(Rig::error(rig.sockets().connect(fd, rig.remote())) == EISCONN);
}

TEST_CASE("a non-blocking connect is in progress, then already, then done, then connected") {
    Rig rig;
    const Fd fd = socket_of(rig, SOCK_STREAM | SOCK_NONBLOCK);
    CHECK(Rig::error(rig.sockets().connect(fd, rig.remote())) == EINPROGRESS);
    CHECK(Rig::error(rig.sockets().connect(fd, rig.remote())) == EALREADY);
    Peer peer = rig.take_syn();
    rig.answer_syn(peer);
    CHECK(rig.get(fd, SOL_SOCKET, SO_ERROR) == 0);
    CHECK(Rig::value(rig.sockets().connect(fd, rig.remote())) == 0);
    CHECK(Rig::error(rig.sockets().connect(fd, rig.remote())) == EISCONN);
}

TEST_CASE("a RST for the SYN refuses the connection, by SO_ERROR or by the call itself") {
    const bool is_blocking = GENERATE(false, true);
    Rig rig;
    const Fd fd = socket_of(rig, SOCK_STREAM | (is_blocking ? 0 : SOCK_NONBLOCK));
    const Outcome outcome = rig.sockets().connect(fd, rig.remote());
    Peer peer = rig.take_syn();
    rig.give(peer, kRst | kAck);
    if (is_blocking) {
        CHECK(rig.completion(Rig::blocked(outcome)).error == ECONNREFUSED);
    } else {
        CHECK(rig.get(fd, SOL_SOCKET, SO_ERROR) == ECONNREFUSED);
        CHECK(rig.get(fd, SOL_SOCKET, SO_ERROR) == 0);
        CHECK(Rig::error(rig.sockets().connect(fd, rig.remote())) == ECONNABORTED);
    }
    CHECK_FALSE(rig.machine().leftovers().any());
    CHECK(rig.sockets().state(fd) == State::Closed);
    // The socket may try again.
    (void)rig.sockets().connect(fd, rig.remote());
    CHECK(rig.sent_one().tcp.flags.bits == kSyn);
}

TEST_CASE("a SYN that nobody answers times out after TCP_SYNCNT retransmissions") {
    Rig rig;
    const Fd fd = socket_of(rig);
    rig.set(fd, IPPROTO_TCP, TCP_SYNCNT, 1);
    const CallId connecting = Rig::blocked(rig.sockets().connect(fd, rig.remote()));
    const base::Instant begun = rig.now();
    rig.advance(3s - 1ns);
    CHECK(rig.sockets().is_blocked(connecting));
    CHECK(rig.sent().size() == 2);
    rig.advance(2 * kTick);
    const CallResult result = rig.completion(connecting);
    CHECK(result.error == ETIMEDOUT);
    CHECK(result.at >= begun + 3s);
    CHECK(rig.sent().empty());
}

TEST_CASE("SO_SNDTIMEO ends connect's waiting, not the connection, at exactly its time") {
    Rig rig;
    const Fd fd = socket_of(rig);
    const timeval time{.tv_sec = 0, .tv_usec = 1500};
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(&time);
    REQUIRE(Rig::value(rig.sockets().setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, {bytes, sizeof time})) == 0);
    const base::Instant begun = rig.now();
    const CallId connecting = Rig::blocked(rig.sockets().connect(fd, rig.remote()));
    rig.advance(1s);
    const CallResult result = rig.completion(connecting);
    CHECK(result.error == EINPROGRESS);
    CHECK(result.at == begun + 1500us);
    CHECK(rig.sockets().state(fd) == State::SynSent);
}

TEST_CASE("connect with AF_UNSPEC dissolves, by RST where there was a connection") {
    Rig rig;
    Rig::Connected made = rig.connected();
    CHECK(Rig::value(rig.sockets().connect(made.fd, {AF_UNSPEC, {}})) == 0);
    CHECK(rig.sent_one().tcp.flags.rst());
    CHECK_FALSE(rig.machine().leftovers().any());
    CHECK(rig.get(made.fd, SOL_SOCKET, SO_ERROR) == ECONNRESET);
    (void)rig.sockets().connect(made.fd, rig.remote(443));
    CHECK(rig.sent_one().tcp.flags.bits == kSyn);
}

TEST_CASE("what the machine can't do is refused with a reason") {
    Rig rig;
    CHECK_FALSE(rig.sockets().socket(AF_UNIX, SOCK_STREAM, 0).refusal.empty());
    CHECK_FALSE(rig.sockets().socket(AF_INET, SOCK_DGRAM, 0).refusal.empty());
    const Fd fd = socket_of(rig);
    const SocketAddress own{AF_INET, {rig.local_address(), 80}};
    CHECK_FALSE(Rig::result(rig.sockets().connect(fd, own)).refusal.empty());
}

}  // namespace terminus::drill::test
