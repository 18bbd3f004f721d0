#include "stats/histogram.hpp"

#include <catch2/catch.hpp>

namespace terminus::stats {
namespace {

TEST_CASE("an empty histogram has seen nothing") {
    const Histogram histogram;
    REQUIRE(histogram.count() == 0);
    REQUIRE(histogram.max() == 0);
    REQUIRE(histogram.min() == 0);
    REQUIRE(histogram.mean() == 0);
    REQUIRE(histogram.quantile(500'000) == 0);
}

TEST_CASE("no value is told lower than it is, nor higher by more than one in 64") {
    for (std::uint64_t value = 1; value < Histogram::kValueMax / 2; value = value * 9 / 8 + 1) {
        Histogram histogram;
        histogram.record(value);
        histogram.record(Histogram::kValueMax);  // so that max() does not bound what is told
        const std::uint64_t told = histogram.quantile(500'000);
        CAPTURE(value, told);
        REQUIRE(told >= value);
        REQUIRE(told - value <= value / 64);
    }
}

TEST_CASE("values below 128 are told as they are") {
    for (std::uint64_t value = 0; value < 128; ++value) {
        Histogram histogram;
        histogram.record(value);
        histogram.record(1000);
        REQUIRE(histogram.quantile(500'000) == value);
    }
}

TEST_CASE("a quantile is the value that so many don't exceed") {
    Histogram histogram;
    for (std::uint64_t value = 1; value <= 100; ++value)
        histogram.record(value);
    REQUIRE(histogram.quantile(0) == 1);
    REQUIRE(histogram.quantile(500'000) == 50);
    REQUIRE(histogram.quantile(500'001) == 51);
    REQUIRE(histogram.quantile(990'000) == 99);
    REQUIRE(histogram.quantile(1'000'000) == 100);
    REQUIRE(histogram.mean() == 50);
    REQUIRE(histogram.min() == 1);
}

TEST_CASE("the greatest value is exact, and no quantile is above it") {
    Histogram histogram;
    histogram.record(1'000'003);
    REQUIRE(histogram.max() == 1'000'003);
    REQUIRE(histogram.quantile(999'000) == 1'000'003);
}

TEST_CASE("what is beyond all buckets counts, with its own maximum") {
    Histogram histogram;
    histogram.record(Histogram::kValueMax);
    histogram.record(UINT64_MAX / 4);
    REQUIRE(histogram.count() == 2);
    REQUIRE(histogram.max() == UINT64_MAX / 4);
    REQUIRE(histogram.quantile(500'000) == Histogram::kValueMax);
}

TEST_CASE("two histograms add up, and a cleared one is as new") {
    Histogram first;
    Histogram second;
    first.record(10);
    second.record(30);
    second.record(40);
    first.add(second);
    REQUIRE(first.count() == 3);
    REQUIRE(first.min() == 10);
    REQUIRE(first.max() == 40);
    REQUIRE(first.quantile(500'000) == 30);
    first.clear();
    REQUIRE(first.count() == 0);
    REQUIRE(first.quantile(500'000) == 0);
}

}  // namespace
}  // namespace terminus::stats
