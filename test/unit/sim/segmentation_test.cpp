#include "sim/segmentation.hpp"

#include <catch2/catch.hpp>

#include "packet/frame_builder.hpp"
#include "sim/frame_copy.hpp"
#include "sim/memory_port.hpp"
#include "support/pool.hpp"

namespace terminus::sim {
namespace {

constexpr std::uint32_t kText = 500;  // of a segment

packet::FrameAddressing addressing(bool is_v6) {
    packet::FrameAddressing to;
    to.source_mac = {{2, 0, 0, 0, 0, 1}};
    to.destination_mac = {{2, 0, 0, 0, 0, 2}};
    to.source = is_v6 ? *wire::IpAddress::parse("2001:db8::1") : wire::IpAddress::v4(192, 0, 2, 1);
    to.destination = is_v6 ? *wire::IpAddress::parse("2001:db8:1::7") : wire::IpAddress::v4(198, 51, 100, 7);
    return to;
}

wire::TcpHeader header() {
    wire::TcpHeader tcp;
    tcp.source_port = 80;
    tcp.destination_port = 40000;
    tcp.seq = wire::SeqNum(0xffff'fe00u);  // round the end of the numbers
    tcp.ack = wire::SeqNum(2000);
    tcp.flags = {wire::TcpFlags::kAck};
    tcp.window = 501;
    tcp.options.timestamps = wire::TcpTimestamps{1, 2};
    return tcp;
}

void fill(packet::ByteQueue& queue, std::uint32_t bytes) {
    for (std::uint32_t at = 0; at < bytes; at += 333) {
        std::string text;
        for (std::uint32_t i = at; i < std::min(at + 333, bytes); ++i)
            text.push_back(static_cast<char>(i * 7 + i / 256));
        queue.push_back(test::make_slice(text));
    }
}

std::string on_the_wire(const packet::Buffer& frame) {
    return test::to_string(copy_frame(frame, test::pool(), 0));
}

}  // namespace

TEST_CASE("what a device cuts a run into are the segments that are sent one by one") {
    const std::uint32_t before = test::buffers_in_use();
    {
        packet::PortCapabilities can = MemoryPort::cutting();
        can.tx_ipv4_checksum = GENERATE(as<bool>(), false, true);
        const bool is_v6 = GENERATE(as<bool>(), false, true);
        const bool push = GENERATE(as<bool>(), false, true);
        const std::uint32_t segments = GENERATE(as<std::uint32_t>(), 2, 7, 20);
        packet::FrameBuilder builder(test::pool(), test::indirect_pool(), can);
        packet::ByteQueue queue;
        fill(queue, 11'000);
        const wire::TcpHeader first = header();
        const packet::TcpHeaders headers = builder.tcp_headers(addressing(is_v6), first, kText);
        REQUIRE(builder.run_max(headers) > 100);
        const packet::Buffer run = builder.tcp_run(headers, first.seq, push, queue, 17, segments);
        REQUIRE(run);
        CHECK(run.get()->nb_segs > segments / 2);
        std::deque<packet::Buffer> cut;
        cut_segments(run, cut);
        REQUIRE(cut.size() == segments);
        for (std::uint32_t i = 0; i < segments; ++i) {
            const packet::Buffer alone = builder.tcp(headers, first.seq + i * kText,
                                                     push && i + 1 == segments, &queue, 17 + i * kText);
            CHECK(on_the_wire(cut[i]) == on_the_wire(alone));
        }
    }
    CHECK(test::buffers_in_use() == before);
}

TEST_CASE(
    "a memory port that cuts hands out segments, and the rest of a run is lost when buffers are short") {
    MemoryPort port({.mac = {{2, 0, 0, 0, 0, 1}}, .capabilities = MemoryPort::cutting()});
    packet::FrameBuilder builder(test::pool(), test::indirect_pool(), port.capabilities());
    packet::ByteQueue queue;
    fill(queue, 6000);
    const wire::TcpHeader first = header();
    const packet::TcpHeaders headers = builder.tcp_headers(addressing(false), first, kText);
    packet::Batch batch;
    batch.push_back(builder.tcp_run(headers, first.seq, true, queue, 0, 10));
    SECTION("all of it") {
        port.transmit(batch);
        CHECK(port.waiting_to_transmit() == 10);
    }
    SECTION("three of it") {
        std::vector<packet::Buffer> hoard;
        while (rte_mbuf* mbuf = rte_pktmbuf_alloc(test::pool()))
            hoard.emplace_back(mbuf);
        hoard.resize(hoard.size() - 3);
        port.transmit(batch);
        CHECK(port.waiting_to_transmit() == 3);
    }
    CHECK(batch.empty());
}

}  // namespace terminus::sim
