#include <algorithm>
#include <numeric>
#include <random>

#include "tcp/bench.hpp"

// Segments that come, or go, many at a time: the same as one by one, only sooner done.
using namespace terminus;
using namespace terminus::test;

namespace {

/// What one connection says, segment by segment, whether it said so at once or not.
struct Said {
    SeqNum seq;
    SeqNum ack;
    std::uint32_t length = 0;
    std::uint8_t flags = 0;
    std::uint16_t window = 0;
    std::optional<wire::TcpTimestamps> timestamps;
    friend bool operator==(const Said&, const Said&) = default;
};

std::vector<Said> poll(Bench& bench, std::uint32_t segments_max, std::uint32_t& run) {
    std::vector<Said> all;
    while (const auto out = bench.c().poll_transmit(bench.env(), segments_max)) {
        REQUIRE(out->segments() <= segments_max);
        if (out->segments() > 1) run += out->segments();
        for (std::uint32_t i = 0; i < out->segments(); ++i) {
            const std::uint32_t length = out->payload_length / out->segments();
            const bool is_last = i + 1 == out->segments();
            const std::uint8_t flags =
                is_last ? out->flags.bits : static_cast<std::uint8_t>(out->flags.bits & ~kPsh);
            all.push_back(
                {out->seq + i * length, out->ack, length, flags, out->window, out->options.timestamps});
        }
        REQUIRE(all.size() < 5000);
    }
    return all;
}

/// A peer's segments, to one connection each by itself and to another in trains, and what both then send.
class Both {
 public:
    explicit Both(std::uint64_t seed) : random_(seed) {
        const bool sack = chance(2), timestamps = chance(2), cubic = chance(2);
        for (Bench* bench : {&single_, &train_}) {
            bench->tunables.congestion_control =
                cubic ? tcp::CongestionAlgorithm::Cubic : tcp::CongestionAlgorithm::Reno;
            bench->tunables.timestamps = timestamps;
            if (timestamps) bench->peer_timestamp = 1;
            bench->accept(sack ? bench->sack_syn() : bench->segment(kSyn, 0, 0));
        }
    }

    ~Both() {
        for (Bench* bench : {&single_, &train_})
            bench->finish_with_connection();
    }
    Both(const Both&) = delete;
    Both& operator=(const Both&) = delete;

    /// Segments that text_continues() took, and that were sent in runs.
    [[nodiscard]] std::uint32_t continued() const { return continued_; }
    [[nodiscard]] std::uint32_t run() const { return run_; }

    void step() {
        switch (below(6)) {
            case 0:
            case 1:
                peer_writes();
                break;
            case 2:
                write();
                break;
            case 3:
                acknowledge();
                break;
            case 4:
                read();
                break;
            default:
                wait();
                break;
        }
        const std::vector<Said> one = poll(single_, 1, run_), many = poll(train_, 2 + below(31), run_);
        REQUIRE(one == many);
        sent_ += std::accumulate(one.begin(), one.end(), 0u, [this](std::uint32_t sum, const Said& said) {
            return sum + (said.seq == single_.own_iss + 1 + sent_ + sum ? said.length : 0);
        });
        compare();
    }

