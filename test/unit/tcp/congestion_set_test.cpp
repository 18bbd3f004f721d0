#include "tcp/congestion_set.hpp"

#include <catch2/catch.hpp>

#include "control_bench.hpp"
#include "link_model.hpp"

using namespace terminus::tcp;
using namespace std::chrono_literals;
using terminus::base::Instant;

namespace {
constexpr std::uint32_t kMss = 1000;
}

TEST_CASE("the set's member answers as it would by itself") {
    Congestion set(CongestionAlgorithm::Reno);
    Reno reno;
    const CongestionStart start{.mss = kMss, .initial_window = 10 * kMss};
    set.begin(start);
    reno.begin(start);
    const auto alike = [&] {
        return set.window() == reno.window() && set.slow_start_threshold() == reno.slow_start_threshold() &&
               set.pacing_rate() == reno.pacing_rate() && set.send_quantum() == reno.send_quantum() &&
               set.owns_recovery() == Reno::kOwnsRecovery;
    };
    AckSample sample;
    sample.mss = sample.acked = kMss;
    sample.window_limited = true;
    set.acknowledged(sample);
    reno.acknowledged(sample);
    CHECK(set.window() == 11 * kMss);
    CHECK(alike());
    const LossEvent loss{.mss = kMss, .in_flight = 11 * kMss};
    set.loss_detected(loss);
    reno.loss_detected(loss);
    CHECK(set.slow_start_threshold() == 5 * kMss);  // of 11: whole segments
    CHECK(alike());
    set.timed_out(loss);
    reno.timed_out(loss);
    CHECK(set.window() == kMss);
    CHECK(alike());
    set.undone({});
    reno.undone({});
    CHECK(set.window() == 11 * kMss);
    CHECK(alike());
    set.congestion_marked(loss);
    reno.congestion_marked(loss);
    set.set_window(40 * kMss);
    reno.set_window(40 * kMss);
    set.recovery_left({});
    reno.recovery_left({});
    CHECK(set.window() == 40 * kMss);
    CHECK(alike());
    set.restart_after_idle(10 * kMss, 1s);
    reno.restart_after_idle(10 * kMss, 1s);
    CHECK(set.window() == 10 * kMss);
    CHECK(alike());
}

TEST_CASE("each algorithm is found by Linux's name for it") {
    CHECK(congestion_algorithm("cubic") == CongestionAlgorithm::Cubic);
    CHECK(congestion_algorithm("reno") == CongestionAlgorithm::Reno);
    CHECK(congestion_algorithm("bbr") == CongestionAlgorithm::Bbr);
    CHECK(congestion_algorithm("vegas") == std::nullopt);
    CHECK(name_of(CongestionAlgorithm::Bbr) == "bbr");
}

// RFC 9293 3.8.2, MAY-18.
TEST_CASE("each algorithm of the set is the one it is called") {
    for (const auto algorithm :
         {CongestionAlgorithm::Cubic, CongestionAlgorithm::Reno, CongestionAlgorithm::Bbr}) {
        Congestion set(algorithm);
        CHECK(set.algorithm() == algorithm);
        CHECK(set.owns_recovery() == (algorithm == CongestionAlgorithm::Bbr));
        set.begin({.mss = kMss, .initial_window = 10 * kMss});
        set.loss_detected({.mss = kMss, .in_flight = 10 * kMss});
        CHECK((set.pacing_rate() > 0) == (algorithm == CongestionAlgorithm::Bbr));
        if (algorithm == CongestionAlgorithm::Cubic) CHECK(set.slow_start_threshold() == 7 * kMss);
        if (algorithm == CongestionAlgorithm::Reno) CHECK(set.slow_start_threshold() == 5 * kMss);
    }
}

