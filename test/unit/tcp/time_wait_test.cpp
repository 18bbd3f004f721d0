#include "tcp/time_wait.hpp"

#include "bench.hpp"

using namespace terminus;
using namespace terminus::test;
using tcp::TimeWait;
using tcp::TimeWaitVerdict;

namespace {

/// Whether a deadline is `wanted`, or comes with the tick that follows it.
bool is_just(Instant deadline, Instant wanted) {
    return deadline >= wanted && deadline - wanted < std::chrono::microseconds(66);
}

/// A TIME_WAIT made the way the stack makes it. The peer's FIN was number 1, ours too.
struct Waiting : Bench {
    explicit Waiting(bool timestamps = false) {
        if (timestamps) {
            tunables.timestamps = true;
            peer_timestamp = 5000;
        }
        bring_to(State::TimeWait);
        entered = now;
        wait.emplace(c(), tuple().remote.address, 40000, 80, 9, env());
        finish_with_connection();
    }
    ~Waiting() { wait->released(env()); }
    TimeWaitVerdict arrives(std::uint8_t flags, std::uint32_t seq, std::uint32_t ack,
                            std::string_view text = {}) {
        return wait->segment_arrives(segment(flags, seq, ack, text), env());
    }
    Instant entered;
    std::optional<TimeWait> wait;
};

}  // namespace

TEST_CASE("a TIME_WAIT knows its connection and counts itself on its leg") {
    Waiting wait;
    CHECK(wait.wait->remote_address() == Waiting::tuple().remote.address);
    CHECK(wait.wait->remote_port() == 40000);
    CHECK(wait.wait->local_port() == 80);
    CHECK(wait.wait->local_id() == 9);
    CHECK(wait.wait->leg() == stats::Leg::Client);
    CHECK(wait.wait->snd_nxt() == wait.own_iss + 2);
    CHECK(wait.stats.leg(stats::Leg::Client).connections[static_cast<std::size_t>(State::TimeWait)].value() ==
          1);
}

// RFC 9293 MUST-13.
TEST_CASE("TIME_WAIT lasts 2 MSL from its beginning, whenever the connection is converted") {
    Waiting wait;
    CHECK(is_just(wait.wait->deadline(wait.env()), wait.entered + 60s));
    Bench late;
    late.bring_to(State::TimeWait);
    const Instant began = late.now;
    late.advance(10s);
    TimeWait converted(late.c(), Bench::tuple().remote.address, 1, 2, 3, late.env());
    CHECK(is_just(converted.deadline(late.env()), began + 60s));
    converted.timer_expired(late.env());
    CHECK(late.leg().timer_expirations[Timer::TimeWait].value() == 1);
    converted.released(late.env());
}

TEST_CASE("a TIME_WAIT is over after a leap of three days") {
    Waiting wait;
    wait.advance(72h);
    CHECK(is_just(wait.wait->deadline(wait.env()), wait.entered + 60s));
}

// RFC 9293 3.10.7.4, eighth: TIME-WAIT.
TEST_CASE("the retransmitted FIN is acknowledged and restarts the 2 MSL, other text is only acknowledged") {
    Waiting wait;
    wait.advance(30s);
    CHECK(wait.arrives(kFin | kAck, 1, 2) == TimeWaitVerdict::Acknowledge);
    CHECK(is_just(wait.wait->deadline(wait.env()), wait.now + 60s));
    const auto out = wait.wait->poll_reply(0, wait.env());
    CHECK(out.flags.bits == kAck);
    CHECK(wait.seq_of(out) == 2);
    CHECK(wait.ack_of(out) == 2);
    wait.advance(10s);
    CHECK(wait.arrives(kAck, 0, 2, "old") == TimeWaitVerdict::Acknowledge);
    CHECK(wait.arrives(kFin | kAck, 5, 2) == TimeWaitVerdict::Acknowledge);  // a FIN from somewhere else
    CHECK(is_just(wait.wait->deadline(wait.env()), wait.now + 50s));
}

