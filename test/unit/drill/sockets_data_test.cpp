#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "drill/rig.hpp"

namespace terminus::drill::test {

using tcp::State;

namespace {

void make_nonblocking(Rig& rig, Fd fd) {
    REQUIRE(Rig::value(rig.sockets().ioctl(fd, FIONBIO, 1)) == 0);
}

std::string read(Rig& rig, Fd fd, std::size_t length, int flags = 0) {
    const CallResult result = Rig::result(rig.sockets().recv(fd, length, flags));
    REQUIRE(result.value == static_cast<std::int64_t>(result.data.size()));
    return text_of(result.data);
}

}  // namespace

TEST_CASE("a blocked read returns what a segment brings, at its time") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    const CallId reading = Rig::blocked(rig.sockets().read(made.fd, 100));
    rig.advance(10ms);
    rig.say(made.peer, kAck | kPsh, "hello");
    const CallResult result = rig.completion(reading);
    CHECK(result.value == 5);
    CHECK(text_of(result.data) == "hello");
    CHECK(result.at == rig.now());
    CHECK(rig.sent_one().tcp.ack == made.peer.seq);
}

TEST_CASE("reads take what is there, in parts, and wait for nothing more") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    rig.say(made.peer, kAck, "abcdef");
    CHECK(read(rig, made.fd, 2) == "ab");
    CHECK(read(rig, made.fd, 10, MSG_PEEK) == "cdef");
    CHECK(read(rig, made.fd, 10) == "cdef");
    make_nonblocking(rig, made.fd);
    CHECK(Rig::error(rig.sockets().read(made.fd, 1)) == EAGAIN);
}

TEST_CASE("MSG_TRUNC takes bytes without giving them") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    rig.say(made.peer, kAck, "abcdef");
    const CallResult result = Rig::result(rig.sockets().recv(made.fd, 4, MSG_TRUNC));
    CHECK(result.value == 4);
    CHECK(result.data.empty());
    CHECK(read(rig, made.fd, 10) == "ef");
}

TEST_CASE("MSG_WAITALL waits for all of it, or for the end") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    const CallId first = Rig::blocked(rig.sockets().recv(made.fd, 6, MSG_WAITALL));
    rig.say(made.peer, kAck, "abc");
    CHECK(rig.sockets().is_blocked(first));
    rig.say(made.peer, kAck, "defg");
    CHECK(text_of(rig.completion(first).data) == "abcdef");
    const CallId second = Rig::blocked(rig.sockets().recv(made.fd, 6, MSG_WAITALL));
    rig.say(made.peer, kAck | kFin);
    CHECK(text_of(rig.completion(second).data) == "g");
}

TEST_CASE("SO_RCVLOWAT is how much a blocked read waits for") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    rig.set(made.fd, SOL_SOCKET, SO_RCVLOWAT, 4);
    const CallId reading = Rig::blocked(rig.sockets().read(made.fd, 100));
    rig.say(made.peer, kAck, "abc");
    CHECK(rig.sockets().is_blocked(reading));
    rig.say(made.peer, kAck, "d");
    CHECK(text_of(rig.completion(reading).data) == "abcd");
}

TEST_CASE("the peer's FIN ends the stream behind its last byte") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    rig.say(made.peer, kAck | kFin, "bye");
    CHECK(rig.sockets().state(made.fd) == State::CloseWait);
    CHECK(read(rig, made.fd, 100) == "bye");
    CHECK(Rig::value(rig.sockets().read(made.fd, 100)) == 0);
    CHECK(Rig::value(rig.sockets().read(made.fd, 100)) == 0);
}

// RFC 9293 3.6, MUST-12.
TEST_CASE("a RST is told once, and then the stream is at its end") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    const CallId reading = Rig::blocked(rig.sockets().read(made.fd, 100));
    rig.give(made.peer, kRst | kAck);
    CHECK(rig.completion(reading).error == ECONNRESET);
    CHECK(Rig::value(rig.sockets().read(made.fd, 100)) == 0);
    CHECK(Rig::error(rig.sockets().write(made.fd, bytes_of("a"))) == EPIPE);
}

TEST_CASE("a RST in CLOSE_WAIT is a broken pipe") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    rig.say(made.peer, kAck | kFin);
    rig.give(made.peer, kRst | kAck);
    // The stream has had its end, whatever came after it.
    CHECK(Rig::value(rig.sockets().read(made.fd, 100)) == 0);
    CHECK(rig.get(made.fd, SOL_SOCKET, SO_ERROR) == EPIPE);
}