TEST_CASE("Cubic fills a long fat link and comes back from each loss faster than Reno") {
    const auto delivered_by = [](CongestionAlgorithm algorithm) {
        LinkModel<Congestion> model({.rate = 5'000'000, .rtt = 100ms, .buffer = 100'000}, 3);
        auto& flow = model.add(Congestion(algorithm));
        model.run(Instant{10s});
        const std::uint64_t before = flow.delivered;
        model.run(Instant{70s});
        CHECK(flow.timeouts == 0);
        CHECK(flow.recoveries > 1);
        return flow.delivered - before;
    };
    const std::uint64_t cubic = delivered_by(CongestionAlgorithm::Cubic);
    CHECK(cubic > 60 * 5'000'000ull * 9 / 10);
    CHECK(cubic > delivered_by(CongestionAlgorithm::Reno));
}

// RFC 9406: the queue is noticed before it overflows where it can be noticed at all.
TEST_CASE("HyStart++ ends Cubic's first slow start before a deep buffer overflows") {
    LinkModel<Congestion> model({.rate = 2'500'000, .rtt = 100ms, .buffer = 2'000'000}, 4);
    auto& flow = model.add(Congestion(CongestionAlgorithm::Cubic));
    model.run(Instant{5s});
    CHECK(flow.control.slow_start_threshold() < kCongestionWindowMax);
    CHECK(flow.recoveries == 0);
    CHECK(model.drops() == 0);
    CHECK(flow.control.window() > model.bdp());
}

TEST_CASE("a shallow buffer loses several times less to HyStart++ than to slow start as it was") {
    const auto drops_of = [](CongestionAlgorithm algorithm) {
        LinkModel<Congestion> model({.rate = 2'500'000, .rtt = 100ms, .buffer = 500'000}, 5);
        auto& flow = model.add(Congestion(algorithm));
        while (flow.recoveries == 0 && model.now() < Instant{20s})
            model.run(model.now() + 10ms);
        model.run(model.now() + 500ms);
        return model.drops();
    };
    CHECK(drops_of(CongestionAlgorithm::Reno) > 2 * drops_of(CongestionAlgorithm::Cubic));
}

TEST_CASE("two Cubic connections share a link alike") {
    LinkModel<Congestion> model({.rate = 1'250'000, .rtt = 60ms, .buffer = 75'000}, 6);
    auto& first = model.add(Congestion(CongestionAlgorithm::Cubic));
    auto& second = model.add(Congestion(CongestionAlgorithm::Cubic), Instant{10s});
    const auto [a, b] = delivered_between(model, first, second, Instant{40s}, Instant{160s});
    CHECK(a + b > 120 * 1'250'000ull * 9 / 10);
    CHECK(std::max(a, b) < 2 * std::min(a, b));
}

// RFC 9438 4.3 and 5.1: where Reno does well, Cubic leaves it its share.
TEST_CASE("Cubic leaves Reno its share of a short link") {
    LinkModel<Congestion> model({.rate = 1'250'000, .rtt = 20ms, .buffer = 25'000}, 7);
    auto& cubic = model.add(Congestion(CongestionAlgorithm::Cubic));
    auto& reno = model.add(Congestion(CongestionAlgorithm::Reno));
    const auto [a, b] = delivered_between(model, cubic, reno, Instant{10s}, Instant{100s});
    CHECK(a + b > 90 * 1'250'000ull * 9 / 10);
    CHECK(3 * b > a);
}

TEST_CASE("BBR and Cubic live with each other on one link") {
    LinkModel<Congestion> model({.rate = 1'250'000, .rtt = 40ms, .buffer = 75'000}, 10);
    auto& cubic = model.add(Congestion(CongestionAlgorithm::Cubic));
    auto& bbr = model.add(Congestion(CongestionAlgorithm::Bbr));
    const auto [a, b] = delivered_between(model, cubic, bbr, Instant{10s}, Instant{100s});
    CHECK(a + b > 90 * 1'250'000ull * 9 / 10);
    CHECK(4 * b > a);
    CHECK(4 * a > b);
}

TEST_CASE("each control answers marks before anything is lost") {
    const auto algorithm = GENERATE(CongestionAlgorithm::Cubic, CongestionAlgorithm::Reno);
    LinkModel<Congestion> model({.rate = 1'250'000, .rtt = 40ms, .buffer = 400'000, .mark_above = 20'000}, 8);
    auto& flow = model.add(Congestion(algorithm));
    model.run(Instant{20s});
    CHECK(model.drops() == 0);
    CHECK(flow.recoveries > 10);
    CHECK(flow.delivered > 20 * 1'250'000ull * 85 / 100);
}

TEST_CASE("an application that sends little leaves the window where it was") {
    const auto algorithm = GENERATE(CongestionAlgorithm::Cubic, CongestionAlgorithm::Reno);
    LinkModel<Congestion> model({.rate = 12'500'000, .rtt = 40ms}, 9);
    auto& flow = model.add(Congestion(algorithm), {}, 100'000);  // 4 segments a round trip
    model.run(Instant{30s});
    CHECK(flow.delivered > 29 * 100'000);
    CHECK(flow.window_max == 10 * kMss);
}
