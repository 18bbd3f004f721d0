#include "tcp/receive_tuning.hpp"

#include <catch2/catch.hpp>

using namespace terminus;
using namespace std::chrono_literals;
using base::Duration;
using base::Instant;
using tcp::BufferRange;
using tcp::ReceiveTuning;

namespace {

constexpr std::uint16_t kMss = 1000;
constexpr BufferRange kRange{4096, 20'000, 1'000'000};

/// A reader behind a path of 100 ms.
struct Reader {
    Instant now{1000h};
    ReceiveTuning tuning{kMss, now};

    explicit Reader(Duration round_trip = 100ms) { tuning.arrived(1, round_trip); }
    void take_in_a_round_trip(std::uint32_t bytes) {
        now += tuning.round_trip();
        tuning.taken(bytes, kMss, kRange, now);
    }
};

}  // namespace

TEST_CASE("a buffer range keeps what is wanted between its second and third number") {
    CHECK(kRange.grown_to(0) == 20'000);
    CHECK(kRange.grown_to(50'000) == 50'000);
    CHECK(kRange.grown_to(std::uint64_t{1} << 40) == 1'000'000);
    CHECK(BufferRange(777).grown_to(0) == 777);
    CHECK(BufferRange(777).grown_to(10'000) == 777);
    CHECK(BufferRange(1, 900, 500).grown_to(0) == 500);  // the maximum is what counts
}

TEST_CASE("a reader who takes more in a round trip than before gets room for twice as much and more") {
    Reader reader;
    CHECK(reader.tuning.bytes() == 0);
    CHECK(reader.tuning.carried() == 10'000);
    reader.take_in_a_round_trip(10'000);
    CHECK(reader.tuning.bytes() == 0);  // what a peer may begin with
    reader.take_in_a_round_trip(20'000);
    // 2 · 20,000 and 16 segments, and twice that for having doubled.
    CHECK(reader.tuning.bytes() == 3 * (40'000 + 16'000));
    CHECK(reader.tuning.carried() == 20'000);
    reader.take_in_a_round_trip(21'000);
    CHECK(reader.tuning.bytes() == 3 * (40'000 + 16'000));  // it has that already
    CHECK(reader.tuning.carried() == 21'000);
}

TEST_CASE("a reader who is slower than the path makes nothing grow, and nothing shrinks") {
    Reader reader;
    reader.take_in_a_round_trip(50'000);
    const std::uint32_t grown = reader.tuning.bytes();
    for (int i = 0; i < 100; ++i)
        reader.take_in_a_round_trip(1000);
    CHECK(reader.tuning.bytes() == grown);
    CHECK(reader.tuning.carried() == 50'000);
}

TEST_CASE("many small reads in one round trip are one measurement") {
    Reader reader;
    for (int i = 0; i < 99; ++i) {
        reader.now += 1ms;
        reader.tuning.taken(1000, kMss, kRange, reader.now);
        CHECK(reader.tuning.bytes() == 0);
    }
    reader.now += 1ms;
    reader.tuning.taken(1000, kMss, kRange, reader.now);
    CHECK(reader.tuning.carried() == 100'000);
}

TEST_CASE("a buffer never grows beyond the range, whatever is read") {
    Reader reader;
    for (const std::uint32_t bytes : {100'000u, 1u << 30, UINT32_MAX})
        reader.take_in_a_round_trip(bytes);
    CHECK(reader.tuning.bytes() == kRange.max);
}

TEST_CASE("without a round trip there is nothing to measure by") {
    const Instant start{1h};
    ReceiveTuning tuning(kMss, start);
    tuning.taken(500'000, kMss, kRange, start + 10s);
    CHECK(tuning.bytes() == 0);
}

TEST_CASE("echoed timestamps give a smoothed round trip, each of them once") {
    Reader reader(80ms);
    CHECK(reader.tuning.round_trip() == 80ms);
    CHECK_FALSE(reader.tuning.is_news(1));
    CHECK(reader.tuning.is_news(2));
    reader.tuning.arrived(2, 160ms);
    CHECK(reader.tuning.round_trip() == 90ms);
    reader.tuning.arrived(3, 10ms);
    CHECK(reader.tuning.round_trip() == 80ms);
}

TEST_CASE("without timestamps the time that a window takes stands for the round trip, the shortest counts") {
    Instant now{1h};
    ReceiveTuning tuning(kMss, now);
    tcp::ReceiveSpace rcv;
    const auto arrive = [&](std::uint32_t nxt, Duration later) {
        now += later;
        rcv.nxt = wire::SeqNum(nxt);
        rcv.adv = rcv.nxt + 10'000;
        tuning.arrived(rcv, now);
    };
    // Across the wrap of sequence numbers.
    arrive(UINT32_MAX - 2000, 0s);
    arrive(1000, 30ms);
    CHECK(tuning.round_trip() == 0s);
    arrive(8'000, 20ms);
    CHECK(tuning.round_trip() == 50ms);
    arrive(18'000, 70ms);
    CHECK(tuning.round_trip() == 50ms);
    arrive(28'000, 20ms);
    CHECK(tuning.round_trip() == 20ms);
}
