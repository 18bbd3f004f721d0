#include "worker/relay_port.hpp"

#include <catch2/catch.hpp>

#include "sim/memory_port.hpp"
#include "support/pool.hpp"

namespace terminus::worker {
namespace {

constexpr std::uint16_t kIndex = 3;
constexpr std::uint16_t kSelf = 1;
constexpr std::uint16_t kPoller = 0;

struct Setup {
    sim::MemoryPort device{
        {.mac = {{2, 0, 0, 0, 0, 7}}, .capabilities = sim::MemoryPort::able(), .mtu = 9000}};
    Mesh mesh{2};
    RelayPort port{device, kIndex, kSelf, kPoller, mesh};

    base::SpscRing<Relayed>& ring() { return mesh.relayed(kSelf, kPoller); }
};

// A frame that carries its number.
packet::Buffer numbered(std::uint16_t number) {
    const std::uint8_t bytes[] = {static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
    return terminus::test::make_buffer(bytes);
}
std::uint16_t number_of(const packet::Buffer& frame) {
    return static_cast<std::uint16_t>(frame.bytes()[0] << 8 | frame.bytes()[1]);
}

TEST_CASE("a relay port can do what the port it leads to can, and nothing arrives at it") {
    Setup setup;
    REQUIRE(setup.port.mac() == setup.device.mac());
    REQUIRE(setup.port.mtu() == 9000);
    REQUIRE(setup.port.capabilities().tx_tcp_checksum);
    REQUIRE(setup.port.link_is_up());
    setup.device.set_link(false);
    REQUIRE_FALSE(setup.port.link_is_up());
    setup.device.arrive(numbered(1));
    packet::Batch frames;
    setup.port.receive(frames);
    REQUIRE(frames.empty());
    REQUIRE(setup.device.waiting_to_receive() == 1);
}

TEST_CASE("what is sent reaches the polling worker's ring in order, with its port's index") {
    Setup setup;
    packet::Batch frames;
    for (std::uint16_t i = 0; i < packet::Batch::kCapacity; ++i)
        frames.push_back(numbered(i));
    setup.port.transmit(frames);
    REQUIRE(frames.empty());
    for (std::uint16_t i = 0; i < packet::Batch::kCapacity; ++i) {
        const std::optional<Relayed> relayed = setup.ring().try_pop();
        REQUIRE(relayed);
        REQUIRE(relayed->port == kIndex);
        REQUIRE(number_of(relayed->frame) == i);
    }
    REQUIRE(setup.ring().empty());
    REQUIRE(setup.mesh.relayed(kPoller, kSelf).empty());
}

TEST_CASE("what a full ring can't take stays in the batch, and goes on in order when there is room") {
    const std::uint32_t before = terminus::test::buffers_in_use();
    {
        Setup setup;
        std::uint16_t sent = 0;
        for (; sent < Mesh::kDepth - 1; ++sent)
            REQUIRE(setup.ring().try_push({kIndex, numbered(sent)}));
        packet::Batch frames;
        for (int i = 0; i < 3; ++i)
            frames.push_back(numbered(sent++));
        setup.port.transmit(frames);
        REQUIRE(frames.size() == 2);  // one place was left
        setup.port.transmit(frames);
        REQUIRE(frames.size() == 2);

        REQUIRE(number_of(setup.ring().try_pop()->frame) == 0);
        setup.port.transmit(frames);
        REQUIRE(frames.size() == 1);
        REQUIRE(number_of(setup.ring().try_pop()->frame) == 1);
        setup.port.transmit(frames);
        REQUIRE(frames.empty());
        for (std::uint16_t expected = 2; expected < sent; ++expected) {
            const std::optional<Relayed> relayed = setup.ring().try_pop();
            REQUIRE(relayed);
            REQUIRE(number_of(relayed->frame) == expected);
        }
        REQUIRE(setup.ring().empty());
    }
    REQUIRE(terminus::test::buffers_in_use() == before);
}

}  // namespace
}  // namespace terminus::worker
