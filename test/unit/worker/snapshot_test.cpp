#include <catch2/catch.hpp>

#include "support/archived.hpp"
#include "worker/recorded_duo.hpp"
#include "worker/stranger.hpp"

namespace terminus::worker {
namespace {

using namespace std::chrono_literals;
using terminus::test::reseal;
using test::Duo;
using test::Flow;
using test::LeakCheck;
using test::pattern;
using test::RecordedDuo;
using test::require_repeats;
using test::Stranger;

template <typename Command>
void tell_both(Duo& duo, const Command& command) {
    for (const std::uint16_t worker : {0, 1})
        (void)duo.ask(worker, command);
}

/// A worker that is as new, made of what worker `index` of the Duo was made of.
class Successor {
 public:
    Successor(RecordedDuo& recorded, std::uint16_t index)
        : group_(2),
          mesh_(2),
          port_({.mac = {{2, 0, 0, 0, 0, 1}}, .capabilities = sim::MemoryPort::able()}),
          worker_(recorded.duo.worker_settings(index), {&port_}, group_.mailbox(index), mesh_,
                  recorded.table(), Duo::kStart) {}

    [[nodiscard]] std::string fault_of(base::Bytes snapshot) {
        const auto restored = worker_.restore(snapshot);
        return restored.ok() ? "" : restored.error();
    }
    [[nodiscard]] worker::Worker& worker() { return worker_; }

