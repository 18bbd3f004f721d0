#include "drill/machine.hpp"

#include <sys/socket.h>

#include "drill/rig.hpp"

namespace terminus::drill::test {

using tcp::State;

TEST_CASE("a new machine sends nothing and holds nothing") {
    Rig rig;
    CHECK(rig.now() == Machine::kStart);
    CHECK(rig.sent().empty());
    rig.advance(2h);
    CHECK(rig.sent().empty());
    CHECK_FALSE(rig.machine().leftovers().any());
}

TEST_CASE("a packet is dealt with at the nanosecond at which it arrives") {
    Rig rig;
    const Fd listening = rig.listener();
    rig.advance(base::Duration(1234567));
    const base::Instant at = rig.now();
    Peer peer{.tuple = {{rig.local_address(), kServicePort}, {rig.remote_address(), kRemotePort}},
              .seq = wire::SeqNum(1)};
    rig.give(peer, kSyn);
    CHECK(rig.now() == at);
    CHECK(rig.sent_one().at == at);
    CHECK(rig.machine().leftovers().half_opens == 1);
    CHECK(rig.sockets().state(listening) == State::Listen);
    CHECK(rig.machine().state(peer.tuple) == State::SynReceived);
}

TEST_CASE("a segment to a port that nobody listens on is answered by RST") {
    Rig rig;
    Peer peer{.tuple = {{rig.local_address(), 81}, {rig.remote_address(), kRemotePort}},
              .seq = wire::SeqNum(1)};
    rig.give(peer, kSyn);
    CHECK(rig.sent_one().tcp.flags.rst());
    CHECK(rig.machine().state(peer.tuple) == std::nullopt);
}

TEST_CASE("a timer fires at its tick, neither before nor later") {
    // RFC 6298 2.1: the first SYN-ACK is sent again after a second.
    Rig rig;
    (void)rig.listener();
    Peer peer{.tuple = {{rig.local_address(), kServicePort}, {rig.remote_address(), kRemotePort}},
              .seq = wire::SeqNum(1)};
    const base::Instant begun = rig.now();
    rig.give(peer, kSyn);
    REQUIRE(rig.sent().size() == 1);
    rig.machine().run_until(begun + 1s - 1ns);
    CHECK(rig.sent().empty());
    rig.machine().run_until(begun + 1s + kTick);
    const Sent again = rig.sent_one();
    CHECK(again.at >= begun + 1s);
    CHECK(again.at <= begun + 1s + kTick);
    CHECK(again.tcp.flags.bits == (kSyn | kAck));
}

TEST_CASE("who goes from deadline to deadline sees what each brings") {
    Rig rig;
    const Fd fd = static_cast<Fd>(Rig::value(rig.sockets().socket(AF_INET, SOCK_STREAM, 0)));
    const CallId connecting = Rig::blocked(rig.sockets().connect(fd, rig.remote()));
    const Peer peer = rig.take_syn();
    const base::Instant begun = rig.now();
    while (rig.machine().run_to_next_deadline(begun + 10s)) {
        if (!rig.machine().leftovers().any()) break;
        if (const auto all = rig.sent(); !all.empty()) {
            CHECK(all[0].tcp.flags.bits == kSyn);
            CHECK(rig.now() >= begun + 1s);
            CHECK(rig.now() <= begun + 1s + kTick);
            break;
        }
    }
    CHECK(rig.sockets().is_blocked(connecting));
    CHECK_FALSE(rig.machine().run_to_next_deadline(rig.now()));
    CHECK(rig.machine().state(peer.tuple) == State::SynSent);
}

TEST_CASE("two machines of one seed send the same bytes at the same time") {
    std::vector<Sent> runs[2];
    for (std::vector<Sent>& run : runs) {
        Rig rig;
        const Fd fd = static_cast<Fd>(Rig::value(rig.sockets().socket(AF_INET, SOCK_STREAM, 0)));
        (void)rig.sockets().connect(fd, rig.remote());
        rig.advance(10s);
        run = rig.sent();
    }
    REQUIRE(runs[0].size() == 4);
    REQUIRE(runs[1].size() == 4);
    for (std::size_t i = 0; i < 4; ++i) {
        CHECK(runs[0][i].at == runs[1][i].at);
        CHECK(runs[0][i].bytes == runs[1][i].bytes);
    }
}

TEST_CASE("a packet longer than the MTU is taken whole") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    rig.say(made.peer, kAck, std::string(20000, 'x'));
    CHECK(rig.sent().back().tcp.ack == made.peer.seq);
    CHECK(Rig::value(rig.sockets().read(made.fd, 30000)) == 20000);
}

TEST_CASE("what is no packet is refused") {
    Rig rig;
    CHECK_FALSE(rig.machine().inject({}));
    const std::vector<std::uint8_t> version_0(40);
    CHECK_FALSE(rig.machine().inject(version_0));
    const std::vector<std::uint8_t> too_long(65536, 0x45);
    CHECK_FALSE(rig.machine().inject(too_long));
}

// RFC 9293 3.9.2, MUST-49.
TEST_CASE("sysctls reach connections that live, unless an option of their socket says otherwise") {
    Rig rig;
    Rig::Connected made = rig.accepted();
    tcp::Tunables tunables = rig.machine().tunables();
    tunables.hop_limit = 33;
    rig.machine().set_tunables(tunables);
    CHECK(Rig::value(rig.sockets().write(made.fd, bytes_of("a"))) == 1);
    CHECK(rig.sent_one().bytes[8] == 33);
}

TEST_CASE("a machine that is thrown away in the middle of everything gives its buffers back") {
    Rig rig;
    Rig::Connected made = rig.accepted(0);
    CHECK(Rig::value(rig.sockets().write(made.fd, bytes_of(std::string(5000, 'x')))) == 5000);
    rig.say(made.peer, kAck, "unread");
    const Leftovers left = rig.machine().leftovers();
    CHECK(left.connections == 1);
    CHECK(left.timers == 1);
    CHECK(left.buffers > 0);
}

}  // namespace terminus::drill::test
