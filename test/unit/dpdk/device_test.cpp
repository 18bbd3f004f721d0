#include "dpdk/device.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>

#include "dpdk/driver_traits.hpp"
#include "support/pool.hpp"

using namespace terminus;
using dpdk::Device;
using dpdk::DeviceSettings;
using packet::Batch;

namespace {

DeviceSettings settings(const std::string& device, std::uint16_t queue_pairs = 1) {
    DeviceSettings made;
    made.name = "front";
    made.device = device;
    made.queue_pairs = queue_pairs;
    made.rx_descriptors = 64;
    made.tx_descriptors = 64;
    made.rx_pools = {test::pool()};
    return made;
}

Device open(const DeviceSettings& wanted) {
    auto opened = Device::open(wanted);
    if (!opened.ok()) FAIL(opened.error());
    return std::move(opened).value();
}

std::string error_of(const DeviceSettings& wanted) {
    const auto opened = Device::open(wanted);
    return opened.ok() ? "" : opened.error();
}

packet::Buffer frame(std::uint8_t number) {
    const std::vector<std::uint8_t> bytes(60, number);
    return test::make_buffer(bytes);
}

}  // namespace

TEST_CASE("frames sent on a looped ring device come back in order, and everything is freed at close") {
    test::start_eal();
    const auto before = test::buffers_in_use();
    {
        Device device = open(settings("net_ring_loop"));
        CHECK(device.driver() == "net_ring");
        CHECK(device.queue_pairs() == 1);
        CHECK(device.link_is_up());
        CHECK(device.capabilities().keeps_pointer);
        CHECK_FALSE(device.capabilities().tx_multi_segment);
        CHECK_FALSE(device.capabilities().rx_checksum);
        CHECK_FALSE(device.notes().empty());
        Batch out;
        for (std::uint8_t i = 1; i <= 5; ++i)
            out.push_back(frame(i));
        device.port(0).transmit(out);
        CHECK(out.empty());
        Batch in;
        device.port(0).receive(in);
        REQUIRE(in.size() == 5);
        for (std::uint16_t i = 0; i < 5; ++i)
            CHECK(*rte_pktmbuf_mtod(in.peek(i), std::uint8_t*) == i + 1);
        CHECK(device.stats().rx_frames == 5);
        CHECK(device.stats().tx_frames == 5);
    }
    CHECK(test::buffers_in_use() == before);
}

TEST_CASE("a device that has no receive interrupts says so, and is none the worse for having been asked") {
    DeviceSettings wanted = settings("net_ring_silent");
    const auto says_so = [](const Device& device) {
        return std::any_of(device.notes().begin(), device.notes().end(), [](const std::string& note) {
            return note.find("no receive interrupts") != std::string::npos;
        });
    };
    CHECK_FALSE(says_so(open(wanted)));
    wanted.rx_interrupts = true;
    Device device = open(wanted);
    CHECK(says_so(device));
    CHECK(device.port(0).wake_descriptor() == -1);
    CHECK_FALSE(device.port(0).arm());
    device.port(0).disarm();
    Batch out;
    out.push_back(frame(1));
    device.port(0).transmit(out);
    Batch in;
    device.port(0).receive(in);
    CHECK(in.size() == 1);
}

TEST_CASE("a receive takes no more than the batch has room for") {
    Device device = open(settings("net_ring_room"));
    Batch out;
    for (std::uint8_t i = 0; i < 10; ++i)
        out.push_back(frame(i));
    device.port(0).transmit(out);
    Batch in;
    while (in.room() > 4)
        in.push_back(frame(99));
    device.port(0).receive(in);
    CHECK(in.full());
    device.port(0).receive(in);  // full already: nothing is touched
    CHECK(in.size() == Batch::kCapacity);
    Batch rest;
    device.port(0).receive(rest);
    CHECK(rest.size() == 6);
}

TEST_CASE("frames that the device can't take yet stay with the caller") {
    const auto before = test::buffers_in_use();
    {
        Device device = open(settings("net_ring_full"));
        std::uint32_t accepted = 0;
        for (int turn = 0; turn < 100; ++turn) {
            Batch out;
            while (!out.full())
                out.push_back(frame(1));
            device.port(0).transmit(out);
            accepted += Batch::kCapacity - out.size();
            if (!out.empty()) break;
        }
        CHECK(accepted > 0);
        std::uint32_t received = 0;
        for (;;) {
            Batch in;
            device.port(0).receive(in);
            if (in.empty()) break;
            received += in.size();
        }
        CHECK(received == accepted);
    }
    CHECK(test::buffers_in_use() == before);
}

TEST_CASE("a capture file is received and what is sent is written to another") {
    const std::filesystem::path folder = std::filesystem::temp_directory_path() / "terminus_device_test";
    std::filesystem::create_directories(folder);
    const std::string first = (folder / "first.pcap").string();
    const std::string second = (folder / "second.pcap").string();
    const auto before = test::buffers_in_use();
    {
        // What one device writes (the file is flushed when it closes) another one reads.
        Device device = open(settings("net_pcap_w,tx_pcap=" + first));
        CHECK(device.driver() == "net_pcap");
        Batch out;
        const std::vector<std::uint8_t> bytes(200, 0x42);
        out.push_back(test::make_buffer(bytes));
        out.push_back(frame(7));
        device.port(0).transmit(out);
        CHECK(out.empty());
    }
    {
        Device device = open(settings("net_pcap_r,rx_pcap=" + first + ",tx_pcap=" + second));
        Batch in;
        device.port(0).receive(in);
        REQUIRE(in.size() == 2);
        CHECK(in.peek(0)->pkt_len == 200);
        CHECK(*rte_pktmbuf_mtod(in.peek(1), std::uint8_t*) == 7);
        Batch end;
        device.port(0).receive(end);
        CHECK(end.empty());
    }
    std::filesystem::remove_all(folder);
    CHECK(test::buffers_in_use() == before);
}

