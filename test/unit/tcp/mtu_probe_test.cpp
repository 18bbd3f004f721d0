// RFC 4821 as a connection does it: black holes, probes, and what their fates mean.
#include <initializer_list>

#include "bench.hpp"

using namespace terminus;
using namespace terminus::test;
using tcp::RecoveryState;

namespace {

using Lengths = std::vector<std::uint32_t>;

/// A peer that takes 1460 bytes, over a path with a round trip of 40 ms; the search begins at 1024.
struct Probing : Bench {
    explicit Probing(std::uint8_t mode = 2) {
        tunables.mtu_probing = mode;
        tunables.keepalive = false;
        tunables.early_retrans = false;  // the tail's probes are another matter
        peer_mss = 1460;
        peer_window = 60'000;
    }
    void open(bool sack = true) { accept(sack ? sack_syn() : segment(kSyn, 0, 0)); }
    /// With a window of 12 segments, eight of them on the way, and the first probe sent: [10241, 11483).
    void open_and_probe(bool sack = true) {
        open(sack);
        send(std::string(50'000, 'x'));
        REQUIRE(lengths() == Lengths(10, 1024));
        advance(40ms);
        acknowledge(2049);
        REQUIRE(lengths() == Lengths{1242, 1024, 1024});
    }
    /// Then all before the probe has arrived, and the flight behind it is full.
    void open_and_have_all_but_the_probe(bool sack = true) {
        open_and_probe(sack);
        advance(40ms);
        acknowledge(10'241);
        (void)poll_all();
    }
    void acknowledge(std::uint32_t up_to,
                     std::initializer_list<std::pair<std::uint32_t, std::uint32_t>> blocks = {}) {
        wire::TcpSegment ack = segment(kAck, 1, up_to);
        for (const auto& [begin, end] : blocks)
            ack.options.sack[ack.options.sack_count++] = {own_iss + begin, own_iss + end};
        REQUIRE(receive(ack) == Disposition::Accepted);
    }
    Lengths lengths() {
        Lengths result;
        for (const auto& out : poll_all())
            result.push_back(out.payload_length);
        return result;
    }
    [[nodiscard]] std::uint16_t send_mss() { return c().snapshot().send_mss; }
    [[nodiscard]] std::uint32_t cwnd() { return c().recovery().window(); }
    [[nodiscard]] RecoveryState recovery() { return c().recovery().state(); }
    [[nodiscard]] std::uint64_t arrived() { return leg().mtu_probes_arrived.value(); }
    [[nodiscard]] std::uint64_t lost() { return leg().mtu_probes_lost.value(); }
};

}  // namespace

// RFC 4821 7.4, 7.6.1.
TEST_CASE("a probe goes out when the window has room for it, and what it proves is the new size") {
    Probing path;
    path.open_and_probe();
    CHECK(path.send_mss() == 1024);
    path.advance(40ms);
    const std::uint32_t window = path.cwnd();
    path.acknowledge(10'241);
    CHECK(path.arrived() == 0);
    path.acknowledge(11'483);
    CHECK(path.arrived() == 1);
    CHECK(path.send_mss() == 1242);
    CHECK(path.cwnd() > window);  // by slow start, in bytes: the size changes nothing
    const Lengths next = path.lengths();
    REQUIRE(next.size() > 2);
    CHECK(next[0] == 1351);
    CHECK(next[1] == 1242);
}

TEST_CASE("the search ends and every segment then has the size that was found") {
    Probing path;
    path.open();
    path.send(std::string(200'000, 'x'));
    std::uint32_t acknowledged = 1;
    for (int turn = 0; turn < 100 && acknowledged < 200'001; ++turn) {
        for (const auto& out : path.poll_all())
            acknowledged += out.payload_length;
        path.advance(40ms);
        path.acknowledge(acknowledged);
    }
    CHECK(acknowledged == 200'001);
    CHECK(path.arrived() == 6);
    CHECK(path.lost() == 0);
    CHECK(path.send_mss() == 1453);
}

// RFC 4821 7.6.2.
TEST_CASE("a probe lost alone goes again in small segments, and no window pays for it") {
    Probing path;
    path.open_and_have_all_but_the_probe();
    const std::uint32_t window = path.cwnd();
    const std::uint32_t threshold = path.c().snapshot().slow_start_threshold_bytes;
    path.acknowledge(10'241, {{11'483, 14'555}});
    CHECK(path.lost() == 1);
    CHECK(path.leg().recoveries.value() == 0);
    CHECK(path.cwnd() == window);
    CHECK(path.c().snapshot().slow_start_threshold_bytes == threshold);
    const auto again = path.poll_all();
    REQUIRE(again.size() >= 2);
    CHECK(path.seq_of(again[0]) == 10'241);
    CHECK(again[0].payload_length == 1024);
    CHECK(path.seq_of(again[1]) == 11'265);
    CHECK(again[1].payload_length == 218);
    CHECK(path.leg().retransmits[RetransmitCause::PathMtu].value() == 2);
    CHECK(path.send_mss() == 1024);

    path.advance(40ms);
    path.acknowledge(path.c().send_space().nxt - path.own_iss);
    CHECK(path.recovery() == RecoveryState::Open);
    CHECK(path.cwnd() >= window);
    const Lengths next = path.lengths();
    REQUIRE_FALSE(next.empty());
    CHECK(next[0] == (1024 + 1241) / 2);
}

TEST_CASE("the end of the reordering window finds a lost probe as an ACK would") {
    Probing path;
    path.open_and_have_all_but_the_probe();
    const std::uint32_t window = path.cwnd();
    path.acknowledge(10'241, {{11'483, 12'507}});
    CHECK(path.lost() == 0);
    path.run_to_deadline();
    CHECK(path.lost() == 1);
    CHECK(path.cwnd() == window);
    CHECK(path.recovery() == RecoveryState::Loss);
    REQUIRE_FALSE(path.poll_all().empty());
    CHECK(path.leg().recoveries.value() == 0);
}

TEST_CASE("without SACK the third duplicate finds a lost probe") {
    Probing path;
    path.open_and_have_all_but_the_probe(false);
    const std::uint32_t window = path.cwnd();
    path.acknowledge(10'241);
    path.acknowledge(10'241);
    CHECK(path.lost() == 0);
    path.acknowledge(10'241);
    CHECK(path.lost() == 1);
    CHECK(path.cwnd() == window);
    const auto again = path.poll_all();
    REQUIRE(again.size() >= 2);
    CHECK(again[0].payload_length == 1024);
    CHECK(again[1].payload_length == 218);
}

// RFC 4821 7.6.4.
TEST_CASE("a probe lost beside other segments says nothing of its size, and their loss is congestion") {
    Probing path;
    path.open_and_have_all_but_the_probe();
    const std::uint32_t window = path.cwnd();
    path.acknowledge(10'241, {{12'507, 16'603}});  // and what followed the probe is lost, too
    CHECK(path.lost() == 0);
    CHECK(path.recovery() == RecoveryState::Recovery);
    CHECK(path.leg().recoveries.value() == 1);
    (void)path.poll_all();
    path.advance(40ms);
    path.acknowledge(path.c().send_space().nxt - path.own_iss);
    CHECK(path.cwnd() < window);
    CHECK(path.arrived() == 0);
    CHECK(path.send_mss() == 1024);
}

TEST_CASE("a probe that a time-out overtakes says nothing") {
    Probing path;
    path.open_and_have_all_but_the_probe();
    path.run_to_deadline();
    CHECK(path.recovery() == RecoveryState::Loss);
    CHECK(path.lengths() == Lengths{1024});
    path.advance(40ms);
    path.acknowledge(11'265);
    (void)path.poll_all();
    path.advance(40ms);
    path.acknowledge(path.c().send_space().nxt - path.own_iss);
    CHECK(path.arrived() == 0);
    CHECK(path.lost() == 0);
    CHECK(path.send_mss() == 1024);
}

// RFC 4821 7.4.
TEST_CASE("new text waits for a probe's room rather than take it, as long as something is on the way") {
    Probing path;
    path.open();
    path.send(std::string(50'000, 'x'));
    REQUIRE(path.lengths().size() == 10);
    path.advance(40ms);
    path.acknowledge(513);  // the window doesn't hold eleven segments yet
    CHECK(path.lengths() == Lengths{1024});
    path.acknowledge(1025);  // it does, and has room for a segment, not for a probe
    CHECK(path.lengths().empty());
    path.acknowledge(1537);
    CHECK(path.lengths() == Lengths{1242});
    path.acknowledge(2561);
    CHECK(path.lengths() == Lengths{1024, 1024});
}

TEST_CASE("no probe without the text, the windows and the quiet that it needs") {
    SECTION("text: the probe and four segments behind it") {
        for (const auto& [queued, first] :
             {std::pair{1242u + 4 * 1024 - 1, 1024u}, {1242u + 4 * 1024, 1242u}}) {
            Probing path;
            path.open();
            path.send(std::string(11 * 1024, 'x'));
            (void)path.poll_all();
            path.advance(40ms);
            path.acknowledge(1 + 10 * 1024);
            (void)path.poll_all();
            path.advance(40ms);
            path.acknowledge(1 + 11 * 1024);
            path.send(std::string(queued, 'x'));
            CHECK(path.lengths()[0] == first);
        }
    }
    SECTION("the peer's window") {
        Probing path;
        path.peer_window = 1242 + 4 * 1024 - 1;
        path.open();
        path.send(std::string(50'000, 'x'));
        std::uint32_t acknowledged = 1;
        for (int turn = 0; turn < 6; ++turn) {
            for (const auto& out : path.poll_all()) {
                CHECK(out.payload_length <= 1024);
                acknowledged += out.payload_length;
            }
            path.advance(40ms);
            path.acknowledge(acknowledged);
        }
    }
    SECTION("SACK blocks of ours") {
        Probing path;
        path.open();
        path.send(std::string(50'000, 'x'));
        REQUIRE(path.lengths().size() == 10);
        path.advance(40ms);
        CHECK(path.receive(kAck, 1001, 1025, "beyond a gap") == Disposition::Accepted);
        path.acknowledge(2049);
        for (const std::uint32_t length : path.lengths())
            CHECK(length <= 1024);
    }
}

// RFC 4821 7.7.
TEST_CASE("three retransmissions without an answer make segments smaller, and then each one more") {
    Probing path(1);
    path.open();
    path.send(std::string(1460, 'x'));
    REQUIRE(path.lengths() == Lengths{1460});
    for (int i = 0; i < 3; ++i) {
        path.run_to_deadline();
        CHECK(path.lengths() == Lengths{1460});
    }
    CHECK(path.leg().path_black_holes.value() == 0);
    for (const std::uint32_t length : Lengths{1024, 512, 256, 128, 64, 48, 48}) {
        path.run_to_deadline();
        CHECK(path.lengths() == Lengths{length});
    }
    CHECK(path.leg().path_black_holes.value() == 6);
    CHECK(path.cwnd() == 48);
}

TEST_CASE("an answer between them begins the count anew") {
    Probing path(1);
    path.open();
    path.send(std::string(2920, 'x'));
    REQUIRE(path.lengths() == Lengths{1460, 1460});
    for (std::uint32_t una : {1461u, 2921u}) {
        for (int i = 0; i < 3; ++i) {
            path.run_to_deadline();
            CHECK(path.lengths() == Lengths{1460});
        }
        path.acknowledge(una);
        (void)path.poll_all();
    }
    CHECK(path.leg().path_black_holes.value() == 0);
    CHECK(path.send_mss() == 1460);
}

TEST_CASE("with probing off, time-outs leave the size alone") {
    Probing path(0);
    path.open();
    path.send(std::string(1460, 'x'));
    REQUIRE(path.lengths() == Lengths{1460});
    for (int i = 0; i < 8; ++i) {
        path.run_to_deadline();
        CHECK(path.lengths() == Lengths{1460});
    }
    CHECK(path.leg().path_black_holes.value() == 0);
}

TEST_CASE("after a black hole probes find the way back up") {
    Probing path(1);
    path.open();
    path.send(std::string(200'000, 'x'));
    REQUIRE(path.lengths() == Lengths(10, 1460));
    for (int i = 0; i < 4; ++i)
        path.run_to_deadline(), (void)path.poll_all();
    CHECK(path.send_mss() == 1024);
    std::uint32_t acknowledged = 1025;
    for (int turn = 0; turn < 200 && acknowledged < 200'001; ++turn) {
        path.advance(40ms);
        path.acknowledge(acknowledged);
        for (const auto& out : path.poll_all())
            acknowledged = std::max(acknowledged, path.seq_of(out) + out.payload_length);
    }
    CHECK(acknowledged == 200'001);
    CHECK(path.arrived() == 6);
    CHECK(path.send_mss() == 1453);
}

TEST_CASE("a router's word about a probe sends it again at once, and nothing else") {
    Probing path;
    path.open_and_probe();
    const std::uint32_t window = path.cwnd();
    CHECK(path.c().icmp_error_arrives(tcp::IcmpError::TooBig, path.own_iss + 10'241, 1200, path.env()));
    CHECK(path.send_mss() == 1024);
    CHECK(path.lost() == 1);
    CHECK(path.cwnd() == window);
    CHECK(path.lengths() == Lengths{1024, 218});
    CHECK(path.leg().retransmits[RetransmitCause::PathMtu].value() == 2);
    path.advance(40ms);
    path.acknowledge(path.c().send_space().nxt - path.own_iss);
    CHECK(path.lengths()[0] == (1024 + 1160) / 2);
}

TEST_CASE("a probe's number may wrap") {
    Bench wrapping(SeqNum(0xffff'ffff - 10'400));
    wrapping.tunables.mtu_probing = 2;
    wrapping.peer_mss = 1460;
    wrapping.establish();
    wrapping.send(std::string(50'000, 'x'));
    (void)wrapping.poll_all();
    CHECK(wrapping.receive(kAck, 1, 2049) == Disposition::Accepted);
    CHECK(wrapping.poll_all()[0].payload_length == 1242);
    CHECK(wrapping.receive(kAck, 1, 10'241) == Disposition::Accepted);
    CHECK(wrapping.leg().mtu_probes_arrived.value() == 0);
    CHECK(wrapping.receive(kAck, 1, 11'483) == Disposition::Accepted);
    CHECK(wrapping.leg().mtu_probes_arrived.value() == 1);
    CHECK(wrapping.c().snapshot().send_mss == 1242);
}