TEST_CASE("a read of what was never connected is ENOTCONN, a write EPIPE") {
    Rig rig;
    const Fd fd = static_cast<Fd>(Rig::value(rig.sockets().socket(AF_INET, SOCK_STREAM, 0)));
    CHECK(Rig::error(rig.sockets().read(fd, 1)) == ENOTCONN);
    CHECK(Rig::error(rig.sockets().write(fd, bytes_of("a"))) == EPIPE);
    const Fd listening = rig.listener();
    CHECK(Rig::error(rig.sockets().read(listening, 1)) == ENOTCONN);
    CHECK(Rig::error(rig.sockets().write(listening, bytes_of("a"))) == EPIPE);
}

TEST_CASE("SO_RCVTIMEO ends a read at exactly its time") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    const timeval time{.tv_sec = 1, .tv_usec = 1};
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(&time);
    REQUIRE(Rig::value(rig.sockets().setsockopt(made.fd, SOL_SOCKET, SO_RCVTIMEO, {bytes, sizeof time})) ==
            0);
    const base::Instant begun = rig.now();
    const CallId reading = Rig::blocked(rig.sockets().read(made.fd, 1));
    rig.advance(1s);
    CHECK(rig.sockets().is_blocked(reading));
    rig.advance(1s);
    const CallResult result = rig.completion(reading);
    CHECK(result.error == EAGAIN);
    CHECK(result.at == begun + 1s + 1us);
}

TEST_CASE("a signal ends a blocked call with EINTR") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    const CallId reading = Rig::blocked(rig.sockets().read(made.fd, 1));
    CHECK(rig.sockets().blocked_count() == 1);
    rig.sockets().interrupt(reading);
    CHECK(rig.completion(reading).error == EINTR);
    CHECK(rig.sockets().blocked_count() == 0);
    CHECK_FALSE(rig.sockets().take_completion(reading));
}

TEST_CASE("a write's segments are sent when it returns") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    rig.set(made.fd, IPPROTO_TCP, TCP_NODELAY, 1);
    const std::string text(3000, 'x');
    CHECK(Rig::value(rig.sockets().write(made.fd, bytes_of(text))) == 3000);
    const std::vector<Sent> all = rig.sent();
    REQUIRE(all.size() == 3);
    CHECK(all[0].payload.size() == 1460);
    CHECK(all[2].payload.size() == 80);
    CHECK(all[2].tcp.flags.psh());
    CHECK(all[2].at == rig.now());
}

TEST_CASE("a blocking write returns when the last byte has found room") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    rig.set(made.fd, SOL_SOCKET, SO_SNDBUF, 5000);
    const CallId writing = Rig::blocked(rig.sockets().write(made.fd, bytes_of(std::string(8000, 'x'))));
    CHECK(Rig::value(rig.sockets().ioctl(made.fd, SIOCOUTQ)) == 5000);
    rig.advance(10ms);
    made.peer.ack += 2920;
    rig.give(made.peer, kAck);
    CHECK(rig.sockets().is_blocked(writing));
    made.peer.ack += 2080;
    rig.give(made.peer, kAck);
    CHECK(rig.completion(writing).value == 8000);
}

TEST_CASE("a non-blocking write takes what there is room for, then nothing") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    rig.set(made.fd, SOL_SOCKET, SO_SNDBUF, 5000);
    CHECK(Rig::value(rig.sockets().send(made.fd, bytes_of(std::string(8000, 'x')), MSG_DONTWAIT)) == 5000);
    CHECK(Rig::error(rig.sockets().send(made.fd, bytes_of("x"), MSG_DONTWAIT)) == EAGAIN);
}

TEST_CASE("a write before the handshake is complete waits for it") {
    Rig rig;
    const Fd fd = static_cast<Fd>(Rig::value(rig.sockets().socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)));
    (void)rig.sockets().connect(fd, rig.remote());
    Peer peer = rig.take_syn();
    CHECK(Rig::error(rig.sockets().write(fd, bytes_of("a"))) == EAGAIN);
    REQUIRE(Rig::value(rig.sockets().ioctl(fd, FIONBIO, 0)) == 0);
    const CallId writing = Rig::blocked(rig.sockets().write(fd, bytes_of("a")));
    rig.answer_syn(peer);
    CHECK(rig.completion(writing).value == 1);
    CHECK(rig.sent().back().payload == "a");
}