 private:
    Group group_;
    Mesh mesh_;
    sim::MemoryPort port_;
    worker::Worker worker_;
};

/// What was restored is what was saved, to the byte.
void require_same_state(RecordedDuo& recorded) {
    for (const std::uint16_t index : {0, 1}) {
        const std::vector<std::uint8_t> saved = recorded.duo.worker(index).save();
        Successor successor(recorded, index);
        REQUIRE(successor.fault_of(saved).empty());
        REQUIRE(successor.worker().save() == saved);
        REQUIRE(successor.worker().stack().armed_timers() ==
                recorded.duo.worker(index).stack().armed_timers());
    }
}

std::vector<Flow*> begin_talk(Duo& duo, int clients) {
    duo.serve({.send = pattern(2, 60'000), .send_after = 700, .finish_when_peer_finished = true});
    std::vector<Flow*> flows;
    for (int i = 0; i < clients; ++i)
        flows.push_back(&duo.connect(
            {.send = pattern(100 + static_cast<std::uint64_t>(i), 700), .finish_when_sent = true}));
    return flows;
}

/// To the end, TIME_WAIT and the age of neighbours included; the last client is left half way.
void end_talk(Duo& duo, const std::vector<Flow*>& flows) {
    REQUIRE(duo.run_until(60s, [&] {
        return std::all_of(flows.begin(), flows.end(),
                           [](const Flow* one) { return one->closed.has_value(); });
    }));
    duo.run(70s);
    (void)duo.connect({.send = pattern(3, 700)});
    duo.run(1s);
}

sim::LinkSettings bad_wire(std::uint16_t segment_bytes, std::uint64_t seed) {
    return {.delay = 2ms,
            .bits_per_second = 10'000'000,
            .loss_permille = 30,
            .duplicate_permille = 20,
            .reorder_permille = 50,
            .jitter = 300us,
            .segment_bytes = segment_bytes,
            .seed = seed};
}

TEST_CASE("a recording that begins in the middle of conversations over a bad wire is repeated to the byte") {
    const LeakCheck leaks;
    const base::Duration after = GENERATE(as<base::Duration>(), 1us, 5ms, 14ms, 40ms, 250ms, 20s);
    const bool is_v6 = GENERATE(false, true);
    RecordedDuo recorded(is_v6, bad_wire(is_v6 ? 300 : 0, 7));
    const std::vector<Flow*> flows = begin_talk(recorded.duo, 12);
    recorded.duo.run(after);
    require_same_state(recorded);
    recorded.begin();
    end_talk(recorded.duo, flows);
    require_repeats(recorded, 0);
}

TEST_CASE("a recording may begin at any of a conversation's turns, whatever the wire does") {
    const LeakCheck leaks;
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        CAPTURE(seed);
        base::Rng rng(seed);
        RecordedDuo recorded(seed % 2 == 0, bad_wire(seed % 3 == 0 ? 200 : 0, seed));
        const std::vector<Flow*> flows = begin_talk(recorded.duo, 4);
        recorded.duo.run(base::Duration(rng.below(500'000'000)));
        require_same_state(recorded);
        recorded.begin();
        end_talk(recorded.duo, flows);
        require_repeats(recorded, 5);
    }
}

TEST_CASE("half-opens, fragments, frames that wait for a next hop, and windows that are closed are kept") {
    const LeakCheck leaks;
    RecordedDuo recorded(false, {.delay = 2ms});
    Duo& duo = recorded.duo;
    duo.warm_up();
    duo.serve({.send = pattern(3, 400'000), .finish_when_sent = true});
    Flow& reader = duo.connect({});
    for (int i = 0; i < 3; ++i)
        (void)duo.connect({.reads = false});  // the windows close behind them
    duo.run(400ms);
    for (int i = 0; i < 10; ++i)
        (void)duo.connect({});
    duo.run(3ms);
    REQUIRE(duo.stats(0).half_open.value() > 0);
    REQUIRE(duo.stats(1).half_open.value() > 0);
    Stranger stranger(duo);
    stranger.syn(999);  // nobody says where the SYN-ACK is to go
    stranger.syn_fragment(1000, true);
    duo.run(50us);
    // In the ring of a device that takes nothing.
    duo.port().set_transmit_room(0);
    duo.run(2ms);
    require_same_state(recorded);
    recorded.begin();
    duo.port().set_transmit_room(sim::MemoryPort::kUnlimited);
    stranger.syn_fragment(1000, false);
    duo.run(500ms);
    REQUIRE(duo.stats(0).datagrams_reassembled.value() + duo.stats(1).datagrams_reassembled.value() == 1);
    duo.run(5s);
    for (Flow& flow : duo.flows()) {
        if (flow.script.reads) continue;
        flow.script.reads = true;
        duo.act(flow);
    }
    duo.run(130s);
    REQUIRE(reader.received.size() == 400'000);
    require_repeats(recorded, 100);
}

TEST_CASE("what commands have set is kept: tunables, another table, draining") {
    const LeakCheck leaks;
    RecordedDuo recorded(true, bad_wire(0, 3));
    Duo& duo = recorded.duo;
    const std::vector<Flow*> flows = begin_talk(duo, 6);
    duo.run(30ms);
    tcp::Tunables tunables;
    tunables.congestion_control = GENERATE(tcp::CongestionAlgorithm::Bbr, tcp::CongestionAlgorithm::Reno);
    tunables.hop_limit = 9;
    tunables.fastopen = 3;
    tunables.time_wait = 5s;
    tell_both(duo, SetTunables{.tunables = tunables, .revision = 1});
    recorded.set_table(duo.table(2, true));
    for (int i = 0; i < 6; ++i)
        (void)duo.connect({.send = pattern(9, 700), .finish_when_sent = true});
    duo.run(60ms);
    tell_both(duo, SetDraining{true});
    require_same_state(recorded);
    recorded.begin();
    (void)duo.connect({});  // refused
    end_talk(duo, flows);
    require_repeats(recorded, 50);
}

TEST_CASE("how much of each limit is used up is kept, and that cookies are on the way") {
    const LeakCheck leaks;
    RecordedDuo recorded(false, {.delay = 2ms});
    Duo& duo = recorded.duo;
    duo.warm_up();
    tcp::Tunables tunables;
    tunables.fastopen = tcp::kFastOpenServer | tcp::kFastOpenServerWithoutCookie;
    tunables.max_fastopen = 1;
    const auto set = [&] { tell_both(duo, SetTunables{.tunables = tunables, .revision = 1}); };
    set();
    Stranger stranger(duo);
    stranger.introduce();
    for (std::uint16_t port = 1; port <= 6; ++port)
        stranger.syn(port, 10);
    for (std::uint16_t port = 1000; port < 1600; ++port)
        stranger.stray_ack(port);
    for (int i = 0; i < 60; ++i)
        stranger.ping();
    duo.run(100us);
    tunables.syncookies = static_cast<std::uint8_t>(tcp::SynCookies::Always);
    set();
    duo.serve({.send = pattern(3, 2000), .finish_when_sent = true});
    for (int i = 0; i < 8; ++i)
        (void)duo.connect({});
    duo.run(3ms);
    tunables.syncookies = 0;
    set();
    for (const std::uint16_t worker : {0, 1}) {
        REQUIRE(duo.stats(worker).resets_sent_without_connection.value() == 250);
        REQUIRE(duo.stats(worker).fast_opens_accepted.value() == 1);
        REQUIRE(duo.stats(worker).syn_cookies_sent.value() > 0);
    }
    require_same_state(recorded);
    recorded.begin();
    for (std::uint16_t port = 7; port <= 12; ++port)
        stranger.syn(port, 10);
    for (std::uint16_t port = 2000; port < 2050; ++port)
        stranger.stray_ack(port);
    for (int i = 0; i < 60; ++i)
        stranger.ping();
    duo.run(2s);
    REQUIRE(duo.stats(0).syn_cookies_accepted.value() + duo.stats(1).syn_cookies_accepted.value() == 8);
    require_repeats(recorded, 30);
}

TEST_CASE("half-opens of a service that is gone are still looked for") {
    const LeakCheck leaks;
    RecordedDuo recorded(false, {.delay = 2ms});
    Duo& duo = recorded.duo;
    Stranger stranger(duo);
    stranger.introduce();
    for (std::uint16_t port = 1; port <= 800; ++port)
        stranger.syn(port);
    duo.run(200us);
    recorded.set_table(duo.table(3, false));
    REQUIRE(duo.stats(1).half_open.value() > 0);  // a turn resets kTimerBudget of them
    require_same_state(recorded);
    recorded.begin();
    duo.run(1ms);
    REQUIRE(duo.stats(1).half_open.value() == 0);
    require_repeats(recorded, 50);
}

TEST_CASE("a worker that is asked for a recording gives its snapshot with the reply") {
    RecordedDuo recorded(false, {.delay = 50us});
    recorded.duo.warm_up();
    Recorder recorder(1u << 20);
    const Reply with = recorded.duo.ask(0, SetRecorder{&recorder});
    Successor successor(recorded, 0);
    REQUIRE(successor.fault_of(std::get<RecorderSet>(with).snapshot).empty());
    const Reply without = recorded.duo.ask(0, SetRecorder{nullptr});
    REQUIRE(std::get<RecorderSet>(without).snapshot.empty());
}

TEST_CASE("a snapshot counts what it holds into the gauges, so that they come down to nothing") {
    const LeakCheck leaks;
    RecordedDuo recorded(false, bad_wire(0, 5));
    const std::vector<Flow*> flows = begin_talk(recorded.duo, 12);
    recorded.duo.run(40ms);
    recorded.begin();
    REQUIRE(recorded.duo.live(0) > 0);
    end_talk(recorded.duo, flows);
    const std::vector<std::uint8_t> file = recorded.file();
    const auto recording = record::Recording::parse(file);
    for (const std::uint16_t worker : {0, 1}) {
        Repetition repetition(recording.value(), recorded.settings(worker));
        while (repetition.step()) {
        }
        for (const stats::Leg leg : {stats::Leg::Client, stats::Leg::Backend}) {
            for (std::size_t state = 0; state < stats::kTcpStates; ++state) {
                REQUIRE(repetition.stats().leg(leg).connections[state].value() ==
                        recorded.duo.stats(worker).leg(leg).connections[state].value());
            }
        }
        REQUIRE(repetition.stats().out_of_order_buffers.value() ==
                recorded.duo.stats(worker).out_of_order_buffers.value());
        REQUIRE(repetition.stats().time_wait.value() == recorded.duo.stats(worker).time_wait.value());
    }
}

/// A worker amid everything, and what it saved.
struct Saved {
    Saved() : recorded(false, bad_wire(0, 5)) {
        (void)begin_talk(recorded.duo, 12);
        recorded.duo.run(40ms);
        bytes = recorded.duo.worker(0).save();
    }
    [[nodiscard]] std::string fault_of(base::Bytes snapshot) {
        Successor successor(recorded, 0);
        return successor.fault_of(snapshot);
    }
    RecordedDuo recorded;
    std::vector<std::uint8_t> bytes;
};

TEST_CASE("a snapshot that is cut or damaged is refused") {
    const LeakCheck leaks;
    Saved saved;
    REQUIRE(saved.fault_of(saved.bytes).empty());
    for (std::size_t length = 0; length < saved.bytes.size(); length += 1 + saved.bytes.size() / 15)
        CHECK(saved.fault_of(base::Bytes(saved.bytes).first(length)) == base::ArchiveReader::kCut);
    for (std::size_t at = 0; at < saved.bytes.size(); at += 1 + saved.bytes.size() / 15) {
        saved.bytes[at] ^= 4;
        CHECK_FALSE(saved.fault_of(saved.bytes).empty());
        saved.bytes[at] ^= 4;
    }
}

TEST_CASE("a snapshot that is cut and sealed anew is refused, and what was read of it is given back") {
    const LeakCheck leaks;
    Saved saved;
    const std::size_t header = sizeof(base::ArchiveHeader);
    for (std::size_t length = header; length < saved.bytes.size(); length += 1 + saved.bytes.size() / 25) {
        std::vector<std::uint8_t> cut(saved.bytes.begin(),
                                      saved.bytes.begin() + static_cast<std::ptrdiff_t>(length));
        reseal(cut);
        CHECK(saved.fault_of(cut) == base::ArchiveReader::kDamaged);
    }
    std::vector<std::uint8_t> longer = saved.bytes;
    longer.push_back(0);
    reseal(longer);
    CHECK(saved.fault_of(longer) == base::ArchiveReader::kDamaged);
}

TEST_CASE("a snapshot of another worker, or of other settings, is refused in words") {
    const LeakCheck leaks;
    Saved saved;
    Successor other(saved.recorded, 1);
    CHECK(other.fault_of(saved.bytes) == base::ArchiveReader::kOtherSettings);
    saved.recorded.set_table(saved.recorded.duo.table(2, true));
    CHECK(saved.fault_of(saved.bytes) == base::ArchiveReader::kOtherSettings);
}

}  // namespace
}  // namespace terminus::worker
