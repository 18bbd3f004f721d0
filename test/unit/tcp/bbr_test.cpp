#include "tcp/bbr.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "link_model.hpp"
#include "tcp/reno.hpp"

using namespace terminus::tcp;
using namespace std::chrono_literals;
using terminus::base::Duration;
using terminus::base::Instant;
using BbrState = Bbr::State;

namespace {

using Model = LinkModel<Bbr>;
constexpr std::uint32_t kMss = Model::kMss;
constexpr std::uint64_t kRate = 1'250'000;  // 10 Mbit/s; with 40 ms, 50 segments

/// Runs until the flow is in `state`; false: it never was.
bool run_until(Model& model, const Model::Flow& flow, BbrState state, Duration limit = 20s) {
    const Instant end = model.now() + limit;
    while (flow.control.state() != state && model.now() < end)
        model.run(model.now() + 100us);
    return flow.control.state() == state;
}

/// The share of the link used from now on, percent.
std::uint64_t used(Model& model, const Model::Flow& flow, Duration time) {
    const std::uint64_t before = flow.delivered;
    model.run(model.now() + time);
    const auto ms = static_cast<std::uint64_t>(time / 1ms);
    return (flow.delivered - before) * 100 * 1000 / (model.link().rate * ms);
}

/// The states a flow goes through.
std::vector<BbrState> states(Model& model, const Model::Flow& flow, Duration time) {
    std::vector<BbrState> seen{flow.control.state()};
    const Instant end = model.now() + time;
    while (model.now() < end) {
        model.run(model.now() + 100us);
        if (seen.back() != flow.control.state()) seen.push_back(flow.control.state());
    }
    return seen;
}

}  // namespace

// draft-ietf-ccwg-bbr, Pacing Rate: InitPacingRate().
TEST_CASE("BBR's first rate is the initial window a round trip, times the gain of Startup") {
    Bbr bbr;
    SECTION("with the handshake's round trip") {
        bbr.begin({.mss = kMss, .initial_window = 10 * kMss, .rtt = 50ms});
        CHECK(bbr.pacing_rate() == 10 * kMss * 20 * 277 / 100);
        CHECK(bbr.min_rtt() == 50ms);
    }
    SECTION("without: a millisecond until the first is known") {
        bbr.begin({.mss = kMss, .initial_window = 10 * kMss});
        CHECK(bbr.pacing_rate() == 10 * kMss * 1000ull * 277 / 100);
        AckSample sample;
        sample.mss = kMss;
        sample.acked = sample.newly_delivered = kMss;
        sample.delivered = kMss;
        sample.rtt = 50ms;
        bbr.acknowledged(sample);
        CHECK(bbr.pacing_rate() == 10 * kMss * 20 * 277 / 100);
    }
    CHECK(bbr.state() == BbrState::Startup);
    CHECK(bbr.window() >= 10 * kMss);
    CHECK(bbr.window() <= 11 * kMss);
}