TEST_CASE("writes after our FIN are broken pipes") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    CHECK(Rig::value(rig.sockets().shutdown(made.fd, SHUT_WR)) == 0);
    CHECK(Rig::error(rig.sockets().write(made.fd, bytes_of("a"))) == EPIPE);
}

TEST_CASE("flags that the stack has nothing for are refused by name") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    for (const int flag : {MSG_ZEROCOPY, MSG_OOB}) {
        const CallResult result = Rig::result(rig.sockets().send(made.fd, bytes_of("a"), flag));
        CHECK(result.error == EOPNOTSUPP);
        CHECK_FALSE(result.refusal.empty());
    }
    CHECK_FALSE(Rig::result(rig.sockets().recv(made.fd, 1, MSG_OOB)).refusal.empty());
    CHECK(Rig::error(rig.sockets().recv(made.fd, 1, MSG_ERRQUEUE)) == EAGAIN);
    CHECK(rig.sent().empty());
}

TEST_CASE("SIOCINQ, SIOCOUTQ and SIOCOUTQNSD count bytes that wait") {
    Rig rig;
    Rig::Connected made = rig.accepted(1000);
    Sockets& sockets = rig.sockets();
    rig.say(made.peer, kAck, "abcdef");
    CHECK(Rig::value(sockets.ioctl(made.fd, SIOCINQ)) == 6);
    (void)read(rig, made.fd, 2);
    CHECK(Rig::value(sockets.ioctl(made.fd, SIOCINQ)) == 4);
    CHECK(Rig::value(sockets.write(made.fd, bytes_of(std::string(1500, 'x')))) == 1500);
    CHECK(Rig::value(sockets.ioctl(made.fd, SIOCOUTQ)) == 1500);
    CHECK(Rig::value(sockets.ioctl(made.fd, SIOCOUTQNSD)) == 500);
    // Our FIN is a number that is outstanding too.
    CHECK(Rig::value(sockets.shutdown(made.fd, SHUT_WR)) == 0);
    CHECK(Rig::value(sockets.ioctl(made.fd, SIOCOUTQ)) == 1501);
    made.peer.ack += 1000;
    made.peer.window = UINT16_MAX;
    rig.give(made.peer, kAck);
    made.peer.ack += 501;
    rig.give(made.peer, kAck);
    CHECK(Rig::value(sockets.ioctl(made.fd, SIOCOUTQ)) == 0);
    const Fd listening = rig.listener();
    CHECK(Rig::error(sockets.ioctl(listening, SIOCINQ)) == EINVAL);
    CHECK_FALSE(sockets.ioctl(made.fd, SIOCATMARK).refusal.empty());
}

TEST_CASE("TCP_INQ says how much more there is, a FIN included") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    rig.set(made.fd, IPPROTO_TCP, TCP_INQ, 1);
    rig.say(made.peer, kAck, "abcdef");
    const CallResult first = Rig::result(rig.sockets().recvmsg(made.fd, 2, 0, 64));
    CHECK(first.control == std::vector<ControlMessage>{{IPPROTO_TCP, TCP_CM_INQ, 4}});
    CHECK(first.message_flags == 0);
    const CallResult no_room = Rig::result(rig.sockets().recvmsg(made.fd, 2, 0, 0));
    CHECK(no_room.control.empty());
    CHECK(no_room.message_flags == MSG_CTRUNC);
    rig.say(made.peer, kAck | kFin);
    CHECK(Rig::result(rig.sockets().recvmsg(made.fd, 9, 0, 64)).control.at(0).value == 1);
}

TEST_CASE("closing a descriptor leaves a call that is blocked on it alone, and the socket open meanwhile") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    const CallId reading = Rig::blocked(rig.sockets().read(made.fd, 10));
    CHECK(Rig::value(rig.sockets().close(made.fd)) == 0);
    CHECK(rig.sent().empty());
    rig.say(made.peer, kAck, "abc");
    CHECK(text_of(rig.completion(reading).data) == "abc");
    const std::vector<Sent> all = rig.sent();
    REQUIRE_FALSE(all.empty());
    CHECK(all.back().tcp.flags.fin());
}

}  // namespace terminus::drill::test