// RFC 1337, HARDENING 14.
TEST_CASE("HARDENING 14: a RST is ignored, or with rfc1337 off believed at exactly the next number") {
    Waiting wait;
    CHECK(wait.arrives(kRst, 2, 0) == TimeWaitVerdict::Ignore);
    CHECK(wait.drops(DropReason::TcpTimeWaitRst) == 1);
    wait.tunables.rfc1337 = false;
    CHECK(wait.arrives(kRst, 1, 0) == TimeWaitVerdict::Ignore);
    CHECK(wait.arrives(kRst, 3, 0) == TimeWaitVerdict::Ignore);
    CHECK(wait.arrives(kRst, 2, 0) == TimeWaitVerdict::Close);
}

TEST_CASE("HARDENING 13, 14: empty segments end no TIME_WAIT and start no loop of ACKs") {  // HARDENING 13
    Waiting wait;
    CHECK(wait.arrives(kAck, 2, 2) == TimeWaitVerdict::Ignore);
    int answers = 0;
    for (int i = 0; i < 1000; ++i)
        answers += wait.arrives(kAck, 1, 2) == TimeWaitVerdict::Acknowledge;
    CHECK(answers > 0);
    CHECK(answers <= 8);
}

// RFC 6191 2, RFC 9293 MAY-2.
TEST_CASE(
    "HARDENING 14: without timestamps a SYN beyond the old numbers opens anew, others are acknowledged") {
    Waiting wait;
    CHECK(wait.arrives(kSyn, 2, 0) == TimeWaitVerdict::Acknowledge);
    CHECK(wait.arrives(kSyn, 0, 0) == TimeWaitVerdict::Acknowledge);
    CHECK(wait.arrives(kSyn | kAck, 3, 2) == TimeWaitVerdict::Acknowledge);
    CHECK(wait.arrives(kSyn | kFin, 3, 0) == TimeWaitVerdict::Acknowledge);
    CHECK(wait.arrives(kSyn, 3, 0) == TimeWaitVerdict::Reopen);
}

TEST_CASE(
    "HARDENING 14: with timestamps a newer one opens anew even with an older number, an older one never") {
    Waiting wait(true);
    wait.peer_timestamp = 5001;
    CHECK(wait.arrives(kSyn, 0u - 1000u, 0) == TimeWaitVerdict::Reopen);
    wait.peer_timestamp = 4999;
    CHECK(wait.arrives(kSyn, 100'000, 0) == TimeWaitVerdict::Acknowledge);
    wait.peer_timestamp = 5000;
    CHECK(wait.arrives(kSyn, 2, 0) == TimeWaitVerdict::Acknowledge);
    CHECK(wait.arrives(kSyn, 3, 0) == TimeWaitVerdict::Reopen);
    wait.peer_timestamp.reset();
    CHECK(wait.arrives(kSyn, 2, 0) == TimeWaitVerdict::Acknowledge);
    CHECK(wait.arrives(kSyn, 3, 0) == TimeWaitVerdict::Reopen);
}

TEST_CASE("replies carry timestamps when the connection had them") {
    Waiting wait(true);
    const auto out = wait.wait->poll_reply(Waiting::kTimestampOffset, wait.env());
    REQUIRE(out.options.timestamps);
    CHECK(out.options.timestamps->echo_reply == 5000);
}

// DESIGN 4: tw_reuse.
// RFC 9293 3.6.1, SHLD-4.
TEST_CASE(
    "an active open takes the 4-tuple after a second, beyond both old numbers, and not without timestamps") {
    Waiting wait(true);
    const SeqNum beyond = wait.wait->snd_nxt() + 1;
    wait.advance(999ms);
    CHECK_FALSE(wait.wait->may_be_reused(beyond, wait.env()));
    wait.advance(1ms);
    CHECK(wait.wait->may_be_reused(beyond, wait.env()));
    CHECK_FALSE(wait.wait->may_be_reused(wait.wait->snd_nxt(), wait.env()));
    wait.tunables.tw_reuse = false;
    CHECK_FALSE(wait.wait->may_be_reused(beyond, wait.env()));

    Waiting plain;
    plain.advance(59s);
    CHECK_FALSE(plain.wait->may_be_reused(plain.wait->snd_nxt() + 1, plain.env()));
}