// draft-ietf-ccwg-bbr, Send Quantum: a millisecond's worth, two segments at least and 64 kB at most.
TEST_CASE("BBR lets a millisecond's worth go out at once, within bounds") {
    Bbr slow;
    slow.begin({.mss = kMss, .initial_window = 10 * kMss, .rtt = 500ms});
    CHECK(slow.send_quantum() == 2 * kMss);
    Bbr middle;
    middle.begin({.mss = kMss, .initial_window = 10 * kMss, .rtt = 2ms});
    CHECK(middle.send_quantum() == middle.pacing_rate() / 1000);
    Bbr fast;
    fast.begin({.mss = kMss, .initial_window = 10 * kMss, .rtt = 10us});
    CHECK(fast.send_quantum() == 65'536);
}

// draft-ietf-ccwg-bbr, BBR Example Test Cases: Exiting STARTUP on Bandwidth Plateau, Exiting DRAIN Based on
// Inflight.
TEST_CASE("BBR finds the link's rate, leaves Startup at its plateau, drains the queue and probes on") {
    Model model({.rate = kRate, .rtt = 40ms, .buffer = 500'000}, 1);
    auto& flow = model.add({});
    REQUIRE(run_until(model, flow, BbrState::Drain, 2s));
    CHECK(flow.control.max_bandwidth() > kRate * 98 / 100);
    CHECK(flow.control.max_bandwidth() < kRate * 102 / 100);
    CHECK(flow.control.window() <= 3 * model.bdp());
    CHECK(model.drops() == 0);
    REQUIRE(run_until(model, flow, BbrState::Cruise, 500ms));
    CHECK(flow.in_flight <= model.bdp() * 110 / 100);
    CHECK(flow.control.min_rtt() < 43ms);
    CHECK(states(model, flow, 3s) ==
          std::vector{BbrState::Cruise, BbrState::Refill, BbrState::Up, BbrState::Down, BbrState::Cruise});
}

TEST_CASE("BBR fills a link and keeps its queue short") {
    Model model({.rate = kRate, .rtt = 40ms, .buffer = 500'000}, 2);
    auto& flow = model.add({});
    model.run(Instant{4s});
    (void)model.take_queue_max();
    CHECK(used(model, flow, 20s) >= 93);
    CHECK(model.take_queue_max() < model.bdp());
    CHECK(model.drops() == 0);
}

// draft-ietf-ccwg-bbr, Entering and Exiting PROBE_RTT.
TEST_CASE("BBR drains the pipe for 200 ms when it saw no shorter round trip for five seconds") {
    Model model({.rate = kRate, .rtt = 40ms, .buffer = 500'000}, 3);
    auto& flow = model.add({});
    std::vector<Instant> entered;
    Duration longest{0};
    while (model.now() < Instant{30s}) {
        if (!run_until(model, flow, BbrState::ProbeRtt, 30s)) break;
        entered.push_back(model.now());
        while (flow.control.state() == BbrState::ProbeRtt) {
            CHECK(flow.control.window() <= std::max<std::uint64_t>(model.bdp() * 52 / 100, 4 * kMss));
            model.run(model.now() + 1ms);
        }
        CHECK(flow.control.state() == BbrState::Cruise);
        longest = std::max(longest, model.now() - entered.back());
        CHECK(model.now() - entered.back() >= 200ms);
    }
    REQUIRE(entered.size() >= 3);
    CHECK(entered.size() <= 6);
    for (std::size_t i = 1; i < entered.size(); ++i)
        CHECK(entered[i] - entered[i - 1] >= 5s);
    CHECK(longest < 400ms);
    CHECK(flow.control.min_rtt() < 42ms);
}

// Random loss, which says nothing of congestion. Between probes the short-term model follows what arrives, so
// a share lost each round is a share less each round (draft-ietf-ccwg-bbr, Design Considerations for Choosing
// Constant Parameters): the draft means to bear one in a hundred.
TEST_CASE(
    "BBR keeps most of a link that loses one packet in a hundred at random, and beyond more than others") {
    const auto [per_million, least] = GENERATE(table<std::uint32_t, std::uint64_t>(
        {{1'000, 90}, {10'000, 80}, {20'000, 55}, {50'000, 25}, {100'000, 8}}));
    const Model::Link link{.rate = kRate, .rtt = 40ms, .buffer = 500'000, .loss_per_million = per_million};
    Model model(link, 4);
    auto& flow = model.add({});
    model.run(Instant{3s});
    const std::uint64_t share = used(model, flow, 60s);
    LinkModel<Reno> other({link.rate, link.rtt, link.buffer, link.loss_per_million}, 4);
    auto& reno = other.add({});
    other.run(Instant{63s});
    const std::uint64_t share_of_reno = reno.delivered * 100 / (63 * kRate);
    CAPTURE(per_million, share, share_of_reno);
    CHECK(share >= least);
    CHECK(share > share_of_reno);
}

TEST_CASE("BBR does well where a buffer is too small for others") {
    Model model({.rate = kRate, .rtt = 40ms, .buffer = 10'000}, 5);
    auto& flow = model.add({});
    model.run(Instant{3s});
    const std::uint64_t sent = flow.sent;
    const std::uint64_t drops = model.drops();
    CHECK(used(model, flow, 30s) >= 80);
    CHECK((model.drops() - drops) * kMss * 100 < (flow.sent - sent) * 5);
}

// draft-ietf-ccwg-bbr, BBR.max_bw and Application-limited Delivery Rate Samples.
TEST_CASE(
    "an application that sends little neither raises BBR's window nor lowers what it knows of the path") {
    Model model({.rate = kRate, .rtt = 40ms, .buffer = 500'000}, 6);
    SECTION("from the beginning") {
        auto& flow = model.add({}, {}, 100'000);  // 4 segments a round trip
        model.run(Instant{30s});
        CHECK(flow.delivered > 29 * 100'000);
        CHECK(flow.window_max <= 24 * kMss);
    }
    SECTION("after a time of plenty") {
        auto& flow = model.add({});
        model.run(Instant{4s});
        flow.app_rate = 100'000;
        flow.start = model.now() - std::chrono::seconds((flow.sent - flow.lost) / flow.app_rate);
        const std::uint32_t window = flow.control.window();
        model.run(Instant{14s});
        CHECK(flow.control.max_bandwidth() > kRate * 95 / 100);
        CHECK(flow.control.window() <= window * 5 / 4 + 2 * kMss);
    }
}

// draft-ietf-ccwg-bbr, Increasing Bandwidth 10x and Ensuring Full Bandwidth is Reached.
TEST_CASE("BBR finds ten times the rate within seconds") {
    Model model({.rate = kRate, .rtt = 40ms, .buffer = 1'000'000}, 7);
    auto& flow = model.add({});
    model.run(Instant{5s});
    model.link().rate = 10 * kRate;
    model.run(Instant{20s});
    CHECK(flow.control.max_bandwidth() > 9 * kRate);
    CHECK(used(model, flow, 10s) >= 85);
}

// draft-ietf-ccwg-bbr, Decreasing Bandwidth 10x and Ensuring Max Bandwidth Adapts Down.
TEST_CASE("BBR comes down to a tenth of the rate") {
    Model model({.rate = 10 * kRate, .rtt = 40ms, .buffer = 200'000}, 8);
    auto& flow = model.add({});
    model.run(Instant{5s});
    model.link().rate = kRate;
    model.run(Instant{25s});
    CHECK(flow.control.max_bandwidth() < kRate * 13 / 10);
    CHECK(used(model, flow, 10s) >= 85);
}

// draft-ietf-ccwg-bbr, Correctly Managing Sub-Packet BDPs.
TEST_CASE("BBR keeps four segments in flight where the path holds less than one") {
    Model model({.rate = 50'000, .rtt = 2ms, .buffer = 100'000}, 9);
    auto& flow = model.add({});
    model.run(Instant{5s});
    CHECK(flow.control.window() >= 4 * kMss);
    CHECK(flow.control.window() <= 10 * kMss);
    CHECK(used(model, flow, 20s) >= 90);
}

// draft-ietf-ccwg-bbr, Handling Spurious Fast Recovery, Handling Spurious RTO Recovery.
TEST_CASE("an undone loss gives BBR its window, its model and its state back") {
    Model model({.rate = kRate, .rtt = 40ms, .buffer = 500'000}, 10);
    auto& flow = model.add({});
    REQUIRE(run_until(model, flow, BbrState::Cruise, 5s));
    Bbr bbr = flow.control;
    const std::uint32_t window = bbr.window();
    const LossEvent loss{.now = model.now(),
                         .mss = kMss,
                         .in_flight = flow.in_flight,
                         .delivered = flow.delivered,
                         .newly_lost = kMss};
    SECTION("after a time-out") {
        bbr.timed_out(loss);
        CHECK(bbr.window() == kMss);
        bbr.undone(model.now());
        CHECK(bbr.window() == window);
    }
    SECTION("after rounds of losses") {
        bbr.loss_detected(loss);
        AckSample sample;
        sample.mss = kMss;
        sample.acked = sample.newly_delivered = kMss;
        sample.delivered = sample.prior_delivered = flow.delivered;
        sample.delivery_rate = kRate / 2;
        sample.sample_delivered = 10 * kMss;
        sample.newly_lost = sample.sample_lost = 10 * kMss;
        sample.tx_in_flight = 50 * kMss;
        for (int i = 0; i < 5; ++i) {
            sample.now = model.now() + 40ms * i;
            sample.prior_delivered = sample.delivered;
            sample.delivered += 10 * kMss;
            bbr.acknowledged(sample);
        }
        CHECK(bbr.window() < window * 3 / 4);
        CHECK(bbr.pacing_rate() < kRate * 3 / 4);
        bbr.undone(model.now() + 200ms);
        CHECK(bbr.window() == window);
        sample.newly_lost = sample.sample_lost = 0;
        sample.delivery_rate = kRate;
        sample.prior_delivered = sample.delivered;
        sample.delivered += kMss;
        bbr.acknowledged(sample);
        CHECK(bbr.pacing_rate() > kRate * 85 / 100);
    }
    SECTION("once") {
        bbr.timed_out(loss);
        bbr.undone(model.now());
        bbr.set_window(5 * kMss);
        bbr.undone(model.now());
        CHECK(bbr.window() == 5 * kMss);
    }
}

// draft-ietf-ccwg-bbr, Handling Loss During PROBE_UP After inflight_longterm is Set.
TEST_CASE("a probe that loses too much ends, and when that was a mistake BBR probes again") {
    Model model({.rate = kRate, .rtt = 40ms, .buffer = 500'000}, 11);
    auto& flow = model.add({});
    REQUIRE(run_until(model, flow, BbrState::Up, 10s));
    model.run(model.now() + 45ms);  // its first feedback is in
    Bbr bbr = flow.control;
    REQUIRE(bbr.state() == BbrState::Up);
    bbr.loss_detected({.now = model.now(),
                       .mss = kMss,
                       .in_flight = flow.in_flight,
                       .delivered = flow.delivered,
                       .newly_lost = 5 * kMss});
    AckSample sample;
    sample.now = model.now();
    sample.mss = kMss;
    sample.acked = sample.newly_delivered = kMss;
    sample.delivered = flow.delivered + kMss;
    sample.prior_delivered = flow.delivered - 40 * kMss;
    sample.delivery_rate = kRate;
    sample.sample_delivered = 41 * kMss;
    sample.tx_in_flight = sample.in_flight = 60 * kMss;
    sample.newly_lost = sample.sample_lost = kMss;
    SECTION("up to two in a hundred it doesn't") {
        bbr.acknowledged(sample);
        CHECK(bbr.state() == BbrState::Up);
    }
    SECTION("beyond it does") {
        sample.newly_lost = sample.sample_lost = 2 * kMss;
        bbr.acknowledged(sample);
        CHECK(bbr.state() == BbrState::Down);
        CHECK(bbr.window() <= 60 * kMss);  // what was in flight then is the limit from now on
        bbr.undone(model.now());
        CHECK(bbr.state() == BbrState::Refill);
    }
}

// RFC 3168 6.1.2.
TEST_CASE("marks end BBR's Startup and keep its queue where they begin") {
    Model model({.rate = kRate, .rtt = 40ms, .buffer = 500'000, .mark_above = 20'000}, 12);
    auto& flow = model.add({});
    model.run(Instant{4s});
    CHECK(flow.control.state() != BbrState::Startup);
    (void)model.take_queue_max();
    CHECK(used(model, flow, 20s) >= 80);
    CHECK(model.take_queue_max() < 40'000);
    CHECK(model.drops() == 0);
}

// draft-ietf-ccwg-bbr, Restarting From Idle; Skipping PROBE_RTT Due to Application-Limited Sending.
TEST_CASE("after an idle time BBR goes on at its rate and doesn't probe the round trip") {
    Model model({.rate = kRate, .rtt = 40ms, .buffer = 500'000}, 13);
    auto& flow = model.add({});
    REQUIRE(run_until(model, flow, BbrState::Cruise, 5s));
    const std::uint32_t window = flow.control.window();
    flow.app_rate = 1;  // nothing more for now
    model.run(model.now() + 8s);
    CHECK(flow.in_flight == 0);
    flow.control.restart_after_idle(10 * kMss, 7s);
    CHECK(flow.control.window() == window);
    CHECK(flow.control.pacing_rate() > kRate * 90 / 100);
    CHECK(flow.control.pacing_rate() < kRate * 102 / 100);
    flow.app_rate = 0;
    const auto seen = states(model, flow, 1s);
    CHECK(std::count(seen.begin(), seen.end(), BbrState::ProbeRtt) == 0);
    CHECK(used(model, flow, 3s) >= 90);
}

TEST_CASE("two BBR connections share a link alike") {
    Model model({.rate = kRate, .rtt = 40ms, .buffer = 100'000}, 14);
    auto& first = model.add({});
    auto& second = model.add({}, Instant{5s});
    const auto [a, b] = delivered_between(model, first, second, Instant{30s}, Instant{90s});
    CHECK(a + b > 60 * kRate * 88 / 100);
    CHECK(std::max(a, b) < 2 * std::min(a, b));
}

// HARDENING 24: BBR's rate comes from what arrives in a time; claims beyond what was sent never reach a
// control.
TEST_CASE("an ACK cut into many and duplicates gain nothing from BBR") {
    Model model({.rate = kRate, .rtt = 40ms, .buffer = 500'000}, 15);
    auto& flow = model.add({});
    REQUIRE(run_until(model, flow, BbrState::Cruise, 5s));
    Bbr whole = flow.control;
    Bbr cut = flow.control;
    AckSample sample;
    sample.now = model.now();
    sample.mss = kMss;
    sample.delivered = flow.delivered;
    sample.prior_delivered = flow.delivered - 40 * kMss;
    sample.delivery_rate = kRate;
    sample.sample_delivered = 40 * kMss;
    sample.tx_in_flight = sample.in_flight = 40 * kMss;
    AckSample one = sample;
    one.acked = one.newly_delivered = kMss;
    one.delivered += kMss;
    whole.acknowledged(one);
    for (std::uint32_t byte = 0; byte < kMss; ++byte) {
        sample.acked = sample.newly_delivered = 1;
        sample.delivered += 1;
        cut.acknowledged(sample);
    }
    CHECK(cut.window() <= whole.window());
    CHECK(cut.pacing_rate() == whole.pacing_rate());
    AckSample duplicate = sample;
    duplicate.acked = duplicate.newly_delivered = 0;
    duplicate.delivery_rate = 0;
    const std::uint32_t window = cut.window();
    for (int i = 0; i < 1000; ++i)
        cut.acknowledged(duplicate);
    CHECK(cut.window() <= window);
    CHECK(cut.pacing_rate() == whole.pacing_rate());
}

TEST_CASE("BBR's arithmetic holds at the ends of its ranges") {
    Bbr bbr;
    bbr.begin({.mss = 65'535, .initial_window = kCongestionWindowMax, .rtt = 1ns, .random = UINT64_MAX});
    AckSample sample;
    sample.mss = 65'535;
    sample.window_limited = true;
    for (int i = 0; i < 2000; ++i) {
        sample.now += i % 7 == 0 ? Duration(1h) : Duration(1);
        sample.acked = sample.newly_delivered = sample.sample_delivered = UINT32_MAX;
        sample.prior_delivered = sample.delivered;
        sample.delivered += UINT32_MAX;
        sample.delivery_rate = UINT64_MAX;
        sample.rtt = i % 2 == 0 ? Duration(24h) : Duration(0);
        sample.in_flight = sample.tx_in_flight = UINT32_MAX;
        sample.newly_lost = sample.sample_lost = i % 5 == 0 ? UINT32_MAX : 0;
        bbr.acknowledged(sample);
        REQUIRE(bbr.window() <= kCongestionWindowMax);
        REQUIRE(bbr.window() >= 65'535);
        REQUIRE(bbr.pacing_rate() > 0);
    }
}
