#include "capture/file_port.hpp"

#include <catch2/catch.hpp>
#include <memory>

#include "capture/files.hpp"
#include "support/pool.hpp"

namespace terminus::capture {
namespace {

using namespace std::chrono_literals;
using test::FileBytes;

constexpr wire::MacAddress kMac{{2, 'p', 'c', 'a', 'p', 0}};
constexpr base::Instant kStart = base::instant_from_ns(1'000'000'000);

struct Files {
    test::TemporaryFolder folder;
    std::string in = folder.file("in.pcap");
    std::string out = folder.file("out.pcap");

    std::unique_ptr<FilePort> port(const std::string& bytes, rte_mempool* pool = test::pool()) {
        test::write_file(in, bytes);
        auto reader = Reader::open(in, {});
        REQUIRE(reader.ok());
        auto writer = Writer::create(out);
        REQUIRE(writer.ok());
        auto made = std::make_unique<FilePort>(FilePort::Settings{kMac, 1500, pool},
                                               std::move(reader).value(), std::move(writer).value());
        if (made->recorded()) made->start({*made->recorded(), kStart});
        return made;
    }
};

FileBytes capture() {
    return FileBytes::pcap(FileBytes::kNanoseconds, FileBytes::kEthernet);
}

std::uint16_t received(FilePort& port, base::Instant now) {
    packet::Batch batch;
    port.set_time(now);
    port.receive(batch);
    return batch.size();
}

TEST_CASE("frames are received when they are due, relative to the first") {
    Files files;
    const auto port = files.port(capture().record(50, 0, "a").record(50, 500, "bc").record(51, 0, "d").bytes);
    CHECK(port->mac() == kMac);
    CHECK(port->mtu() == 1500);
    CHECK(port->link_is_up());
    REQUIRE(port->recorded() == base::Duration(50s));
    CHECK(port->next_arrival() == kStart);
    CHECK(received(*port, kStart - 1ns) == 0);
    CHECK(received(*port, kStart) == 1);
    CHECK(port->next_arrival() == kStart + 500ns);
    CHECK(received(*port, kStart + 499ns) == 0);
    CHECK(received(*port, kStart + 500ns) == 1);
    CHECK(received(*port, kStart + 2s) == 1);
    CHECK(port->next_arrival() == base::kNever);
    CHECK(received(*port, kStart + 9s) == 0);
    CHECK(port->counters().received == 3);
    CHECK(port->counters().received_bytes == 4);
    CHECK(port->reader_counters().records == 3);
    CHECK_FALSE(port->fault());
}

TEST_CASE("at most a burst is received at once") {
    Files files;
    FileBytes bytes = capture();
    for (int i = 0; i < packet::Batch::kCapacity + 1; ++i)
        bytes.record(1, 0, "frame");
    const auto port = files.port(bytes.bytes);
    CHECK(received(*port, kStart) == packet::Batch::kCapacity);
    CHECK(port->next_arrival() == kStart);
    CHECK(received(*port, kStart) == 1);
}

TEST_CASE(
    "a frame larger than a buffer comes as a chain, and one larger than any packet is lost and counted") {
    Files files;
    const std::uint32_t before = test::buffers_in_use();
    {
        std::string longest(FilePort::kFrameMax, 'x');
        longest.back() = '!';
        const auto port = files.port(capture().record(1, 0, longest).record(1, 0, longest + "x").bytes);
        packet::Batch batch;
        port->set_time(kStart);
        port->receive(batch);
        REQUIRE(batch.size() == 1);
        const packet::Buffer frame = batch.take(0);
        CHECK_FALSE(frame.is_linear());
        CHECK(frame.length() == longest.size());
        CHECK(test::to_string(frame) == longest);
        CHECK(port->counters().too_long == 1);
    }
    CHECK(test::buffers_in_use() == before);
}

TEST_CASE("an empty frame is received as one") {
    Files files;
    const auto port = files.port(capture().record(1, 0, "").bytes);
    CHECK(received(*port, kStart) == 1);
}

TEST_CASE("a frame that finds no buffer is lost and counted") {
    Files files;
    rte_mempool* const pool = test::indirect_pool();  // without a data room: only an empty frame fits
    std::vector<rte_mbuf*> taken(rte_mempool_avail_count(pool));
    REQUIRE(rte_pktmbuf_alloc_bulk(pool, taken.data(), static_cast<unsigned>(taken.size())) == 0);
    const auto port = files.port(capture().record(1, 0, "").bytes, pool);
    CHECK(received(*port, kStart) == 0);
    CHECK(port->counters().no_buffer == 1);
    CHECK(port->counters().received == 0);
    rte_pktmbuf_free_bulk(taken.data(), static_cast<unsigned>(taken.size()));
}

TEST_CASE("what is sent is written with the time of the recording") {
    Files files;
    const std::uint32_t before = test::buffers_in_use();
    const auto port = files.port(capture().record(50, 0, "a").bytes);
    packet::Batch batch;
    batch.push_back(test::make_chain(base::Bytes(reinterpret_cast<const std::uint8_t*>("in pieces"), 9), 2));
    batch.push_back(test::make_buffer({}));
    port->set_time(kStart + 3ns);
    port->transmit(batch);
    CHECK(batch.empty());
    CHECK(test::buffers_in_use() == before);
    CHECK(port->counters().sent == 2);
    CHECK(port->counters().sent_bytes == 9);
    REQUIRE(port->close().ok());
    CHECK(test::read_file(files.out) == capture().record(50, 3, "in pieces").record(50, 3, "").bytes);
}

TEST_CASE("a port without files receives nothing and counts what it is given") {
    FilePort port({kMac, 1500, test::pool()}, std::nullopt, std::nullopt);
    CHECK_FALSE(port.recorded());
    CHECK(port.next_arrival() == base::kNever);
    packet::Batch batch;
    batch.push_back(test::make_buffer({}));
    port.transmit(batch);
    CHECK(port.counters().sent == 1);
    CHECK(port.close().ok());
}

TEST_CASE("a capture that breaks off says so when its last whole frame has been received") {
    Files files;
    const std::string whole = capture().record(1, 0, "a").record(2, 0, "b").bytes;
    const auto port = files.port(whole.substr(0, whole.size() - 1));
    CHECK_FALSE(port->fault());
    CHECK(received(*port, kStart) == 1);
    REQUIRE(port->fault());
    CHECK(port->fault()->find("packet 2 at byte 41: ") != std::string::npos);
    CHECK(port->next_arrival() == base::kNever);
}

}  // namespace
}  // namespace terminus::capture