 private:
    void peer_writes() {
        const std::string text(1000, 'p');
        std::uint32_t seq = peer_sent_ + 1;
        if (chance(8)) seq += 1000;                // a gap
        if (chance(8) && seq > 1000) seq -= 1000;  // again
        const std::uint32_t ack = acked_ + 1;
        const std::uint32_t count = 1 + below(20);
        bool was_accepted = false;
        for (std::uint32_t i = 0; i < count; ++i) {
            const std::uint8_t flags = static_cast<std::uint8_t>(kAck | (chance(4) ? kPsh : 0));
            (void)give(single_, flags, seq, ack, text, false);
            was_accepted = give(train_, flags, seq, ack, text, was_accepted);
            seq += 1000;
        }
        peer_sent_ = single_.c().receive_space().nxt - single_.peer_iss - 1;
    }
    bool give(Bench& bench, std::uint8_t flags, std::uint32_t seq, std::uint32_t ack, const std::string& text,
              bool continues) {
        const wire::TcpSegment segment = bench.segment(flags, seq, ack, text);
        packet::Slice payload = make_slice(text);
        if (continues && bench.c().text_continues(segment, payload, bench.env())) {
            CHECK(payload.empty());
            ++continued_;
            return true;
        }
        REQUIRE(payload.length() == text.size());
        return bench.c().segment_arrives(segment, std::move(payload), bench.env()) == Disposition::Accepted;
    }
    void write() {
        const std::string text(1 + below(40'000), 'o');
        if (single_.c().send_room(single_.env()) < text.size()) return;
        single_.send(text);
        train_.send(text);
    }
    void acknowledge() {
        if (sent_ == acked_) return;
        acked_ += 1 + below(sent_ - acked_);
        for (Bench* bench : {&single_, &train_})
            (void)bench->receive(kAck, peer_sent_ + 1, acked_ + 1);
    }
    void read() {
        const std::uint32_t most = below(30'000);
        CHECK(single_.read(most) == train_.read(most));
    }
    void wait() {
        const Duration span = std::chrono::microseconds(below(chance(8) ? 5'000'000 : 400'000));
        for (Bench* bench : {&single_, &train_}) {
            bench->advance(span);
            if (bench->peer_timestamp) *bench->peer_timestamp += 1;
            if (bench->c().next_deadline() <= bench->now) bench->c().timers_expired(bench->env());
        }
    }
    void compare() {
        tcp::Connection &a = single_.c(), &b = train_.c();
        CHECK(a.next_deadline() == b.next_deadline());
        CHECK(a.readable_bytes() == b.readable_bytes());
        CHECK(a.send_space().nxt == b.send_space().nxt);
        CHECK(a.send_space().wl1 == b.send_space().wl1);
        CHECK(a.receive_space().adv == b.receive_space().adv);
        CHECK(a.recovery().window() == b.recovery().window());
        CHECK(a.recovery().pipe(a.send_space()) == b.recovery().pipe(b.send_space()));
        CHECK(a.recovery().records().count() == b.recovery().records().count());
        CHECK(single_.leg().segments_sent.value() == train_.leg().segments_sent.value());
        CHECK(single_.leg().segments_received.value() == train_.leg().segments_received.value());
        CHECK(single_.leg().bytes_received.value() == train_.leg().bytes_received.value());
        CHECK(a.take_events().bits == b.take_events().bits);
    }

    std::uint32_t below(std::uint32_t most) { return static_cast<std::uint32_t>(random_() % most); }
    bool chance(std::uint32_t one_in) { return below(one_in) == 0; }

    std::mt19937_64 random_;
    Bench single_;
    Bench train_;
    std::uint32_t peer_sent_ = 0;
    std::uint32_t sent_ = 0;
    std::uint32_t acked_ = 0;
    std::uint32_t continued_ = 0;
    std::uint32_t run_ = 0;
};

/// A connection in congestion avoidance with segments of 1000 bytes on the way, three of them acknowledged.
struct Avoiding : Bench {
    Avoiding() {
        establish();
        send(std::string(10'000, 'x'));
        (void)poll_all();
        run_to_deadline();  // a probe of the tail, or the time-out: the threshold is known from then on
        while (c().recovery().state() != tcp::RecoveryState::Loss)
            run_to_deadline();
        (void)poll_all();
        REQUIRE(receive(kAck, 1, 10'001) == Disposition::Accepted);
        for (acked = 10'000; c().recovery().counts_acks(); acked += 2000) {
            REQUIRE(acked < 100'000);
            send(std::string(2000, 'x'));
            (void)poll_all();
            REQUIRE(receive(kAck, 1, acked + 2001) == Disposition::Accepted);
        }
        (void)c().take_events();
        send(std::string(2000, 'x'));
        (void)poll_all();
        REQUIRE(c().recovery().state() == tcp::RecoveryState::Open);
    }
    [[nodiscard]] wire::TcpSegment ack(std::uint32_t more) const {
        return segment(kAck, 1, acked + more + 1);
    }
    bool overtaken(const wire::TcpSegment& first, const wire::TcpSegment& second) {
        const std::uint64_t before = leg().segments_received.value();
        const bool is = c().is_overtaken(first, second, env());
        CHECK(leg().segments_received.value() == before + (is ? 1 : 0));
        return is;
    }

    std::uint32_t acked = 0;
};

}  // namespace

TEST_CASE("trains of segments do to a connection what the same segments do one by one") {
    std::uint32_t continued = 0, run = 0;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        INFO("seed " << seed);
        Both both(seed);
        for (int i = 0; i < 120; ++i)
            both.step();
        continued += both.continued();
        run += both.run();
    }
    CHECK(continued > 1000);
    CHECK(run > 1000);
}

TEST_CASE("a run of segments is full ones, and ends with the PSH") {
    Bench bench;
    bench.establish();
    bench.send(std::string(3500, 'x'));
    const auto run = bench.c().poll_transmit(bench.env(), 8);
    REQUIRE(run);
    CHECK(run->segments() == 3);
    CHECK(run->segment_length == 1000);
    CHECK(run->payload_length == 3000);
    CHECK_FALSE(run->flags.psh());
    const auto rest = bench.c().poll_transmit(bench.env(), 8);
    REQUIRE(rest);
    CHECK(rest->segments() == 1);
    CHECK(rest->payload_length == 500);
    CHECK(rest->flags.psh());
    CHECK_FALSE(bench.c().poll_transmit(bench.env(), 8));
}

TEST_CASE("a run goes as far as the caller, the peer's window and the congestion window let it") {
    Bench bench;
    bench.peer_window = 4500;
    bench.establish();
    bench.send(std::string(20'000, 'x'));
    SECTION("the caller") {
        CHECK(bench.c().poll_transmit(bench.env(), 2)->segments() == 2);
    }
    SECTION("the peer's window") {
        CHECK(bench.c().poll_transmit(bench.env(), 32)->segments() == 4);
    }
}

TEST_CASE("the FIN goes with the last text, which then is no part of a run") {
    Bench bench;
    bench.establish();
    bench.send(std::string(3000, 'x'));
    bench.c().finish(bench.env());
    const auto run = bench.c().poll_transmit(bench.env(), 8);
    REQUIRE(run);
    CHECK(run->segments() == 2);
    CHECK_FALSE(run->flags.fin());
    const auto last = bench.c().poll_transmit(bench.env(), 8);
    REQUIRE(last);
    CHECK(last->flags.fin());
    CHECK(last->payload_length == 1000);
}

TEST_CASE("an ACK is left out for the next one, which acknowledges more") {
    Avoiding bench;
    CHECK(bench.overtaken(bench.ack(1000), bench.ack(2000)));
    // What it would have moved, the next one does.
    REQUIRE(bench.receive(bench.ack(2000)) == Disposition::Accepted);
    CHECK(bench.c().send_space().flight() == 0);
}

TEST_CASE("an ACK that says something of its own, or that another doesn't make up for, is not left out") {
    Avoiding bench;
    wire::TcpSegment first = bench.ack(1000), second = bench.ack(2000);
    SECTION("it acknowledges nothing new") {
        first = bench.ack(0);
    }
    SECTION("the second acknowledges what was never sent") {
        second = bench.ack(2001);
    }
    SECTION("it closes the window") {
        first.window = 0;
    }
    SECTION("the second closes the window") {
        second.window = 0;
    }
    SECTION("it is not the next segment") {
        first.seq += 1;
    }
    SECTION("a timestamp was not agreed on") {
        second.options.timestamps = wire::TcpTimestamps{1, 1};
    }
    SECTION("something is being repaired") {
        bench.run_to_deadline();
        while (bench.c().recovery().state() == tcp::RecoveryState::Open)
            bench.run_to_deadline();
    }
    CHECK_FALSE(bench.overtaken(first, second));
}

TEST_CASE("in a slow start that goes on each ACK counts") {
    Bench bench;
    bench.establish();
    bench.send(std::string(10'000, 'x'));
    (void)bench.poll_all();
    REQUIRE(bench.c().recovery().counts_acks());
    CHECK_FALSE(
        bench.c().is_overtaken(bench.segment(kAck, 1, 1001), bench.segment(kAck, 1, 2001), bench.env()));
}
