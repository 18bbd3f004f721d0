#include "load/probe_side.hpp"

#include <catch2/catch.hpp>

#include "load/reflector.hpp"
#include "load/rig.hpp"

namespace terminus::load {
namespace {

using namespace std::chrono_literals;

/// A reflector with a side's interface.
class Mirror {
 public:
    explicit Mirror(const SideSettings& settings) : reflector_(settings) {}
    void receive(packet::Batch& frames, base::Instant) { reflector_.receive(frames, back_); }
    void run(base::Instant now, packet::Batch& out) {
        for (std::uint16_t i = 0; i < back_.size(); ++i)
            out.push_back(back_.take(i));
        back_.clear();
        reflector_.run(now, out);
    }

 private:
    Reflector reflector_;
    packet::Batch back_;
};

using ProbePair = Rig<ProbeSide, Mirror>;

ProbeSettings probe_settings(bool is_v4) {
    ProbeSettings settings;
    settings.side = client_settings(is_v4).side;
    settings.text_bytes = 100;
    settings.concurrency = 10;
    return settings;
}

TEST_CASE("probes come back from a reflector, their text and checksums as they were") {
    const bool is_v4 = GENERATE(true, false);
    const std::uint64_t rate = GENERATE(0, 10'000);
    ProbeSettings settings = probe_settings(is_v4);
    settings.rate = rate;
    SideSettings mirror = backend_settings(is_v4).side;
    ProbePair pair(settings, mirror);
    pair.run(50ms);
    pair.client.stop();
    REQUIRE(pair.run_until(1s, [&] { return pair.client.is_done(); }));
    const Numbers& numbers = pair.client.numbers();
    CHECK(failures(numbers) == 0);
    CHECK(numbers.responses == numbers.frames_sent);
    CHECK(numbers.text_received == 100 * numbers.responses);
    if (rate == 0) {
        CHECK(numbers.responses > 2200);
        CHECK(numbers.responses <= 2500);
    } else {
        CHECK(numbers.responses >= 490);
        CHECK(numbers.responses <= 500);
    }
    CHECK(pair.client.response_latency().min() >= 200'000);
}

TEST_CASE("probes that are lost are counted when their time is out, and others go on") {
    ProbeSettings settings = probe_settings(true);
    settings.side.resend_after = 10ms;
    ProbePair pair(settings, backend_settings(true).side, {.loss_permille = 10});
    pair.run(100ms);
    const Numbers& numbers = pair.client.numbers();
    CHECK(numbers.failed(Failure::ResponseTimeout) > 5);
    CHECK(failures(numbers) == numbers.failed(Failure::ResponseTimeout));
    CHECK(numbers.responses > 1000);
}

TEST_CASE("a number of probes is exactly that many, lost ones among them") {
    ProbeSettings settings = probe_settings(true);
    settings.side.resend_after = 10ms;
    settings.count = 500;
    ProbePair pair(settings, backend_settings(true).side, {.loss_permille = 10});
    REQUIRE(pair.run_until(1s, [&] { return pair.client.has_done_all(); }));
    const Numbers& numbers = pair.client.numbers();
    CHECK(numbers.frames_sent == 500);
    CHECK(numbers.responses + numbers.failed(Failure::ResponseTimeout) == 500);
    CHECK(numbers.failed(Failure::ResponseTimeout) > 0);
}

}  // namespace
}  // namespace terminus::load
