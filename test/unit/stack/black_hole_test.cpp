#include <catch2/catch.hpp>

#include "stack/bench.hpp"

// RFC 4821 from end to end: a link that loses what is too large and says nothing.
namespace terminus::stack {
namespace {

using namespace test;

constexpr std::uint16_t kPathMtu = 1400;

struct Download {
    World world;
    Host& client = world.add_host({.number = 1});
    Host& server;
    std::string response = random_bytes(1, 1'000'000);
    Flow* flow = nullptr;

    explicit Download(const tcp::Tunables& tunables, bool is_v6)
        : server(world.add_host({.number = 2, .tunables = tunables, .seed = 2})) {
        world.connect(client, server, {.delay = 10ms, .path_mtu = kPathMtu, .is_black_hole = true});
        server.listen(80, {.send = response});
        flow = &client.connect(server.endpoint(80, is_v6), 4000, {}, world.now());
    }
    [[nodiscard]] const stats::LegStats& sender() { return server.stats().leg(Leg::Client); }
    [[nodiscard]] std::uint16_t send_mss() {
        return server.stack().find(server.flows()[0].id)->snapshot().send_mss;
    }
};

TEST_CASE("a download through a black hole arrives when it is probed for, and the search finds its size") {
    const LeakCheck leaks;
    const bool is_v6 = GENERATE(false, true);
    tcp::Tunables tunables;
    tunables.mtu_probing = GENERATE(std::uint8_t{1}, std::uint8_t{2});
    tunables.congestion_control = GENERATE(tcp::CongestionAlgorithm::Cubic, tcp::CongestionAlgorithm::Reno,
                                           tcp::CongestionAlgorithm::Bbr);
    Download download(tunables, is_v6);
    CAPTURE(is_v6, unsigned{tunables.mtu_probing}, static_cast<int>(tunables.congestion_control));
    REQUIRE(download.world.run_until(
        30s, [&] { return download.flow->received.size() == download.response.size(); }));
    CHECK(download.flow->received == download.response);
    const unsigned carries = kPathMtu - (is_v6 ? 60u : 40u) - 12;
    CHECK(download.send_mss() <= carries);
    CHECK(download.send_mss() > carries - 8);
    CHECK(download.sender().mtu_probes_arrived.value() >= 2);
    CHECK(download.sender().mtu_probes_lost.value() >= 1);
    CHECK(download.sender().path_black_holes.value() == (tunables.mtu_probing == 1 ? 1 : 0));
    if (tunables.mtu_probing == 2) {
        // Probes alone were lost, and no window paid.
        CHECK(download.sender().recoveries.value() == 0);
        CHECK(download.sender().retransmits[stats::RetransmitCause::Timeout].value() == 0);
    }
}

TEST_CASE("without probing nothing gets through a black hole") {
    const LeakCheck leaks;
    Download download({}, GENERATE(false, true));
    download.world.run(30s);
    CHECK(download.flow->is_established);
    CHECK(download.flow->received.empty());
    CHECK(download.sender().path_black_holes.value() == 0);
}

}  // namespace
}  // namespace terminus::stack