TEST_CASE("a device that is not there is named in the error") {
    const std::string error = error_of(settings("net_nosuchdriver0"));
    CHECK(error.find("port front: device net_nosuchdriver0 can't be opened") == 0);
    const std::string pci = error_of(settings("0000:ff:1f.7"));
    CHECK(pci.find("port front: device 0000:ff:1f.7 can't be opened") == 0);
}

TEST_CASE("more queue pairs than a device has are refused, with the numbers and what to set") {
    const std::string error = error_of(settings("net_ring_two", 2));
    CHECK(error.find("port front: device net_ring_two (net_ring) offers ") == 0);
    CHECK(error.find("asks for 2 pairs, one for each worker: set the port's queues: 1") != std::string::npos);
    // And the refusal has left nothing behind that keeps the device from being opened as it is.
    CHECK(open(settings("net_ring_two")).queue_pairs() == 1);
    const auto offer = dpdk::queue_offer("net_ring_two");
    REQUIRE(offer.ok());
    CHECK(offer.value().usable_pairs() == 1);
}

TEST_CASE("an MTU beyond the mbufs' room is refused where the device can't scatter") {
    DeviceSettings wanted = settings("net_null_mtu");
    wanted.mtu = 2030;
    CHECK(error_of(wanted).empty());
    wanted.mtu = 2031;
    CHECK(error_of(wanted).find("port front: device net_null_mtu can't scatter") == 0);
}

TEST_CASE("with several queue pairs the redirection table and the key are read back") {
    DeviceSettings wanted = settings("net_null_rss", 2);
    for (std::uint8_t i = 0; i < 40; ++i)
        wanted.rss_key.push_back(static_cast<std::uint8_t>(i * 3 + 1));
    auto opened = Device::open(wanted);
    const auto offer = dpdk::queue_offer("net_null_rss");
    REQUIRE(offer.ok());
    if (offer.value().usable_pairs() < 2) {
        REQUIRE_FALSE(opened.ok());
        CHECK(opened.error().find("asks for 2 pairs") != std::string::npos);
        return;
    }
    if (!opened.ok()) FAIL(opened.error());
    const flow::RssConfig& rss = opened.value().rss();
    CHECK(rss.queues == 2);
    CHECK(rss.key == wanted.rss_key);
    REQUIRE(rss.reta.size() >= 2);
    CHECK(rss.reta[0] == 0);
    CHECK(rss.reta[1] == 1);
}

TEST_CASE("a device with one queue has no redirection table, and keeps the key for steering in software") {
    DeviceSettings wanted = settings("net_null_one");
    wanted.rss_key.assign(40, 0x17);
    Device device = open(wanted);
    CHECK(device.rss().queues == 1);
    CHECK(device.rss().reta.empty());
    CHECK(device.rss().key == wanted.rss_key);
}

TEST_CASE("a moved device is closed once") {
    const auto before = test::buffers_in_use();
    {
        Device first = open(settings("net_ring_move"));
        Device second = std::move(first);
        CHECK(second.queue_pairs() == 1);
        CHECK(first.queue_pairs() == 0);
        Batch out;
        out.push_back(frame(1));
        second.port(0).transmit(out);
        second.port(0).receive(out);  // what is left in a ring when it is closed is lost
        CHECK(out.size() == 1);
    }
    CHECK(test::buffers_in_use() == before);
}

TEST_CASE(
    "a device that is removed is off its bus while what is said of it stays, and can be plugged in again") {
    const auto before = test::buffers_in_use();
    {
        Device device = open(settings("net_ring_gone"));
        Batch out;
        for (std::uint8_t i = 1; i <= 5; ++i)
            out.push_back(frame(i));
        device.port(0).transmit(out);
        Batch in;
        device.port(0).receive(in);  // what is left in a ring when it is closed is lost
        CHECK(in.size() == 5);
        const wire::MacAddress mac = device.mac();
        CHECK(device.is_open());
        CHECK(device.bus_name() == "net_ring_gone");

        const auto removed = device.remove();
        REQUIRE(removed.ok());
        CHECK_FALSE(device.is_open());
        CHECK_FALSE(device.link_is_up());
        CHECK(device.stats().rx_frames == 5);
        CHECK(device.mac() == mac);
        CHECK(device.queue_pairs() == 1);
        CHECK(device.bus_name() == "net_ring_gone");
        CHECK(open(settings("net_ring_gone")).link_is_up());
    }
    CHECK(test::buffers_in_use() == before);
}

TEST_CASE("what drivers can't do is in the table, and hardware is trusted") {
    CHECK_FALSE(dpdk::traits_of("net_af_xdp").multi_segment);
    CHECK_FALSE(dpdk::traits_of("net_af_xdp").indirect_buffers);
    CHECK(dpdk::traits_of("net_tap").is_software);
    CHECK(dpdk::traits_of("net_tap").one_queue);
    CHECK(dpdk::traits_of("net_ring").keeps_pointer);
    CHECK_FALSE(dpdk::traits_of("net_i40e").is_software);
    CHECK(dpdk::traits_of("net_i40e").multi_segment);
}
