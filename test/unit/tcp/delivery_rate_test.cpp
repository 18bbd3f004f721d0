// draft-ietf-ccwg-bbr 4.1: samples of the delivery rate, apart from who uses them.
#include "tcp/delivery_rate.hpp"

#include <catch2/catch.hpp>
#include <utility>

using namespace terminus;
using namespace std::chrono_literals;
using tcp::AckSample;
using tcp::DeliveryRate;
using tcp::SendStamp;

namespace {

constexpr base::Instant kStart{100s};
constexpr std::uint32_t kMss = 1000;

/// With the newest delivery of the ACK at hand, as who reads it has it.
class Rate : public DeliveryRate {
 public:
    void delivered(const SendStamp& stamp, std::uint32_t bytes, base::Instant now) {
        DeliveryRate::delivered(newest_, stamp, bytes, now);
    }
    AckSample finish(base::Duration min_rtt = 0ms) {
        AckSample sample;
        DeliveryRate::finish(std::exchange(newest_, std::nullopt), sample, min_rtt);
        return sample;
    }

 private:
    Newest newest_;
};

}  // namespace

TEST_CASE("the rate is what was delivered since a segment went, by the time that took") {
    Rate rate;
    const SendStamp first = rate.stamp(kStart, 0, kMss);
    const SendStamp second = rate.stamp(kStart, kMss, kMss);
    rate.delivered(first, kMss, kStart + 10ms);
    rate.delivered(second, kMss, kStart + 10ms);
    const AckSample sample = rate.finish();
    CHECK(sample.sample_delivered == 2 * kMss);
    CHECK(sample.interval == 10ms);
    CHECK(sample.delivery_rate == 200'000);
    CHECK(sample.tx_in_flight == 2 * kMss);
    CHECK(sample.delivered == 2 * kMss);
    CHECK(sample.prior_delivered == 0);
    CHECK_FALSE(sample.app_limited);
}

TEST_CASE("ACKs that come all at once promise no more than was sent in that time") {
    Rate rate;
    // A segment each ten milliseconds; the path holds the ACKs of the last four back.
    SendStamp stamps[5];
    for (int i = 0; i < 5; ++i)
        stamps[i] = rate.stamp(kStart + i * 10ms, i == 0 ? 0 : i * kMss, kMss);
    rate.delivered(stamps[0], kMss, kStart + 50ms);
    (void)rate.finish();
    for (int i = 1; i < 5; ++i)
        rate.delivered(stamps[i], kMss, kStart + 51ms);
    const AckSample sample = rate.finish();
    // Acknowledged within a millisecond, but since the connection's delivery stood at 0, 51 ms ago.
    CHECK(sample.interval == 51ms);
    CHECK(sample.delivery_rate == std::uint64_t{5} * kMss * 1000 / 51);
}

TEST_CASE("a sample shorter than the least round trip is none") {
    Rate rate;
    const SendStamp stamp = rate.stamp(kStart, 0, kMss);
    rate.delivered(stamp, kMss, kStart + 10ms);
    const AckSample sample = rate.finish(11ms);
    CHECK(sample.delivery_rate == 0);
    CHECK(sample.sample_delivered == kMss);
}

TEST_CASE("the sample is the newest segment's that the ACK delivers, in whatever order they are told") {
    Rate rate;
    const SendStamp old = rate.stamp(kStart, 0, kMss);
    const SendStamp young = rate.stamp(kStart + 5ms, kMss, 2 * kMss);
    rate.delivered(young, 2 * kMss, kStart + 20ms);
    rate.delivered(old, kMss, kStart + 20ms);
    CHECK(rate.finish().tx_in_flight == 3 * kMss);
}

TEST_CASE("an ACK that delivers nothing has no sample") {
    Rate rate;
    const SendStamp stamp = rate.stamp(kStart, 0, kMss);
    rate.delivered(stamp, kMss, kStart + 10ms);
    (void)rate.finish();
    const AckSample sample = rate.finish();
    CHECK(sample.delivery_rate == 0);
    CHECK(sample.sample_delivered == 0);
    CHECK(sample.delivered == kMss);
    CHECK(sample.prior_delivered == kMss);
}

TEST_CASE("samples are the application's until what was on the way when it ran dry is delivered") {
    Rate rate;
    const SendStamp before = rate.stamp(kStart, 0, kMss);
    rate.application_limited(kMss);
    const SendStamp within = rate.stamp(kStart + 1ms, kMss, kMss);
    rate.delivered(before, kMss, kStart + 10ms);
    CHECK_FALSE(rate.finish().app_limited);
    rate.delivered(within, kMss, kStart + 11ms);
    CHECK(rate.finish().app_limited);
    const SendStamp after = rate.stamp(kStart + 12ms, 0, kMss);
    rate.delivered(after, kMss, kStart + 22ms);
    CHECK_FALSE(rate.finish().app_limited);
}

TEST_CASE("losses between sending and delivery are the sample's, what was too large for the path is none") {
    Rate rate;
    const SendStamp stamp = rate.stamp(kStart, 0, kMss);
    rate.lost(3 * kMss);
    rate.forgive(kMss);
    rate.delivered(stamp, kMss, kStart + 10ms);
    CHECK(rate.finish().sample_lost == 2 * kMss);
}

TEST_CASE("totals beyond 4 GB don't disturb a sample") {
    Rate rate;
    rate.delivered_unseen(UINT32_MAX, kStart);
    rate.delivered_unseen(500, kStart);
    const SendStamp stamp = rate.stamp(kStart, 0, kMss);
    rate.delivered(stamp, kMss, kStart + 10ms);
    const AckSample sample = rate.finish();
    CHECK(sample.sample_delivered == kMss);
    CHECK(sample.delivered == std::uint64_t{UINT32_MAX} + 500 + kMss);
    CHECK(sample.prior_delivered == std::uint64_t{UINT32_MAX} + 500);
}
