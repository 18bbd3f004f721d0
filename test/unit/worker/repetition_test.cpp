#include "worker/repetition.hpp"

#include <catch2/catch.hpp>

#include "worker/recorded_duo.hpp"

namespace terminus::worker {
namespace {

using namespace std::chrono_literals;
using test::Duo;
using test::Flow;
using test::LeakCheck;
using test::pattern;
using test::RecordedDuo;
using test::require_repeats;
using test::require_same_bytes;

/// Clients whose requests and responses go over a bad wire; the last one is left half way.
void talk(Duo& duo) {
    const std::string response = pattern(2, 60'000);
    duo.serve({.send = response, .send_after = 700, .finish_when_peer_finished = true});
    std::vector<Flow*> clients;
    for (std::uint64_t i = 0; i < 20; ++i)
        clients.push_back(&duo.connect({.send = pattern(100 + i, 700), .finish_when_sent = true}));
    REQUIRE(duo.run_until(60s, [&] {
        return std::all_of(clients.begin(), clients.end(),
                           [](const Flow* one) { return one->closed.has_value(); });
    }));
    duo.run(70s);  // TIME_WAIT ends, neighbours age
    (void)duo.connect({.send = pattern(3, 700)});
    duo.run(1s);
}

TEST_CASE("two workers over a bad wire send the same bytes once more") {
    const LeakCheck leaks;
    const sim::LinkSettings wire{.delay = 2ms,
                                 .loss_permille = 30,
                                 .duplicate_permille = 20,
                                 .reorder_permille = 50,
                                 .jitter = 300us,
                                 .segment_bytes = GENERATE(as<std::uint16_t>(), 0, 300),
                                 .seed = 7};
    RecordedDuo recorded(GENERATE(false, true), wire);
    recorded.begin_with_first_turn();
    talk(recorded.duo);
    const std::vector<std::uint8_t> file = recorded.file();
    const auto recording = record::Recording::parse(file);
    REQUIRE(recording.ok());
    for (const std::uint16_t worker : {0, 1}) {
        Repetition repetition(recording.value(), recorded.settings(worker));
        REQUIRE(require_same_bytes(repetition) > 200);
        REQUIRE(repetition.stats().frames_sent.value() == recorded.duo.stats(worker).frames_sent.value());
        REQUIRE(repetition.stats().leg(stats::Leg::Client).segments_received.value() ==
                recorded.duo.stats(worker).leg(stats::Leg::Client).segments_received.value());
    }
}

TEST_CASE("a device that takes little and then nothing is repeated, and so are commands") {
    const LeakCheck leaks;
    RecordedDuo recorded(false, {.delay = 50us});
    recorded.begin_with_first_turn();
    Duo& duo = recorded.duo;
    duo.warm_up();
    duo.serve({.send = pattern(3, 200'000), .finish_when_sent = true});
    for (int i = 0; i < 10; ++i)
        (void)duo.connect({});
    duo.port().set_transmit_room(5);
    duo.run(5ms);
    duo.port().set_transmit_room(0);
    duo.run(300ms);
    duo.port().set_transmit_room(sim::MemoryPort::kUnlimited);
    duo.run(5ms);
    for (const std::uint16_t worker : {0, 1}) {
        (void)duo.ask(worker, SetDraining{true});
        (void)duo.ask(worker, SetServices{duo.table(3, false)});
        (void)duo.connect({});
        duo.run(1ms);
        (void)duo.ask(worker, AbortAll{stats::CloseReason::Drain});
    }
    duo.run(1s);
    require_repeats(recorded, 50);
}

TEST_CASE("one byte that is otherwise is found in its turn, with what was sent then and now") {
    const LeakCheck leaks;
    RecordedDuo recorded(false, {.delay = 50us});
    recorded.begin_with_first_turn();
    recorded.duo.warm_up();
    std::vector<std::uint8_t> file = recorded.file();
    // The last byte of worker 0's fifth burst that was sent.
    std::uint64_t turn_number = 0, bursts = 0;
    {
        const auto recording = record::Recording::parse(file);
        record::Turns turns(recording.value(), 0);
        while (bursts < 5) {
            const record::Turn turn = *turns.next();
            ++turn_number;
            base::Bytes events = turn.events;
            while (!events.empty() && bursts < 5) {
                const record::Event event = *record::take_event(events, 0).value();
                if (event.kind() != record::EventKind::Sent || event.header.count == 0) continue;
                if (++bursts == 5)
                    file[static_cast<std::size_t>(event.body.data() + event.body.size() - file.data()) - 1] ^=
                        1;
            }
        }
    }
    const auto recording = record::Recording::parse(file);
    Repetition repetition(recording.value(), recorded.settings(0));
    while (repetition.step()) {
    }
    REQUIRE(repetition.divergence());
    const Divergence& divergence = *repetition.divergence();
    REQUIRE(divergence.turn == turn_number);
    REQUIRE(divergence.worker == 0);
    REQUIRE(divergence.port == 0);
    REQUIRE(divergence.recorded.size() == divergence.repeated.size());
    REQUIRE(divergence.recorded != divergence.repeated);
    REQUIRE_FALSE(repetition.step());
}

TEST_CASE("another seed diverges: what a repetition says is not for nothing") {
    const LeakCheck leaks;
    RecordedDuo recorded(false, {.delay = 50us});
    recorded.begin_with_first_turn();
    recorded.duo.warm_up();
    const std::vector<std::uint8_t> file = recorded.file();
    const auto recording = record::Recording::parse(file);
    Repetition::Settings settings = recorded.settings(0);
    settings.worker.stack.secrets = tcp::Secrets::from_seed(99);
    Repetition repetition(recording.value(), settings);
    while (repetition.step()) {
    }
    REQUIRE(repetition.divergence());
}

TEST_CASE("a recorder that is asked for by command begins with the next turn, and ends with one") {
    Duo duo;
    Recorder recorder(1u << 20);
    REQUIRE(std::holds_alternative<RecorderSet>(duo.ask(0, SetRecorder{&recorder})));
    REQUIRE(recorder.ring().readable()[0].empty());
    (void)duo.ask(0, SetDraining{true});
    const std::size_t one_turn = recorder.ring().readable()[0].size();
    REQUIRE(one_turn > 0);
    REQUIRE(std::holds_alternative<RecorderSet>(duo.ask(0, SetRecorder{nullptr})));
    const std::size_t two_turns = recorder.ring().readable()[0].size();
    REQUIRE(two_turns > one_turn);
    (void)duo.ask(0, SetDraining{false});
    REQUIRE(recorder.ring().readable()[0].size() == two_turns);
}

}  // namespace
}  // namespace terminus::worker
