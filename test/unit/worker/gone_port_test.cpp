#include "worker/gone_port.hpp"

#include <catch2/catch.hpp>

#include "worker/recorded_duo.hpp"

namespace terminus::worker {
namespace {

using namespace std::chrono_literals;
using stats::DropReason;
using test::Duo;
using test::Flow;
using test::LeakCheck;
using test::pattern;
using test::RecordedDuo;
using test::require_repeats;

std::uint64_t gone(Duo& duo, std::uint16_t worker) {
    return duo.stats(worker).drops[DropReason::PortGone].value();
}

/// Long responses on their way to clients of both workers.
void begin_transfers(Duo& duo) {
    duo.warm_up();
    duo.serve({.send = pattern(3, 400'000), .finish_when_sent = true});
    std::vector<Flow*> clients;
    for (int i = 0; i < 8; ++i)
        clients.push_back(&duo.connect({}));
    REQUIRE(duo.run_until(1s, [&] {
        return std::all_of(clients.begin(), clients.end(),
                           [](const Flow* client) { return client->received.size() > 10'000; });
    }));
}

std::size_t received_by_clients(Duo& duo) {
    std::size_t bytes = 0;
    for (const Flow& flow : duo.flows())
        bytes += flow.received.size();
    return bytes;
}

void give_up(Duo& duo, std::uint16_t worker) {
    REQUIRE(std::holds_alternative<PortGivenUp>(duo.ask(worker, GivePortUp{0})));
}

TEST_CASE("a port that is gone can do what it could, receives nothing and frees and counts what is sent") {
    const LeakCheck leaks;
    sim::MemoryPort device(
        {.mac = {{2, 0, 0, 0, 0, 7}}, .capabilities = sim::MemoryPort::able(), .mtu = 9000});
    stats::Counter lost;
    GonePort port(device, lost);
    REQUIRE(port.mac() == device.mac());
    REQUIRE(port.mtu() == 9000);
    REQUIRE(port.capabilities().tx_tcp_checksum);
    REQUIRE(device.link_is_up());
    REQUIRE_FALSE(port.link_is_up());
    packet::Batch frames;
    port.receive(frames);
    REQUIRE(frames.empty());
    const std::uint8_t bytes[60] = {};
    for (int i = 0; i < 3; ++i)
        frames.push_back(terminus::test::make_buffer(bytes));
    port.transmit(frames);
    REQUIRE(frames.empty());
    REQUIRE(lost.value() == 3);
}

TEST_CASE("what waits for a port that is given up, and what others relay to it, is counted and freed") {
    const LeakCheck leaks;
    Duo duo;
    begin_transfers(duo);
    duo.port().set_transmit_room(0);
    duo.run(20ms);  // batches fill, and so does the ring
    REQUIRE(gone(duo, 0) == 0);
    give_up(duo, 0);
    REQUIRE(gone(duo, 0) > 0);
    // Worker 1, which hears of it later, still relays: with nothing of worker 0's own it is all that is lost.
    (void)duo.ask(0, AbortAll{stats::CloseReason::Drain});
    duo.run(20ms);
    const std::uint64_t lost = gone(duo, 0);
    const std::uint64_t sent = duo.stats(1).frames_sent.value();
    duo.run(5s);
    REQUIRE(duo.stats(1).frames_sent.value() > sent);
    REQUIRE(gone(duo, 0) - lost >= duo.stats(1).frames_sent.value() - sent);
    REQUIRE(gone(duo, 1) == 0);
    give_up(duo, 1);
    duo.run(5s);
    REQUIRE(gone(duo, 1) > 0);
    // Nobody touches the device: what arrives stays there, and with room to send nothing goes out.
    duo.port().set_transmit_room(sim::MemoryPort::kUnlimited);
    const std::uint64_t received = duo.stats(0).frames_received.value();
    const std::size_t waiting = duo.port().waiting_to_receive();
    const std::size_t delivered = received_by_clients(duo);
    const std::uint8_t bytes[60] = {};
    duo.port().arrive(terminus::test::make_buffer(bytes));
    duo.run(5s);
    REQUIRE(duo.port().waiting_to_receive() > waiting);
    REQUIRE(duo.stats(0).frames_received.value() == received);
    REQUIRE(received_by_clients(duo) == delivered);
    // Connections end by their time-outs, as if the cable were out.
    REQUIRE(duo.run_until(3600s, [&] { return duo.live() == 0; }));
}

TEST_CASE("the workers of a port that is gone still hear commands") {
    const LeakCheck leaks;
    Duo duo;
    begin_transfers(duo);
    for (const std::uint16_t worker : {0, 1}) {
        give_up(duo, worker);
        REQUIRE(std::holds_alternative<ServicesSet>(duo.ask(worker, SetServices{duo.table(2, true)})));
        REQUIRE(duo.live(worker) > 0);
        REQUIRE(std::holds_alternative<AllAborted>(duo.ask(worker, AbortAll{stats::CloseReason::Drain})));
        duo.run(1ms);
        REQUIRE(duo.live(worker) == 0);
    }
}

TEST_CASE("a recording in which a port is given up is repeated, and so is one that begins after it") {
    const LeakCheck leaks;
    RecordedDuo recorded(false, {.delay = 50us});
    Duo& duo = recorded.duo;
    const bool is_later = GENERATE(false, true);
    if (!is_later) recorded.begin_with_first_turn();
    begin_transfers(duo);
    give_up(duo, 1);
    duo.run(1ms);
    give_up(duo, 0);
    if (is_later) recorded.begin();
    const std::uint64_t before = gone(duo, 0) + gone(duo, 1);
    duo.run(20s);
    REQUIRE(gone(duo, 0) + gone(duo, 1) > before);
    require_repeats(recorded, 30);
}

/// Takes every frame and can send none.
class RefusingPort final : public packet::Port {
 public:
    explicit RefusingPort(const packet::Port& like) : Port(like.capabilities(), like.mac(), like.mtu()) {}
    void receive(packet::Batch& into) override { static_cast<void>(into); }
    void transmit(packet::Batch& frames) override {
        for (std::uint16_t i = 0; i < frames.size(); ++i)
            refused_frame();
        frames.clear();
    }
    [[nodiscard]] bool link_is_up() const override { return true; }
};

TEST_CASE("what the device refused stays counted when it is gone, and what follows counts as lost") {
    const LeakCheck leaks;
    Duo duo;
    RefusingPort device(duo.port());
    Group group(2);
    Mesh mesh(2);
    Worker worker(duo.worker_settings(0), {&device}, group.mailbox(0), mesh, duo.table(2, true), Duo::kStart);
    base::Instant now = Duo::kStart;
    const auto run = [&] {
        for (int turn = 0; turn < 1000; ++turn)
            worker.run_once(now += 10ms);
    };
    for (int turn = 0; turn < 100 && device.frames_refused() == 0; ++turn)
        worker.run_once(now += 10ms);  // the first announcement
    const std::uint64_t refused = device.frames_refused();
    REQUIRE(refused > 0);
    REQUIRE(group.mailbox(0).post(GivePortUp{0}));
    run();
    REQUIRE(group.stats(0).drops[DropReason::TransmitFull].value() == refused);
    REQUIRE(device.frames_refused() == refused);
    REQUIRE(group.stats(0).drops[DropReason::PortGone].value() > 0);
}

}  // namespace
}  // namespace terminus::worker
