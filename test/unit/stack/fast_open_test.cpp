#include <catch2/catch.hpp>

#include "stack/bench.hpp"
#include "tcp/fast_open.hpp"

// TCP Fast Open's server side through the whole stack: RFC 7413.
namespace terminus::stack {
namespace {

using namespace test;

HostOptions serving(std::uint32_t max_fastopen = 1024) {
    HostOptions options;
    options.tunables.fastopen = 2;
    options.tunables.max_fastopen = max_fastopen;
    return options;
}

constexpr std::uint32_t kClientIss = 70'000;

Segment syn_with(const wire::FastOpenCookie& cookie, std::string text, std::uint16_t port = 4000) {
    Segment syn{
        .flags = kSyn, .seq = wire::SeqNum(kClientIss), .payload = std::move(text), .from_port = port};
    syn.options.mss = 1400;
    syn.options.fast_open = cookie;
    return syn;
}

Segment after(const Segment& syn, const wire::TcpSegment& syn_ack, std::uint8_t flags = kAck) {
    Segment result = syn;
    result.flags = flags;
    result.seq = syn_ack.ack;
    result.ack = syn_ack.seq + 1;
    result.payload.clear();
    result.options = {};
    return result;
}

/// The cookie that a client with the bench's address is given.
wire::FastOpenCookie fetch_cookie(Bench& bench) {
    const Segment syn = syn_with({}, "", 3999);
    bench.give({syn});
    const wire::TcpSegment answer = *bench.sent().back().tcp;
    REQUIRE(answer.flags.bits == (kSyn | kAck));
    REQUIRE(answer.options.fast_open);
    bench.give({after(syn, answer, kRst)});
    REQUIRE(bench.host().live() == 0);
    return *answer.options.fast_open;
}

TEST_CASE("a SYN that asks for a Fast Open cookie gets one when the server's bit is set") {
    HostOptions options;
    options.tunables.fastopen = static_cast<std::uint8_t>(GENERATE(0, 2));
    Bench bench(GENERATE(false, true), options);
    bench.host().listen(80, {});
    bench.give({syn_with({}, "not taken")});
    const wire::TcpSegment answer = *bench.sent().back().tcp;
    REQUIRE(answer.flags.bits == (kSyn | kAck));
    REQUIRE(answer.ack == wire::SeqNum(kClientIss + 1));
    REQUIRE(answer.options.fast_open.has_value() == (options.tunables.fastopen == 2));
    REQUIRE(bench.host().stats().fast_open_cookies_sent.value() == (options.tunables.fastopen == 2 ? 1 : 0));
    REQUIRE(bench.host().stats().half_open.value() == 1);
}

TEST_CASE("a SYN with a cookie is served before the handshake is complete") {
    const LeakCheck leaks;
    Bench bench(GENERATE(false, true), serving());
    bench.host().listen(80, {.send = "response", .send_after = 7});
    const Segment syn = syn_with(fetch_cookie(bench), "request");
    bench.give({syn});
    const std::vector<Sent> sent = bench.sent();
    REQUIRE(sent.size() == 2);
    const wire::TcpSegment syn_ack = *sent[0].tcp;
    REQUIRE(syn_ack.flags.bits == (kSyn | kAck));
    REQUIRE(syn_ack.ack == wire::SeqNum(kClientIss + 1 + 7));
    REQUIRE_FALSE(syn_ack.options.fast_open);
    REQUIRE(sent[1].payload == "response");
    REQUIRE(sent[1].tcp->seq == syn_ack.seq + 1);
    REQUIRE(sent[1].tcp->ack == syn_ack.ack);
    REQUIRE(bench.host().flows()[0].received == "request");
    REQUIRE(bench.host().count(State::SynReceived) == 1);
    REQUIRE(bench.host().stats().half_open.value() == 0);
    REQUIRE(bench.host().stats().fast_opens_accepted.value() == 1);
    REQUIRE(bench.host().stats().leg(Leg::Client).established.value() == 0);

    Segment ack = after(syn, syn_ack);
    ack.ack += 8;
    ack.payload = " and more";
    bench.give({ack});
    REQUIRE(bench.host().count(State::Established) == 1);
    REQUIRE(bench.host().stats().leg(Leg::Client).established.value() == 1);
    REQUIRE(bench.host().flows().size() == 1);
    REQUIRE(bench.host().flows()[0].received == "request and more");
    bench.advance(10s);
    for (const Sent& one : bench.sent())
        REQUIRE(one.payload.empty());
}

TEST_CASE("HARDENING 18: text in a SYN without a good cookie is not answered, whoever's cookie it is") {
    const LeakCheck leaks;
    Bench bench(false, serving());
    bench.host().listen(80, {.send = "response", .send_after = 7});
    const wire::FastOpenCookie good = fetch_cookie(bench);
    Segment syn = syn_with(good, "request");
    SECTION("a byte is wrong") {
        syn.options.fast_open->bytes[7] ^= 0x80;
    }
    SECTION("another client's") {
        syn.from = 7;
    }
    bench.give({syn});
    bench.turn();
    const wire::TcpSegment answer = *bench.sent_segment().tcp;
    REQUIRE(answer.flags.bits == (kSyn | kAck));
    REQUIRE(answer.ack == wire::SeqNum(kClientIss + 1));
    REQUIRE(answer.options.fast_open);  // its own, for the next time
    REQUIRE(bench.host().stats().fast_opens_refused.value() == 1);
    REQUIRE(bench.host().flows().empty());
    REQUIRE(bench.host().stats().half_open.value() == 1);
}

TEST_CASE("before a Fast Open's SYN-ACK is answered nothing but the SYN-ACK is sent again") {
    // RFC 7413 4.2.2.
    const LeakCheck leaks;
    Bench bench(false, serving());
    bench.host().listen(80, {.send = "response", .send_after = 7, .finish_when_sent = true});
    const Segment syn = syn_with(fetch_cookie(bench), "request");
    bench.give({syn});
    const wire::TcpSegment syn_ack = *bench.sent()[0].tcp;
    bench.advance(1s + 2 * kTick);
    const wire::TcpSegment again = *bench.sent_segment().tcp;
    REQUIRE(again.flags == syn_ack.flags);
    REQUIRE(again.seq == syn_ack.seq);
    REQUIRE(again.ack == syn_ack.ack);
    // The peer's SYN again has the same answer; its text was taken.
    bench.give({syn});
    REQUIRE(bench.sent_segment().tcp->flags == syn_ack.flags);
    REQUIRE(bench.host().flows()[0].received == "request");
    bench.give({after(syn, syn_ack)});
    bench.advance(4s);  // RFC 6298 5.7: three seconds after a lossy handshake
    std::string text;
    bool has_fin = false;
    for (const Sent& one : bench.sent()) {
        if (one.payload == "response") text = one.payload;
        has_fin = has_fin || one.tcp->flags.fin();
    }
    REQUIRE(text == "response");
    REQUIRE(has_fin);
    REQUIRE(bench.host().count(State::FinWait1) == 1);
}

TEST_CASE("a Fast Open whose SYN-ACK nobody answers ends like any handshake") {
    const LeakCheck leaks;
    HostOptions options = serving();
    options.tunables.synack_retries = 2;
    Bench bench(false, options);
    bench.host().listen(80, {.send = "response", .send_after = 7});
    const Segment syn = syn_with(fetch_cookie(bench), "request");
    bench.give({syn});
    bench.advance(10s);
    REQUIRE(bench.host().closes(CloseReason::SynAckTimeout) == 1);
    REQUIRE(bench.host().live() == 0);
    REQUIRE(bench.host().stack().armed_timers() == 0);
}

TEST_CASE("max_fastopen limits those whose handshake is not complete; a RST makes no room at once") {
    // RFC 7413 5.1, HARDENING 19.
    const LeakCheck leaks;
    Bench bench(false, serving(2));
    bench.host().listen(80, {});
    const wire::FastOpenCookie cookie = fetch_cookie(bench);
    const Segment first = syn_with(cookie, "1", 4001);
    const Segment second = syn_with(cookie, "2", 4002);
    bench.give({first});
    const wire::TcpSegment first_answer = *bench.sent_segment().tcp;
    bench.give({second});
    const wire::TcpSegment second_answer = *bench.sent_segment().tcp;
    const auto is_fast = [&](std::uint16_t port) {
        const std::uint64_t before = bench.host().stats().fast_opens_accepted.value();
        bench.give({syn_with(cookie, "x", port)});
        REQUIRE(bench.sent_segment().tcp->flags.bits == (kSyn | kAck));
        return bench.host().stats().fast_opens_accepted.value() > before;
    };
    REQUIRE_FALSE(is_fast(4003));
    REQUIRE(bench.host().stats().fast_opens_limited.value() == 1);
    REQUIRE(bench.host().stats().half_open.value() == 1);
    bench.give({after(first, first_answer, kRst)});
    bench.turn();
    REQUIRE(bench.host().closes(CloseReason::ResetReceived) == 2);  // with the one of fetch_cookie()
    REQUIRE_FALSE(is_fast(4004));
    bench.give({after(second, second_answer)});
    bench.turn();
    (void)bench.sent();
    REQUIRE(is_fast(4005));
    REQUIRE_FALSE(is_fast(4006));
}

TEST_CASE("an old cookie opens once more and is replaced in the SYN-ACK") {
    const LeakCheck leaks;
    Bench bench(false, serving());
    bench.host().listen(80, {});
    const wire::FastOpenCookie old = fetch_cookie(bench);
    bench.advance(tcp::Tunables{}.fastopen_key_lifetime);
    (void)bench.sent();
    bench.give({syn_with(old, "request")});
    std::optional<wire::TcpSegment> answer;
    for (const Sent& one : bench.sent()) {
        if (one.tcp) answer = one.tcp;
    }
    REQUIRE(answer);
    REQUIRE(answer->ack == wire::SeqNum(kClientIss + 1 + 7));
    REQUIRE(answer->options.fast_open);
    REQUIRE_FALSE(*answer->options.fast_open == old);
    REQUIRE(bench.host().flows()[0].received == "request");
}

TEST_CASE("Fast Open is left alone when SYN cookies are sent") {
    HostOptions options = serving();
    Bench bench(false, options);
    bench.host().listen(80, {});
    const wire::FastOpenCookie cookie = fetch_cookie(bench);
    options.tunables.syncookies = 2;
    bench.host().stack().set_tunables(options.tunables);
    bench.give({syn_with(cookie, "request")});
    const wire::TcpSegment answer = *bench.sent_segment().tcp;
    REQUIRE(answer.ack == wire::SeqNum(kClientIss + 1));
    REQUIRE_FALSE(answer.options.fast_open);
    REQUIRE(bench.host().stats().syn_cookies_sent.value() == 1);
    REQUIRE(bench.host().live() == 0);
}

}  // namespace
}  // namespace terminus::stack
