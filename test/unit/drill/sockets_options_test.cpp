#include <linux/in6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstring>

#include "drill/rig.hpp"

namespace terminus::drill::test {

using tcp::State;

namespace {

int error_of(Rig& rig, Fd fd, int level, int name, int number) {
    std::vector<std::uint8_t> bytes(sizeof number);
    std::memcpy(bytes.data(), &number, sizeof number);
    const CallResult result = rig.sockets().setsockopt(fd, level, name, bytes);
    CHECK(result.refusal.empty());
    return result.error;
}

}  // namespace

TEST_CASE("options read back as they were set, within Linux's bounds") {
    Rig rig;
    const Fd fd = static_cast<Fd>(Rig::value(rig.sockets().socket(AF_INET6, SOCK_STREAM, 0)));
    struct Row {
        int level, name, initial, value;
    };
    const Row rows[] = {
        {SOL_SOCKET, SO_REUSEADDR, 0, 1},     {SOL_SOCKET, SO_KEEPALIVE, 0, 1},
        {SOL_SOCKET, SO_RCVLOWAT, 1, 7},      {IPPROTO_TCP, TCP_NODELAY, 0, 1},
        {IPPROTO_TCP, TCP_MAXSEG, 536, 1000}, {IPPROTO_TCP, TCP_KEEPIDLE, 7200, 5},
        {IPPROTO_TCP, TCP_KEEPINTVL, 75, 6},  {IPPROTO_TCP, TCP_KEEPCNT, 9, 3},
        {IPPROTO_TCP, TCP_SYNCNT, 6, 2},      {IPPROTO_TCP, TCP_USER_TIMEOUT, 0, 1500},
        {IPPROTO_TCP, TCP_LINGER2, 60, 10},   {IPPROTO_IPV6, IPV6_V6ONLY, 0, 1},
        {IPPROTO_IPV6, IPV6_TCLASS, 0, 0x20}, {IPPROTO_IPV6, IPV6_UNICAST_HOPS, 64, 9},
    };
    for (const Row& row : rows) {
        INFO(row.level << ' ' << row.name);
        CHECK(rig.get(fd, row.level, row.name) == row.initial);
        rig.set(fd, row.level, row.name, row.value);
        CHECK(rig.get(fd, row.level, row.name) == row.value);
    }
}

TEST_CASE("what only asks says what the socket is") {
    Rig rig;
    const Fd listening = rig.listener();
    CHECK(rig.get(listening, SOL_SOCKET, SO_ACCEPTCONN) == 1);
    CHECK(rig.get(listening, SOL_SOCKET, SO_TYPE) == SOCK_STREAM);
    CHECK(rig.get(listening, SOL_SOCKET, SO_DOMAIN) == AF_INET);
    CHECK(rig.get(listening, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_TCP);
    CHECK(error_of(rig, listening, SOL_SOCKET, SO_TYPE, 1) == ENOPROTOOPT);
}

TEST_CASE("values out of bounds are EINVAL, on both sides of each bound") {
    Rig rig;
    const Fd fd = static_cast<Fd>(Rig::value(rig.sockets().socket(AF_INET, SOCK_STREAM, 0)));
    struct Row {
        int name, least, most;
    };
    const Row rows[] = {{TCP_MAXSEG, 88, 32767},
                        {TCP_KEEPIDLE, 1, 32767},
                        {TCP_KEEPINTVL, 1, 32767},
                        {TCP_KEEPCNT, 1, 127},
                        {TCP_SYNCNT, 1, 127}};
    for (const Row& row : rows) {
        INFO(row.name);
        CHECK(error_of(rig, fd, IPPROTO_TCP, row.name, row.least - 1) == EINVAL);
        CHECK(error_of(rig, fd, IPPROTO_TCP, row.name, row.least) == 0);
        CHECK(error_of(rig, fd, IPPROTO_TCP, row.name, row.most) == 0);
        CHECK(error_of(rig, fd, IPPROTO_TCP, row.name, row.most + 1) == EINVAL);
    }
    CHECK(rig.sockets().setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, bytes_of("a")).error == EINVAL);
}

TEST_CASE("SO_SNDBUF and SO_RCVBUF show double of what was asked for") {
    Rig rig;
    const Fd fd = static_cast<Fd>(Rig::value(rig.sockets().socket(AF_INET, SOCK_STREAM, 0)));
    rig.set(fd, SOL_SOCKET, SO_SNDBUF, 10000);
    CHECK(rig.get(fd, SOL_SOCKET, SO_SNDBUF) == 20000);
    rig.set(fd, SOL_SOCKET, SO_RCVBUF, 10);
    CHECK(rig.get(fd, SOL_SOCKET, SO_RCVBUF) == 2304);
    rig.set(fd, SOL_SOCKET, SO_RCVBUF, 1'000'000);
    CHECK(rig.get(fd, SOL_SOCKET, SO_RCVBUF) == 2 * 212992);
    rig.set(fd, SOL_SOCKET, SO_RCVBUFFORCE, 500'000);
    CHECK(rig.get(fd, SOL_SOCKET, SO_RCVBUF) == 1'000'000);
}

TEST_CASE("a listener's options are its children's, and go on the SYN-ACK") {
    Rig rig;
    const Fd listening = rig.listener();
    rig.set(listening, IPPROTO_TCP, TCP_MAXSEG, 1000);
    rig.set(listening, IPPROTO_TCP, TCP_NODELAY, 1);
    rig.set(listening, SOL_SOCKET, SO_RCVBUF, 5000);
    rig.set(listening, IPPROTO_IP, IP_TTL, 17);
    rig.set(listening, IPPROTO_IP, IP_TOS, 0x13);
    Peer peer{.tuple = {{rig.local_address(), kServicePort}, {rig.remote_address(), kRemotePort}},
              .seq = wire::SeqNum(1)};
    rig.say(peer, kSyn);
    const Sent answer = rig.sent_one();
    CHECK(answer.tcp.options.mss == 1000);
    CHECK(answer.tcp.window == 5000);
    // RFC 9293 3.9.2, MUST-49; 3.9.1.9, MUST-48, SHLD-22.
    CHECK(answer.bytes[8] == 17);
    CHECK(answer.bytes[1] == 0x10);
    peer.ack = answer.tcp.seq + 1;
    rig.give(peer, kAck);
    const Fd fd = static_cast<Fd>(Rig::value(rig.sockets().accept4(listening, 0)));
    CHECK(rig.get(fd, IPPROTO_TCP, TCP_NODELAY) == 1);
    CHECK(rig.get(fd, SOL_SOCKET, SO_RCVBUF) == 10000);
    CHECK(rig.get(fd, IPPROTO_TCP, TCP_MAXSEG) == 536);
    // What the child has from then on is its own.
    rig.set(fd, IPPROTO_TCP, TCP_NODELAY, 0);
    CHECK(rig.get(listening, IPPROTO_TCP, TCP_NODELAY) == 1);
}

TEST_CASE("TCP_NODELAY is what Nagle's algorithm goes by") {
    // RFC 9293 SHLD-7: small segments wait for an acknowledgement, unless the application turns that off
    // (MUST-17).
    const bool nodelay = GENERATE(false, true);
    Rig rig;
    Rig::Connected made = rig.accepted();
    rig.set(made.fd, IPPROTO_TCP, TCP_NODELAY, nodelay ? 1 : 0);
    REQUIRE(Rig::value(rig.sockets().write(made.fd, bytes_of("a"))) == 1);
    REQUIRE(Rig::value(rig.sockets().write(made.fd, bytes_of("b"))) == 1);
    CHECK(rig.sent().size() == (nodelay ? 2 : 1));
}

TEST_CASE("keepalive begins with its option, at TCP_KEEPIDLE, and ends the connection with ETIMEDOUT") {
    // RFC 9293 3.8.4, MUST-24, MUST-25: off unless the application asks.
    Rig rig;
    Rig::Connected made = rig.accepted();
    rig.advance(3h);
    CHECK(rig.sent().empty());
    rig.set(made.fd, IPPROTO_TCP, TCP_KEEPIDLE, 5);
    rig.set(made.fd, IPPROTO_TCP, TCP_KEEPINTVL, 2);
    rig.set(made.fd, IPPROTO_TCP, TCP_KEEPCNT, 2);
    rig.set(made.fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    rig.advance(5s - 1ns);
    CHECK(rig.sent().empty());
    rig.advance(2 * kTick);
    CHECK(rig.sent_one().tcp.seq == made.peer.ack - 1);
    rig.advance(2s);
    CHECK(rig.sent().size() == 1);
    rig.advance(2s);
    CHECK(rig.get(made.fd, SOL_SOCKET, SO_ERROR) == ETIMEDOUT);
    CHECK(rig.sent_one().tcp.flags.rst());
}

TEST_CASE("TCP_USER_TIMEOUT ends what is not acknowledged") {
    // RFC 9293 3.9.1, MUST-21; RFC 5482.
    Rig rig;
    Rig::Connected made = rig.accepted();
    rig.set(made.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 1500);
    REQUIRE(Rig::value(rig.sockets().write(made.fd, bytes_of("a"))) == 1);
    const base::Instant begun = rig.now();
    const CallId reading = Rig::blocked(rig.sockets().read(made.fd, 1));
    rig.advance(1500ms - 1ns);
    CHECK(rig.sockets().is_blocked(reading));
    rig.advance(2 * kTick);
    const CallResult result = rig.completion(reading);
    CHECK(result.error == ETIMEDOUT);
    CHECK(result.at >= begun + 1500ms);
}

TEST_CASE("options that the stack has nothing for are refused with a reason") {
    Rig rig;
    const Fd fd = static_cast<Fd>(Rig::value(rig.sockets().socket(AF_INET, SOCK_STREAM, 0)));
    const std::vector<std::uint8_t> one{1, 0, 0, 0};
    const int options[][2] = {{SOL_SOCKET, SO_ZEROCOPY}, {SOL_SOCKET, SO_TIMESTAMPING},
                              {IPPROTO_TCP, TCP_MD5SIG}, {IPPROTO_TCP, TCP_REPAIR},
                              {IPPROTO_IP, IP_RECVTOS},  {IPPROTO_IP, IP_MTU_DISCOVER}};
    for (const auto& option : options) {
        INFO(option[0] << ' ' << option[1]);
        std::vector<std::uint8_t> value = one;
        if (option[1] == IP_MTU_DISCOVER) value[0] = IP_PMTUDISC_DO;
        const CallResult result = rig.sockets().setsockopt(fd, option[0], option[1], value);
        CHECK(result.error == ENOPROTOOPT);
        CHECK_FALSE(result.refusal.empty());
    }
    CHECK(rig.sockets().setsockopt(fd, 12345, 1, one).error == ENOPROTOOPT);
    CHECK(rig.sockets().setsockopt(99, SOL_SOCKET, SO_KEEPALIVE, one).error == EBADF);
    CHECK_FALSE(rig.sockets().getsockopt(fd, IPPROTO_TCP, TCP_INFO, 256).refusal.empty());
}

TEST_CASE("TCP_INFO has the connection's figures, and none that nobody counted") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    rig.set(made.fd, IPPROTO_TCP, TCP_NODELAY, 1);
    REQUIRE(Rig::value(rig.sockets().write(made.fd, bytes_of(std::string(3000, 'x')))) == 3000);
    const std::optional<TcpInfo> info = rig.sockets().tcp_info(made.fd);
    REQUIRE(info);
    CHECK(info->field("tcpi_state") == TCP_ESTABLISHED);
    CHECK(info->field("tcpi_snd_mss") == 1460);
    CHECK(info->field("tcpi_snd_cwnd") == 10);
    CHECK(info->field("tcpi_unacked") == 3);
    CHECK(info->field("tcpi_notsent_bytes") == 0);
    CHECK(info->field("tcpi_rcv_ooopack") == std::nullopt);
    CHECK_FALSE(rig.sockets().tcp_info(99));
    const Fd fresh = static_cast<Fd>(Rig::value(rig.sockets().socket(AF_INET, SOCK_STREAM, 0)));
    CHECK(rig.sockets().tcp_info(fresh)->field("tcpi_state") == TCP_CLOSE);
}

}  // namespace terminus::drill::test
