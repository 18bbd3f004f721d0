#include <catch2/catch.hpp>

#include "stack/bench.hpp"
#include "tcp/fast_open.hpp"

// TCP Fast Open's client side through the whole stack: RFC 7413.
namespace terminus::stack {
namespace {

using namespace test;

HostOptions asking(std::uint16_t bits = 1) {
    HostOptions options;
    options.tunables.fastopen = bits;
    return options;
}

constexpr std::uint32_t kServerIss = 9000;

wire::FastOpenCookie cookie(std::uint8_t byte = 7) {
    wire::FastOpenCookie result;
    result.length = 8;
    result.bytes[0] = byte;
    return result;
}

Flow& open(Bench& bench, std::uint16_t port, std::string text) {
    Flow& flow = bench.host().connect({bench.peer(), 80}, port, {.send = std::move(text), .fast_open = true},
                                      bench.now());
    bench.turn();
    return flow;
}

/// The SYN that the stack sent last.
Sent syn_of(Bench& bench) {
    const std::vector<Sent> all = bench.sent();
    REQUIRE_FALSE(all.empty());
    REQUIRE(all.back().tcp);
    REQUIRE(all.back().tcp->flags.bits == kSyn);
    return all.back();
}

/// The SYN-ACK to `syn` that takes `taken` bytes of its text.
Segment syn_ack_to(const Sent& syn, std::uint32_t taken, std::optional<wire::FastOpenCookie> given = {}) {
    Segment answer{.flags = kSyn | kAck, .seq = wire::SeqNum(kServerIss), .ack = syn.tcp->seq + 1 + taken};
    answer.from_port = 80;
    answer.to_port = syn.tcp->source_port;
    answer.options.mss = 1400;
    answer.options.fast_open = given;
    return answer;
}

/// Opens and resets a connection, after which the peer's cookie is known.
void fetch_own_cookie(Bench& bench) {
    (void)open(bench, 5000, "");
    const Sent syn = syn_of(bench);
    REQUIRE(syn.tcp->options.fast_open);
    REQUIRE(syn.tcp->options.fast_open->length == 0);
    bench.give({syn_ack_to(syn, 0, cookie())});
    Segment reset = syn_ack_to(syn, 0);
    reset.flags = kRst;
    reset.seq += 1;
    bench.give({reset});
    bench.turn();
    (void)bench.sent();
    REQUIRE(bench.host().live() == 0);
}

TEST_CASE(
    "without a cookie the SYN asks for one and has no text, and never when the client's bit is not set") {
    Bench bench(GENERATE(false, true), asking(static_cast<std::uint16_t>(GENERATE(0, 1, 2))));
    const bool asks = (bench.host().stack().tunables().fastopen & 1) != 0;
    (void)open(bench, 5000, "request");
    const Sent syn = syn_of(bench);
    REQUIRE(syn.tcp->options.fast_open.has_value() == asks);
    REQUIRE(syn.payload.empty());
    bench.give({syn_ack_to(syn, 0, cookie())});
    const std::vector<Sent> sent = bench.sent();
    REQUIRE(sent.back().payload == "request");
}

TEST_CASE("with a cookie the SYN has the text, and what its answer takes is not sent again") {
    // RFC 7413 4.2.1.
    const LeakCheck leaks;
    Bench bench(GENERATE(false, true), asking());
    fetch_own_cookie(bench);
    Flow& flow = open(bench, 5001, "request");
    const Sent syn = syn_of(bench);
    REQUIRE(*syn.tcp->options.fast_open == cookie());
    REQUIRE(syn.payload == "request");
    const std::uint32_t taken = GENERATE(0u, 3u, 7u);
    bench.give({syn_ack_to(syn, taken)});
    REQUIRE(flow.is_established);
    const std::vector<Sent> sent = bench.sent();
    REQUIRE(sent.size() == 1);
    REQUIRE(sent[0].payload == std::string("request").substr(taken));
    REQUIRE(sent[0].tcp->seq == (taken == 7 ? syn.tcp->seq + 8 : syn.tcp->seq + 1 + taken));
    REQUIRE(bench.host().stats().fast_opens_active.value() == (taken > 0 ? 1 : 0));
    REQUIRE(bench.host().stats().fast_opens_active_failed.value() == (taken > 0 ? 0 : 1));
    Segment ack = syn_ack_to(syn, 7);
    ack.flags = kAck;
    ack.seq += 1;
    bench.give({ack});
    bench.advance(10s);
    REQUIRE(bench.host().count(State::Established) == 1);
    for (const Sent& one : bench.sent())
        REQUIRE(one.payload.empty());
}

TEST_CASE("HARDENING 12: an answer to a SYN that acknowledges more than its text is refused") {
    Bench bench(false, asking());
    fetch_own_cookie(bench);
    Flow& flow = open(bench, 5001, "request");
    bench.give({syn_ack_to(syn_of(bench), 8)});
    REQUIRE_FALSE(flow.is_established);
    REQUIRE(bench.sent_segment().tcp->flags.bits == kRst);
}

TEST_CASE(
    "a SYN's text is no more than fits beside forty bytes of options in the MSS that came with the cookie") {
    // RFC 7413 4.1.3.
    const LeakCheck leaks;
    Bench bench(false, asking());
    fetch_own_cookie(bench);
    const std::string text(5000, 'x');
    Flow& flow = open(bench, 5001, text);
    const Sent syn = syn_of(bench);
    REQUIRE(syn.payload.size() == 1400 - 40);
    bench.give({syn_ack_to(syn, 1360)});
    REQUIRE(flow.is_established);
    std::size_t rest = 0;
    for (const Sent& one : bench.sent())
        rest += one.payload.size();
    REQUIRE(rest == 5000 - 1360);
}

TEST_CASE("a SYN that is not answered goes again without cookie and text") {
    // RFC 7413 4.2.1, and 4.1.3.1: what is found out is kept.
    const LeakCheck leaks;
    Bench bench(false, asking());
    fetch_own_cookie(bench);
    Flow& flow = open(bench, 5001, "request");
    const Sent syn = syn_of(bench);
    bench.advance(1s + 2 * kTick);
    const Sent again = syn_of(bench);
    REQUIRE_FALSE(again.tcp->options.fast_open);
    REQUIRE(again.payload.empty());
    REQUIRE(again.tcp->seq == syn.tcp->seq);
    SECTION("the first has arrived after all") {
        bench.give({syn_ack_to(syn, 7)});
        REQUIRE(flow.is_established);
        REQUIRE(bench.sent().back().payload.empty());
        REQUIRE(bench.host().stats().fast_open_blackholes.value() == 0);
    }
    SECTION("only the second was answered: the peer is left alone for a while") {
        bench.give({syn_ack_to(syn, 0)});
        REQUIRE(flow.is_established);
        REQUIRE(bench.sent().back().payload == "request");
        REQUIRE(bench.host().stats().fast_open_blackholes.value() == 1);
        (void)open(bench, 5002, "x");
        REQUIRE_FALSE(syn_of(bench).tcp->options.fast_open);
        bench.advance(tcp::Tunables{}.fastopen_blackhole_timeout);
        (void)bench.sent();
        (void)open(bench, 5003, "y");
        const Sent later = syn_of(bench);
        REQUIRE(*later.tcp->options.fast_open == cookie());
        REQUIRE(later.payload == "y");
    }
}

TEST_CASE("with fastopen 4 text goes with a SYN that has no cookie") {
    Bench bench(false, asking(5));
    (void)open(bench, 5001, "request");
    const Sent syn = syn_of(bench);
    REQUIRE_FALSE(syn.tcp->options.fast_open);
    REQUIRE(syn.payload == "request");
}

TEST_CASE("SYNs with text that cross make one connection, and all text arrives") {
    // RFC 7413 4.2: no cookie is needed to answer, and nothing is lost.
    const LeakCheck leaks;
    Bench bench(false, asking());
    fetch_own_cookie(bench);
    Flow& flow = open(bench, 5001, "request");
    const Sent syn = syn_of(bench);
    Segment crossing = syn_ack_to(syn, 0);
    crossing.flags = kSyn;
    crossing.payload = "other";
    bench.give({crossing});
    REQUIRE(bench.host().count(State::SynReceived) == 1);
    REQUIRE(bench.sent_segment().tcp->flags.bits == (kSyn | kAck));
    Segment ack = syn_ack_to(syn, 0);
    ack.flags = kAck;
    ack.seq += 1;
    ack.payload = "other";
    bench.give({ack});
    REQUIRE(flow.received == "other");
    REQUIRE(bench.sent().back().payload == "request");
}

}  // namespace
}  // namespace terminus::stack
