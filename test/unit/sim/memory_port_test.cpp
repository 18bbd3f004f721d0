#include "sim/memory_port.hpp"

#include <catch2/catch.hpp>

#include "support/pool.hpp"

namespace terminus::sim {
namespace {

constexpr wire::MacAddress kMac{{2, 0, 0, 0, 0, 1}};

packet::Buffer frame(std::uint8_t mark, std::size_t length = 60) {
    return test::make_buffer(std::vector<std::uint8_t>(length, mark));
}

std::uint8_t mark_of(const packet::Buffer& frame) {
    return frame.bytes()[0];
}

TEST_CASE("a memory port shows the stack what it was made with") {
    MemoryPort port({.mac = kMac, .capabilities = MemoryPort::able(), .mtu = 9000});
    REQUIRE(port.mac() == kMac);
    REQUIRE(port.mtu() == 9000);
    REQUIRE(port.capabilities().tx_tcp_checksum);
    REQUIRE_FALSE(MemoryPort::plain().tx_multi_segment);
    REQUIRE(MemoryPort::pointer_keeping().keeps_pointer);
    REQUIRE(MemoryPort::of_kind(0).tx_tcp_checksum);
    REQUIRE_FALSE(MemoryPort::of_kind(1).tx_multi_segment);
    REQUIRE(MemoryPort::of_kind(2).keeps_pointer);
    REQUIRE(MemoryPort::of_kind(3).tso_segments_max > 0);
    REQUIRE(port.link_is_up());
    port.set_link(false);
    REQUIRE_FALSE(port.link_is_up());
}

TEST_CASE("frames are received in order of arrival, at most as many as the batch has room for") {
    const std::uint32_t before = test::buffers_in_use();
    {
        MemoryPort port({.mac = kMac});
        for (std::uint8_t i = 0; i < packet::Batch::kCapacity + 1; ++i)
            port.arrive(frame(i));
        packet::Batch first;
        port.receive(first);
        REQUIRE(first.full());
        REQUIRE(port.waiting_to_receive() == 1);
        REQUIRE(mark_of(first.take(0)) == 0);
        REQUIRE(mark_of(first.take(63)) == 63);
        packet::Batch second;
        port.receive(second);
        REQUIRE(second.size() == 1);
        REQUIRE(mark_of(second.take(0)) == 64);
    }
    REQUIRE(test::buffers_in_use() == before);
}

TEST_CASE("a frame that arrives at a full receive queue is freed and counted") {
    MemoryPort port({.mac = kMac, .receive_max = 2});
    const std::uint32_t before = test::buffers_in_use();
    port.arrive(frame(1));
    port.arrive(frame(2));
    REQUIRE(port.missed() == 0);
    port.arrive(frame(3));
    REQUIRE(port.missed() == 1);
    REQUIRE(test::buffers_in_use() == before + 2);
}

TEST_CASE("a port takes as many frames as it has room for and leaves the rest at the front") {
    MemoryPort port({.mac = kMac, .transmit_room = 2});
    packet::Batch batch;
    for (std::uint8_t i = 0; i < 3; ++i)
        batch.push_back(frame(i));
    port.transmit(batch);
    REQUIRE(port.waiting_to_transmit() == 2);
    REQUIRE(batch.size() == 1);
    REQUIRE(mark_of(*port.take_transmitted()) == 0);
    port.transmit(batch);
    REQUIRE(batch.empty());
    REQUIRE(mark_of(*port.take_transmitted()) == 1);
    REQUIRE(mark_of(*port.take_transmitted()) == 2);
    REQUIRE_FALSE(port.take_transmitted());

    port.set_transmit_room(0);
    batch.push_back(frame(9));
    port.transmit(batch);
    REQUIRE(batch.size() == 1);
    port.set_transmit_room(MemoryPort::kUnlimited);
    port.transmit(batch);
    REQUIRE(batch.empty());
}

TEST_CASE("a port hands the very buffer on, without a copy of its own") {
    MemoryPort port({.mac = kMac});
    packet::Batch batch;
    batch.push_back(frame(7));
    const rte_mbuf* const sent = batch.peek(0);
    port.transmit(batch);
    REQUIRE(port.take_transmitted()->get() == sent);
}

}  // namespace
}  // namespace terminus::sim
