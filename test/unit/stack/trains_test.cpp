#include <algorithm>
#include <catch2/catch.hpp>

#include "stack/bench.hpp"

// Segments of one connection that come in one burst: what is alike is looked at once.
namespace terminus::stack {
namespace {

using namespace test;

std::string text_of(std::size_t number) {
    return random_bytes(number + 1, 1000);
}

/// A burst of segments with text, each right behind the one before it.
std::vector<Segment> train(const Peer& peer, std::size_t count) {
    std::vector<Segment> all;
    for (std::size_t i = 0; i < count; ++i) {
        all.push_back(peer.segment(kAck, text_of(i)));
        all.back().seq += static_cast<std::uint32_t>(1000 * i);
    }
    return all;
}
std::string text_of_train(std::size_t count) {
    std::string all;
    for (std::size_t i = 0; i < count; ++i)
        all += text_of(i);
    return all;
}

void give(Bench& bench, const std::vector<Segment>& segments) {
    std::vector<Octets> frames;
    for (const Segment& segment : segments)
        frames.push_back(bench.frame(segment));
    bench.give(frames);
}

}  // namespace

TEST_CASE("a burst of one connection's text is taken whole and answered once") {
    const LeakCheck leaks;
    Bench bench(GENERATE(false, true));
    bench.host().listen(80, {});
    const Peer peer = bench.handshake();
    give(bench, train(peer, 30));
    CHECK(bench.host().flows()[0].received == text_of_train(30));
    const Sent answer = bench.sent_segment();
    CHECK(answer.tcp->ack == peer.seq + 30'000);
    CHECK(bench.host().drops() == 0);
}

TEST_CASE("what is otherwise in the middle of a train is looked at by all rules") {
    const LeakCheck leaks;
    Bench bench(GENERATE(false, true));
    bench.host().listen(80, {});
    const Peer peer = bench.handshake();
    std::vector<Segment> burst = train(peer, 12);
    SECTION("a RST with the wrong number is challenged, and the rest taken") {
        burst.insert(burst.begin() + 5, peer.segment(kRst));
        give(bench, burst);
        CHECK(bench.host().flows()[0].received == text_of_train(12));
        CHECK(bench.drops(DropReason::TcpRstInvalid) == 1);
    }
    SECTION("an ACK of what was never sent is dropped with its text") {
        burst[5].ack += 1000;
        give(bench, burst);
        CHECK(bench.host().flows()[0].received == text_of_train(5));
        CHECK(bench.drops(DropReason::TcpAckInvalid) == 1);
    }
    SECTION("a segment that came before changes nothing") {
        burst.insert(burst.begin() + 7, burst[3]);
        give(bench, burst);
        CHECK(bench.host().flows()[0].received == text_of_train(12));
        CHECK(bench.drops(DropReason::TcpDuplicate) == 1);
    }
    SECTION("a gap holds back what follows") {
        burst.erase(burst.begin() + 4);
        give(bench, burst);
        CHECK(bench.host().flows()[0].received == text_of_train(4));
        bench.give({[&] {
            Segment missing = peer.segment(kAck, text_of(4));
            missing.seq += 4000;
            return missing;
        }()});
        CHECK(bench.host().flows()[0].received == text_of_train(12));
    }
    SECTION("a FIN ends it") {
        burst.back().flags = kFin | kAck;
        give(bench, burst);
        CHECK(bench.host().flows()[0].received == text_of_train(12));
        CHECK(bench.host().flows()[0].peer_finished);
    }
}

TEST_CASE("trains of several connections in one burst go each to its own") {
    const LeakCheck leaks;
    Bench bench;
    bench.host().listen(80, {});
    const Peer one = bench.handshake(4000), other = bench.handshake(4001);
    std::vector<Segment> burst = train(one, 6);
    const std::vector<Segment> others = train(other, 6);
    burst.insert(burst.begin() + 3, others.begin(), others.begin() + 4);
    burst.insert(burst.end(), others.begin() + 4, others.end());
    give(bench, burst);
    CHECK(bench.host().flows()[0].received == text_of_train(6));
    CHECK(bench.host().flows()[1].received == text_of_train(6));
}

TEST_CASE("ACKs of one burst acknowledge what the last of them does, and duplicates among them count") {
    const LeakCheck leaks;
    Bench bench(GENERATE(false, true));
    bench.host().listen(80, {.send = random_bytes(9, 200'000)});
    const Peer peer = bench.handshake();
    std::uint32_t sent = 0, acknowledged = 0;
    const auto collect = [&] {
        for (const Sent& segment : bench.sent())
            sent += static_cast<std::uint32_t>(segment.payload.size());
    };
    const auto ack_of = [&](std::uint32_t bytes) {
        Segment ack = peer.segment(kAck);
        ack.ack += bytes;
        return ack;
    };
    bench.turn();
    collect();
    while (sent < 100'000) {
        REQUIRE(sent > acknowledged);  // it always goes on
        std::vector<Segment> acks;
        for (; acknowledged < sent; acknowledged = std::min(sent, acknowledged + 2000))
            acks.push_back(ack_of(acknowledged));
        acks.insert(acks.end(), 3, ack_of(sent));
        give(bench, acks);
        collect();
    }
    CHECK(bench.host().drops() == 0);
    CHECK(bench.host().stats().leg(Leg::Client).retransmits[stats::RetransmitCause::FastRetransmit].value() ==
          0);
}

}  // namespace terminus::stack
