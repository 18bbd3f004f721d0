#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "drill/rig.hpp"

namespace terminus::drill::test {

using tcp::State;

namespace {

void set_linger(Rig& rig, Fd fd, int seconds) {
    const struct linger value { .l_onoff = 1, .l_linger = seconds };
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(&value);
    REQUIRE(Rig::value(rig.sockets().setsockopt(fd, SOL_SOCKET, SO_LINGER, {bytes, sizeof value})) == 0);
}

}  // namespace

TEST_CASE("close sends a FIN, and the connection goes through its states without a descriptor") {
    // RFC 9293 figure 5: ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, TIME_WAIT.
    Rig rig;
    Rig::Connected made = rig.accepted();
    CHECK(Rig::value(rig.sockets().close(made.fd)) == 0);
    CHECK(rig.sent_one().tcp.flags.bits == (kFin | kAck));
    CHECK(rig.machine().state(made.peer.tuple) == State::FinWait1);
    made.peer.ack += 1;
    rig.give(made.peer, kAck);
    CHECK(rig.machine().state(made.peer.tuple) == State::FinWait2);
    rig.say(made.peer, kFin | kAck);
    CHECK(rig.sent_one().tcp.ack == made.peer.seq);
    CHECK(rig.machine().state(made.peer.tuple) == State::TimeWait);
    CHECK(rig.machine().leftovers().time_waits == 1);
    rig.advance(60s + 2 * kTick);
    CHECK(rig.machine().state(made.peer.tuple) == std::nullopt);
    CHECK_FALSE(rig.machine().leftovers().any());
}

TEST_CASE("the passive closer goes by CLOSE_WAIT and LAST_ACK") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    rig.say(made.peer, kFin | kAck);
    CHECK(rig.sockets().state(made.fd) == State::CloseWait);
    (void)rig.sent();
    CHECK(Rig::value(rig.sockets().close(made.fd)) == 0);
    CHECK(rig.machine().state(made.peer.tuple) == State::LastAck);
    CHECK(rig.sent_one().tcp.flags.fin());
    made.peer.ack += 1;
    rig.give(made.peer, kAck);
    CHECK_FALSE(rig.machine().leftovers().any());
}

TEST_CASE("close with unread data is a RST") {
    // RFC 9293 SHLD-3, 3.6.1: data that nobody will read.
    Rig rig;
    Rig::Connected made = rig.accepted();
    rig.say(made.peer, kAck, "unread");
    (void)rig.sent();
    CHECK(Rig::value(rig.sockets().close(made.fd)) == 0);
    CHECK(rig.sent_one().tcp.flags.rst());
    CHECK_FALSE(rig.machine().leftovers().any());
}

TEST_CASE("SO_LINGER of no time is a RST") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    set_linger(rig, made.fd, 0);
    CHECK(Rig::value(rig.sockets().close(made.fd)) == 0);
    CHECK(rig.sent_one().tcp.flags.rst());
    CHECK_FALSE(rig.machine().leftovers().any());
}

TEST_CASE("SO_LINGER waits for the acknowledgement of the FIN, or for its time") {
    const bool is_acknowledged = GENERATE(false, true);
    Rig rig;
    Rig::Connected made = rig.accepted();
    set_linger(rig, made.fd, 2);
    const base::Instant begun = rig.now();
    const CallId closing = Rig::blocked(rig.sockets().close(made.fd));
    CHECK(rig.sent_one().tcp.flags.fin());
    rig.advance(10ms);
    CHECK(rig.sockets().is_blocked(closing));
    if (is_acknowledged) {
        made.peer.ack += 1;
        rig.give(made.peer, kAck);
        CHECK(rig.completion(closing).at == begun + 10ms);
    } else {
        rig.advance(10s);
        CHECK(rig.completion(closing).at == begun + 2s);
        CHECK(rig.machine().state(made.peer.tuple) == State::FinWait1);
    }
}

