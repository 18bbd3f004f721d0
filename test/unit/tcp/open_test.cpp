// Opening: RFC 9293 3.5, 3.10.1, 3.10.7.3 and figures 6 to 8.
#include "bench.hpp"

using namespace terminus;
using namespace terminus::test;

TEST_CASE("an active open sends a SYN with what we offer, then an ACK, and is established") {
    Bench bench;
    bench.tunables.timestamps = true;
    bench.tunables.window_scaling = true;
    bench.tunables.rmem = 1u << 20;
    bench.open_active();
    CHECK(bench.c().state() == State::SynSent);
    CHECK(bench.leg().opens_active.value() == 1);
    const auto syn = bench.poll_one();
    CHECK(syn.flags.bits == kSyn);
    CHECK(syn.seq == bench.own_iss);
    CHECK(syn.ack == SeqNum(0));
    CHECK(syn.options.mss == 1460);
    CHECK(syn.options.window_scale == 5);
    CHECK(syn.options.timestamps.has_value());
    CHECK(syn.options.timestamps->echo_reply == 0);
    CHECK(syn.options.sack_permitted);
    CHECK(syn.window == UINT16_MAX);

    bench.peer_scale = 2;
    bench.peer_timestamp = 900;
    bench.peer_echo = syn.options.timestamps->value;
    bench.advance(30ms);
    CHECK(bench.receive(kSyn | kAck, 0, 1) == Disposition::Accepted);
    CHECK(bench.c().state() == State::Established);
    CHECK(bench.leg().established.value() == 1);
    CHECK(bench.c().take_events().established());
    const auto ack = bench.poll_one();
    CHECK(ack.flags.bits == kAck);
    CHECK(bench.seq_of(ack) == 1);
    CHECK(bench.ack_of(ack) == 1);
    CHECK(ack.options.timestamps->echo_reply == 900);
    CHECK_FALSE(ack.options.mss);  // RFC 9293 MUST-65
    CHECK(bench.c().snapshot().smoothed_rtt == 30ms);
    CHECK(bench.c().snapshot().send_mss == 1000 - 12);
    CHECK(bench.c().send_space().wnd == 50'000);  // RFC 7323 2.2: a SYN's window is not scaled
    (void)bench.receive(kAck, 1, 1);
    CHECK(bench.c().send_space().wnd == 50'000u << 2);  // RFC 9293 3.1, REC-1.
}

TEST_CASE("what the peer's SYN-ACK does not offer is not used") {
    Bench bench;
    bench.tunables.timestamps = true;
    bench.tunables.window_scaling = true;
    bench.tunables.rmem = 1u << 20;
    bench.establish_active();
    CHECK(bench.c().receive_space().scale == 0);
    CHECK_FALSE(bench.c().recent_timestamp());
    bench.send("x");
    const auto out = bench.poll_one();
    CHECK_FALSE(out.options.timestamps);
    CHECK(out.window == UINT16_MAX);
    CHECK(bench.c().snapshot().send_mss == 1000);
}

TEST_CASE("what we don't offer is not used though the peer's SYN-ACK does") {
    Bench bench;
    bench.peer_scale = 7;
    bench.peer_timestamp = 5;
    bench.establish_active();
    (void)bench.receive(kAck, 1, 1);
    CHECK(bench.c().send_space().wnd == 50'000);
    CHECK_FALSE(bench.c().recent_timestamp());
}

TEST_CASE("SYN and ACK and data of one flow in one burst all take effect") {
    Bench bench;
    bench.promote();
    CHECK(bench.receive(kAck, 1, 1) == Disposition::Accepted);
    CHECK(bench.receive(kAck | kPsh, 1, 1, "hello") == Disposition::Accepted);
    CHECK(bench.receive(kAck | kFin, 6, 1) == Disposition::Accepted);
    CHECK(bench.c().state() == State::CloseWait);
    CHECK(bench.read() == "hello");
    CHECK(bench.c().peer_finished());
}

TEST_CASE("data and FIN may come with the ACK that completes the handshake") {
    Bench bench;
    bench.promote();
    CHECK(bench.c().state() == State::SynReceived);
    CHECK(bench.receive(kAck | kPsh | kFin, 1, 1, "all of it") == Disposition::Accepted);
    CHECK(bench.c().state() == State::CloseWait);
    const auto events = bench.c().take_events();
    CHECK(events.established());
    CHECK(events.readable());
    CHECK(events.peer_finished());
    CHECK(bench.read() == "all of it");
}

TEST_CASE("data and FIN may come with the SYN-ACK") {
    Bench bench;
    bench.bring_to(State::SynSent);
    CHECK(bench.receive(kSyn | kAck | kFin, 0, 1, "early") == Disposition::Accepted);
    CHECK(bench.c().state() == State::CloseWait);
    CHECK(bench.read() == "early");
    CHECK(bench.ack_of(bench.poll_one()) == 7);
}

// RFC 9293 figure 8, MUST-10.
TEST_CASE("two SYNs that cross make one connection") {
    Bench bench;
    bench.bring_to(State::SynSent);
    CHECK(bench.receive(kSyn, 0, 0) == Disposition::Accepted);
    CHECK(bench.c().state() == State::SynReceived);
    const auto syn_ack = bench.poll_one();
    CHECK(syn_ack.flags.bits == (kSyn | kAck));
    CHECK(syn_ack.seq == bench.own_iss);
    CHECK(bench.ack_of(syn_ack) == 1);
    CHECK(syn_ack.options.mss == 1460);

    SECTION("the peer's SYN-ACK completes it") {
        CHECK(bench.receive(kSyn | kAck, 0, 1) == Disposition::Accepted);
    }
    SECTION("a plain ACK completes it") {
        CHECK(bench.receive(kAck, 1, 1) == Disposition::Accepted);
    }
    CHECK(bench.c().state() == State::Established);
    CHECK(bench.c().take_events().established());
    CHECK(bench.leg().retransmits[RetransmitCause::SynAck].value() == 0);
    bench.send("x");
    CHECK(bench.seq_of(bench.poll_one()) == 1);
}

TEST_CASE("the SYN-ACK of a simultaneous open is sent again, and given up after synack_retries") {
    Bench bench;
    bench.tunables.synack_retries = 2;
    bench.bring_to(State::SynReceived);
    for (int i = 0; i < 2; ++i) {
        bench.run_to_deadline();
        CHECK(bench.poll_one().flags.bits == (kSyn | kAck));
    }
    CHECK(bench.leg().retransmits[RetransmitCause::SynAck].value() == 2);
    bench.run_to_deadline();
    CHECK(bench.c().state() == State::Closed);
    CHECK(bench.c().close_reason() == CloseReason::SynAckTimeout);
    CHECK(bench.poll_all().empty());
}

// RFC 9293 3.10.7.3, first.
TEST_CASE("in SYN_SENT an unacceptable ACK is answered by a RST unless it is one") {
    Bench bench;
    bench.bring_to(State::SynSent);
    CHECK(bench.receive(kAck, 0, 0) == Disposition::ResetPeer);
    CHECK(bench.receive(kSyn | kAck, 0, 0) == Disposition::ResetPeer);
    CHECK(bench.receive(kSyn | kAck, 0, 2) == Disposition::ResetPeer);
    CHECK(bench.receive(kRst | kAck, 0, 2) == Disposition::Dropped);
    CHECK(bench.c().state() == State::SynSent);
    CHECK(bench.receive(kSyn | kAck, 0, 1) == Disposition::Accepted);
    CHECK(bench.c().state() == State::Established);
}

// RFC 9293 3.10.7.3, second; RFC 5961 3.2.
TEST_CASE("in SYN_SENT a RST is believed when it acknowledges our SYN") {
    Bench bench;
    bench.bring_to(State::SynSent);
    CHECK(bench.receive(kRst, 0, 0) == Disposition::Dropped);
    CHECK(bench.receive(kRst | kAck, 0, 0) == Disposition::Dropped);
    CHECK(bench.c().state() == State::SynSent);
    CHECK(bench.receive(kRst | kAck, 0, 1) == Disposition::Accepted);
    CHECK(bench.c().state() == State::Closed);
    CHECK(bench.c().close_reason() == CloseReason::Refused);
    CHECK(bench.closes(CloseReason::Refused) == 1);
    CHECK(bench.c().take_events().closed());
    CHECK(bench.poll_all().empty());
    CHECK(bench.c().is_finished());
}

TEST_CASE("HARDENING 5: in SYN_SENT segments without SYN, and SYN with FIN, change nothing") {  // HARDENING 5
    Bench bench;
    bench.bring_to(State::SynSent);
    CHECK(bench.receive(kAck, 0, 1) == Disposition::Dropped);
    CHECK(bench.receive(kFin | kAck, 0, 1) == Disposition::Dropped);
    CHECK(bench.receive(0, 0, 0) == Disposition::Dropped);
    CHECK(bench.receive(kFin, 0, 0) == Disposition::Dropped);
    CHECK(bench.receive(kSyn | kFin, 0, 0) == Disposition::Dropped);
    CHECK(bench.c().state() == State::SynSent);
    CHECK(bench.poll_all().empty());
}

TEST_CASE("HARDENING 15: a SYN-ACK that echoes a timestamp we never sent is refused") {  // HARDENING 15
    Bench bench;
    bench.tunables.timestamps = true;
    bench.open_active();
    const auto syn = bench.poll_one();
    bench.peer_timestamp = 1;
    bench.advance(10ms);
    bench.peer_echo = syn.options.timestamps->value - 50;
    CHECK(bench.receive(kSyn | kAck, 0, 1) == Disposition::ResetPeer);
    bench.peer_echo = syn.options.timestamps->value + 11;
    CHECK(bench.receive(kSyn | kAck, 0, 1) == Disposition::ResetPeer);
    CHECK(bench.c().state() == State::SynSent);
    bench.peer_echo = syn.options.timestamps->value;
    CHECK(bench.receive(kSyn | kAck, 0, 1) == Disposition::Accepted);
    CHECK(bench.c().state() == State::Established);
}

// RFC 9293 3.10.7.4, fifth: SYN-RECEIVED.
TEST_CASE("in SYN_RECEIVED an ACK of what was never sent is answered by a RST") {
    Bench bench;
    bench.bring_to(State::SynReceived);
    CHECK(bench.receive(kAck, 1, 0) == Disposition::ResetPeer);
    CHECK(bench.receive(kAck, 1, 2) == Disposition::ResetPeer);
    CHECK(bench.c().state() == State::SynReceived);
}

// RFC 9293 3.5, MUST-11.
TEST_CASE("in SYN_RECEIVED of an active open a RST means refused") {
    Bench bench;
    bench.bring_to(State::SynReceived);
    CHECK(bench.receive(kRst, 1, 0) == Disposition::Accepted);
    CHECK(bench.c().close_reason() == CloseReason::Refused);
}

TEST_CASE("bytes and FIN that are queued before the handshake follow it") {
    Bench bench;
    bench.open_active();
    bench.send("request");
    bench.c().finish(bench.env());
    CHECK(bench.c().send_room(bench.env()) == 0);
    CHECK(bench.poll_one().flags.bits == kSyn);
    CHECK(bench.c().state() == State::SynSent);
    (void)bench.receive(kSyn | kAck, 0, 1);
    CHECK(bench.c().state() == State::FinWait1);
    const auto out = bench.poll_one();
    CHECK(out.flags.bits == (kAck | kPsh | kFin));
    CHECK(out.payload_length == 7);
    (void)bench.receive(kAck, 1, 9);
    CHECK(bench.c().state() == State::FinWait2);
}

TEST_CASE("a lossy active handshake begins with one segment") {  // RFC 6928 2, RFC 6298 5.7
    Bench bench;
    bench.bring_to(State::SynSent);
    bench.run_to_deadline();
    CHECK(bench.poll_one().flags.bits == kSyn);
    (void)bench.receive(kSyn | kAck, 0, 1);
    CHECK(bench.c().snapshot().congestion_window_bytes == 1000);
    CHECK(bench.c().snapshot().rto == 3s);
    Bench clean;
    clean.establish_active();
    CHECK(clean.c().snapshot().congestion_window_bytes == 10'000);
}

// RFC 9293 3.7.1, MUST-14 to MUST-16; HARDENING 4, CVE-2019-11479.
TEST_CASE("HARDENING 4: the effective MSS is the least of the peer's, the path's and our floor allows") {
    const struct {
        std::optional<std::uint16_t> peer;
        std::uint16_t path;
        bool ipv6;
        std::uint16_t expected;
    } rows[] = {
        {1000, 1460, false, 1000},
        {1460, 1400, false, 1400},
        {std::nullopt, 1460, false, 536},
        {std::nullopt, 1440, true, 1220},
        {0, 1460, false, 48},
        {1, 1460, false, 48},
        {47, 1460, false, 48},
        {48, 1460, false, 48},
        {49, 1460, false, 49},
        {87, 1460, false, 87},
        {UINT16_MAX, 1460, false, 1460},
    };
    for (const auto& row : rows) {
        Bench bench;
        bench.peer_mss = row.peer;
        bench.path_mss = row.path;
        bench.ipv6 = row.ipv6;
        bench.establish_active();
        CHECK(bench.c().snapshot().send_mss == row.expected);
        bench.send(std::string(3000, 'x'));
        for (const auto& out : bench.poll_all())
            CHECK(out.payload_length <= row.expected);
    }
    Bench floorless;
    floorless.tunables.min_snd_mss = 0;
    floorless.tunables.timestamps = true;
    floorless.peer_timestamp = 1;
    floorless.peer_mss = 0;
    floorless.establish();
    CHECK(floorless.c().snapshot().send_mss == 8);
}

// RFC 7323 2.2, RFC 9293 figure 8.
TEST_CASE("the window of a crossing SYN-ACK is not scaled") {
    Bench bench;
    bench.tunables.window_scaling = true;
    bench.peer_scale = 7;
    bench.peer_window = 13'670;
    bench.open_active();
    (void)bench.poll_all();
    (void)bench.receive(kSyn, 0, 0);
    REQUIRE(bench.c().state() == State::SynReceived);
    (void)bench.poll_all();
    (void)bench.receive(kSyn | kAck, 0, 1);
    REQUIRE(bench.c().state() == State::Established);
    CHECK(bench.c().send_space().wnd <= 13'670);
    CHECK(bench.c().send_space().wnd > 13'670 - 128);
}
