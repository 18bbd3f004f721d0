#include "tcp/half_open.hpp"

#include "bench.hpp"

using namespace terminus;
using namespace terminus::test;
using tcp::HalfOpen;
using tcp::HalfOpenVerdict;
using tcp::ListenVerdict;

namespace {

/// A half-open in its world; numbers relative to the ISNs.
struct Half : Bench {
    explicit Half(std::uint16_t advertised = 1460) : Bench() { tunables.rmem = 50'000, mss = advertised; }
    ~Half() {
        if (half) half->released(env());
    }
    void open() { open(segment(kSyn, 0, 0)); }
    void open(const wire::TcpSegment& syn) {
        half.emplace(HalfOpen::Parameters{tuple(), 3, 4, own_iss, mss}, syn, env());
    }
    HalfOpenVerdict arrives(std::uint8_t flags, std::uint32_t seq, std::uint32_t ack,
                            std::string_view text = {}) {
        return half->segment_arrives(segment(flags, seq, ack, text), env());
    }
    OutSegment reply() { return half->poll_reply(kTimestampOffset, env()); }
    [[nodiscard]] stats::LegStats& client() { return stats.leg(stats::Leg::Client); }
    std::optional<HalfOpen> half;
};

}  // namespace

// RFC 9293 3.10.7.2, HARDENING 5.
TEST_CASE("LISTEN opens for a clean SYN only, resets ACKs and ignores everything else") {
    Bench bench;
    for (unsigned bits = 0; bits < 256; ++bits) {
        const auto flags = static_cast<std::uint8_t>(bits);
        ListenVerdict expected = ListenVerdict::Ignore;
        if ((flags & kRst) == 0 && (flags & kAck) != 0) expected = ListenVerdict::Reset;
        if ((flags & (kRst | kAck | kFin | kSyn)) == kSyn) expected = ListenVerdict::Open;
        INFO("flags " << bits);
        CHECK(tcp::listen_segment_arrives(bench.segment(flags, 0, 0)) == expected);
        CHECK(tcp::listen_segment_arrives(bench.segment(flags, 0, 0, "text")) == expected);
    }
}

TEST_CASE("a half-open remembers who it belongs to and counts itself in SYN_RECEIVED") {
    Half half;
    half.open();
    CHECK(half.half->remote_address() == Half::tuple().remote.address);
    CHECK(half.half->remote_port() == 40000);
    CHECK(half.half->local_port() == 80);
    CHECK(half.half->local_id() == 3);
    CHECK(half.half->service() == 4);
    CHECK(half.client().opens_passive.value() == 1);
    const auto& gauge = half.client().connections[static_cast<std::size_t>(State::SynReceived)];
    CHECK(gauge.value() == 1);
    half.half->released(half.env());
    half.half.reset();
    CHECK(gauge.value() == 0);
}

// RFC 9293 3.7.1, MUST-14, SHLD-5, MAY-3.
TEST_CASE("the SYN-ACK answers with what the peer offered and we allow") {
    Half half;
    half.tunables.timestamps = true;
    half.tunables.window_scaling = true;
    half.tunables.rmem = 1u << 20;

    SECTION("everything offered") {
        half.peer_scale = 3;
        half.peer_timestamp = 4242;
        half.open();
        const auto out = half.reply();
        CHECK(out.flags.bits == (kSyn | kAck));
        CHECK(out.seq == half.own_iss);
        CHECK(half.ack_of(out) == 1);
        CHECK(out.options.mss == 1460);
        CHECK(out.options.window_scale == 5);
        CHECK(out.window == UINT16_MAX);  // RFC 7323 2.2: unscaled
        REQUIRE(out.options.timestamps);
        CHECK(out.options.timestamps->echo_reply == 4242);
        CHECK(out.options.timestamps->value == tcp::timestamp_value(half.now, Half::kTimestampOffset));
        CHECK_FALSE(out.options.sack_permitted);
        CHECK(half.half->peer_scale() == 3);
        CHECK(half.half->recent_timestamp() == 4242u);
    }
    SECTION("nothing offered") {
        half.peer_mss.reset();
        half.open();
        const auto out = half.reply();
        CHECK(out.options.mss == 1460);
        CHECK_FALSE(out.options.window_scale);
        CHECK_FALSE(out.options.timestamps);
        CHECK(half.half->peer_mss() == 536);  // RFC 9293 MUST-15
        CHECK_FALSE(half.half->recent_timestamp());
    }
    SECTION("offered, but switched off here") {
        half.tunables.timestamps = false;
        half.tunables.window_scaling = false;
        half.peer_scale = 3;
        half.peer_timestamp = 4242;
        half.open();
        const auto out = half.reply();
        CHECK_FALSE(out.options.window_scale);
        CHECK_FALSE(out.options.timestamps);
        CHECK(half.half->peer_scale() == 0);
    }
    SECTION("a scale over 14 means 14") {  // RFC 7323 2.3, HARDENING 4
        half.peer_scale = 255;
        half.open();
        CHECK(half.half->peer_scale() == 14);
    }
    SECTION("the default MSS of IPv6 is 1220") {
        half.peer_mss.reset();
        auto parameters = HalfOpen::Parameters{Half::tuple(), 3, 4, half.own_iss, 1440};
        parameters.tuple.remote.address = *wire::IpAddress::parse("2001:db8::7");
        half.half.emplace(parameters, half.segment(kSyn, 0, 0), half.env());
        CHECK(half.half->peer_mss() == 1220);
    }
}

// RFC 6298 5, DESIGN 4.
TEST_CASE("the SYN-ACK is sent again after 1 s, 2 s, … synack_retries times, then the half-open ends") {
    Half half;
    half.tunables.synack_retries = 3;
    half.open();
    (void)half.reply();
    CHECK(half.client().retransmits[RetransmitCause::SynAck].value() == 0);
    Duration timeout = 1s;
    for (int i = 0; i < 3; ++i) {
        CHECK(half.half->next_deadline() == half.now + timeout);
        half.now = half.half->next_deadline();
        REQUIRE(half.half->timer_expired(half.env()));
        CHECK(half.reply().flags.bits == (kSyn | kAck));
        timeout *= 2;
    }
    CHECK(half.client().retransmits[RetransmitCause::SynAck].value() == 3);
    half.now = half.half->next_deadline();
    CHECK_FALSE(half.half->timer_expired(half.env()));
    CHECK(half.client().closes[CloseReason::SynAckTimeout].value() == 1);
    CHECK(half.client().timer_expirations[Timer::Establishment].value() == 4);
}

TEST_CASE("the acknowledgement of our SYN promotes, and what comes with it goes along") {
    Half half;
    half.open();
    CHECK(half.arrives(kAck, 1, 1) == HalfOpenVerdict::Promote);
    CHECK(half.arrives(kAck | kPsh, 1, 1, "GET /") == HalfOpenVerdict::Promote);
    CHECK(half.arrives(kAck | kFin, 1, 1) == HalfOpenVerdict::Promote);
    CHECK(half.arrives(kAck, 49'999, 1, "x") == HalfOpenVerdict::Promote);  // in the window, ahead of a gap
}

// RFC 9293 3.10.7.4, fifth: SYN-RECEIVED.
TEST_CASE("an ACK of anything but our SYN is answered by a RST and the half-open stays") {
    Half half;
    half.open();
    CHECK(half.arrives(kAck, 1, 0) == HalfOpenVerdict::ResetPeer);
    CHECK(half.arrives(kAck, 1, 2) == HalfOpenVerdict::ResetPeer);
    CHECK(half.drops(DropReason::TcpAckInvalid) == 2);
    CHECK(half.arrives(kAck, 1, 1) == HalfOpenVerdict::Promote);
}

TEST_CASE("a segment outside the window gets an ACK with our numbers") {
    Half half;
    half.open();
    (void)half.reply();
    CHECK(half.arrives(kAck, 50'001, 1) == HalfOpenVerdict::Reply);
    const auto out = half.reply();
    CHECK(out.flags.bits == kAck);
    CHECK(half.seq_of(out) == 1);
    CHECK(half.ack_of(out) == 1);
    CHECK(half.drops(DropReason::TcpOutOfWindow) == 1);
    CHECK(half.arrives(kAck, 50'000, 1) == HalfOpenVerdict::Promote);
}

TEST_CASE("a segment with neither ACK nor SYN nor RST is dropped") {
    Half half;
    half.open();
    CHECK(half.arrives(0, 1, 0, "x") == HalfOpenVerdict::Ignore);
    CHECK(half.arrives(kFin, 1, 0) == HalfOpenVerdict::Ignore);
    CHECK(half.drops(DropReason::TcpNoAck) == 2);
}

// RFC 5961 3.2.
// RFC 9293 3.5, MUST-11: back to LISTEN.
TEST_CASE("only a RST at exactly the next number ends a half-open") {
    Half half;
    half.open();
    CHECK(half.arrives(kRst, 0, 0) == HalfOpenVerdict::Ignore);
    CHECK(half.arrives(kRst, 50'001, 0) == HalfOpenVerdict::Ignore);
    CHECK(half.arrives(kRst, 2, 0) == HalfOpenVerdict::Reply);
    CHECK(half.reply().flags.bits == kAck);
    CHECK(half.client().resets_received.value() == 0);
    CHECK(half.arrives(kRst, 1, 0) == HalfOpenVerdict::Close);
    CHECK(half.client().resets_received.value() == 1);
    CHECK(half.client().closes[CloseReason::ResetReceived].value() == 1);
}

TEST_CASE("the peer's SYN again is answered by the SYN-ACK again, any other SYN by a challenge") {
    Half half;
    half.open();
    (void)half.reply();
    CHECK(half.arrives(kSyn, 0, 0) == HalfOpenVerdict::Reply);
    CHECK(half.reply().flags.bits == (kSyn | kAck));
    CHECK(half.client().retransmits[RetransmitCause::SynAck].value() == 1);
    CHECK(half.arrives(kSyn, 100, 0) == HalfOpenVerdict::Reply);
    CHECK(half.reply().flags.bits == kAck);
    CHECK(half.arrives(kSyn | kFin, 0, 0) == HalfOpenVerdict::Reply);
    CHECK(half.reply().flags.bits == kAck);
    CHECK(half.client().challenge_acks.value() == 2);
}

TEST_CASE(
    "HARDENING 13, 18: what a half-open answers to nonsense is limited by the second") {  // HARDENING 13, 18
    Half half;
    half.tunables.challenge_ack_limit = 3;
    half.open();
    int replies = 0;
    for (int i = 0; i < 100; ++i) {
        if (half.arrives(kSyn, 100, 0) == HalfOpenVerdict::Reply) ++replies, (void)half.reply();
    }
    CHECK(replies == 3);
    CHECK(half.client().challenge_acks_limited.value() == 97);
    half.advance(1s);
    CHECK(half.arrives(kSyn, 100, 0) == HalfOpenVerdict::Reply);
}

// RFC 7323 5.3.
TEST_CASE("a timestamp older than the SYN's is refused before anything is believed") {
    Half half;
    half.tunables.timestamps = true;
    half.peer_timestamp = 1000;
    half.open();
    half.peer_timestamp = 999;
    CHECK(half.arrives(kAck, 1, 1) == HalfOpenVerdict::Reply);
    CHECK(half.drops(DropReason::TcpPaws) == 1);
    half.peer_timestamp = 1000;
    CHECK(half.arrives(kAck, 1, 1) == HalfOpenVerdict::Promote);
}

TEST_CASE("a lossy passive handshake begins with one segment and the timer's last value") {  // RFC 6928 2
    Bench bench;
    tcp::HalfOpen half({Bench::tuple(), 1, 2, bench.own_iss, 1460}, bench.segment(kSyn, 0, 0), bench.env());
    (void)half.poll_reply(0, bench.env());
    bench.now = half.next_deadline();
    REQUIRE(half.timer_expired(bench.env()));
    (void)half.poll_reply(0, bench.env());
    Connection connection(bench.parameters(stats::Leg::Client), half, bench.env());
    half.released(bench.env());
    (void)connection.segment_arrives(bench.segment(kAck, 1, 1), packet::Slice(), bench.env());
    CHECK(connection.state() == State::Established);
    CHECK(connection.snapshot().congestion_window_bytes == 1000);
    CHECK(connection.snapshot().rto == 3s);  // RFC 6298 5.7
    connection.released(bench.env());
}