TEST_CASE("SHUT_WR half-closes: the peer may go on sending") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    CHECK(Rig::value(rig.sockets().shutdown(made.fd, SHUT_WR)) == 0);
    CHECK(rig.sent_one().tcp.flags.fin());
    made.peer.ack += 1;
    rig.say(made.peer, kAck, "more");
    CHECK(rig.sockets().state(made.fd) == State::FinWait2);
    CHECK(text_of(Rig::result(rig.sockets().read(made.fd, 10)).data) == "more");
    rig.say(made.peer, kFin | kAck);
    CHECK(Rig::value(rig.sockets().read(made.fd, 10)) == 0);
    CHECK(rig.sockets().state(made.fd) == State::TimeWait);
    CHECK(Rig::error(rig.sockets().shutdown(made.fd, SHUT_WR)) == ENOTCONN);
}

TEST_CASE("SHUT_RD ends reading when what has come is read, and tells the peer nothing") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    const CallId reading = Rig::blocked(rig.sockets().read(made.fd, 10));
    CHECK(Rig::value(rig.sockets().shutdown(made.fd, SHUT_RD)) == 0);
    CHECK(rig.completion(reading).value == 0);
    CHECK(rig.sent().empty());
    rig.say(made.peer, kAck, "abc");
    CHECK(Rig::value(rig.sockets().read(made.fd, 10)) == 3);
    CHECK(Rig::value(rig.sockets().read(made.fd, 10)) == 0);
}

TEST_CASE("shutdown of what is not connected is ENOTCONN, and of nonsense EINVAL") {
    Rig rig;
    const Fd fd = static_cast<Fd>(Rig::value(rig.sockets().socket(AF_INET, SOCK_STREAM, 0)));
    CHECK(Rig::error(rig.sockets().shutdown(fd, SHUT_RDWR)) == ENOTCONN);
    CHECK(Rig::error(rig.sockets().shutdown(fd, 3)) == EINVAL);
    CHECK(Rig::error(rig.sockets().shutdown(77, SHUT_RDWR)) == EBADF);
}

TEST_CASE("shutdown during the handshake dissolves the socket") {
    Rig rig;
    const Fd fd = static_cast<Fd>(Rig::value(rig.sockets().socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)));
    (void)rig.sockets().connect(fd, rig.remote());
    CHECK(rig.sent_one().tcp.flags.bits == kSyn);
    CHECK(Rig::value(rig.sockets().shutdown(fd, SHUT_RDWR)) == 0);
    CHECK(rig.sent().empty());
    CHECK_FALSE(rig.machine().leftovers().any());
}

TEST_CASE("shutdown of a listener ends its listening") {
    Rig rig;
    const Fd listening = rig.listener();
    const CallId accepting = Rig::blocked(rig.sockets().accept4(listening, 0));
    CHECK(Rig::value(rig.sockets().shutdown(listening, SHUT_RD)) == 0);
    CHECK(rig.completion(accepting).error == EINVAL);
    Peer peer{.tuple = {{rig.local_address(), kServicePort}, {rig.remote_address(), kRemotePort}},
              .seq = wire::SeqNum(1)};
    rig.give(peer, kSyn);
    CHECK(rig.sent_one().tcp.flags.rst());
}

TEST_CASE("TCP_LINGER2 is how long an orphan stays in FIN_WAIT_2") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    rig.set(made.fd, IPPROTO_TCP, TCP_LINGER2, 3);
    CHECK(Rig::value(rig.sockets().close(made.fd)) == 0);
    made.peer.ack += 1;
    rig.give(made.peer, kAck);
    rig.advance(3s - 1ns);
    CHECK(rig.machine().state(made.peer.tuple) == State::FinWait2);
    rig.advance(2 * kTick);
    CHECK(rig.machine().state(made.peer.tuple) == std::nullopt);
}

}  // namespace terminus::drill::test
