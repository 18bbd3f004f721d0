#include "record/head.hpp"

#include <catch2/catch.hpp>

namespace terminus::record {
namespace {

Head head_with_everything() {
    Head head;
    head.version = "1.2.3";
    head.began = 5'000'000'001;
    head.clock_zero = 1'700'000'000'000'000'000;
    head.workers = 2;
    head.payload_buffers = 8191;
    head.free_min = 512;
    head.seed = 0x0123456789abcdef;
    for (std::size_t i = 0; i < head.keys.size(); ++i)
        head.keys[i].fill(static_cast<std::uint8_t>(i + 1));
    PortFacts front;
    front.name = "front";
    front.mac = {{2, 0, 0, 0, 0, 1}};
    front.mtu = 1500;
    front.tx_segments_max = 8;
    front.tx_multi_segment = true;
    front.rx_checksum = true;
    front.rss_key.assign(40, 0x6d);
    front.rss_queues = {0, 1, 0, 1};
    head.ports = {front, PortFacts{}};
    head.config_path = "/etc/terminus/terminus.yaml";
    head.config = "ports: []\n";
    return head;
}

TEST_CASE("a head is read as it was written") {
    const Head head = head_with_everything();
    const auto read = decode_head(encode(head), 8);
    REQUIRE(read.ok());
    REQUIRE(read.value() == head);
}

TEST_CASE("a head that breaks off anywhere, or goes on, is none; the fault lies within it") {
    std::vector<std::uint8_t> bytes = encode(head_with_everything());
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        const auto read = decode_head(base::Bytes(bytes).first(length), 100);
        REQUIRE_FALSE(read.ok());
        REQUIRE(read.error().offset >= 100);
        REQUIRE(read.error().offset <= 100 + length);
    }
    bytes.push_back(0);
    REQUIRE_FALSE(decode_head(bytes, 100).ok());
}

TEST_CASE("a head without a worker or without a port is none") {
    Head head = head_with_everything();
    head.workers = 0;
    REQUIRE_FALSE(decode_head(encode(head), 0).ok());
    head.workers = 1;
    head.ports.clear();
    REQUIRE_FALSE(decode_head(encode(head), 0).ok());
}

TEST_CASE("a change of the configuration is read as it was written") {
    const Revision revision{"fin_timeout", "30s"};
    const std::vector<std::uint8_t> bytes = encode(revision);
    REQUIRE(decode_revision(bytes, 0).value() == revision);
    REQUIRE_FALSE(decode_revision(base::Bytes(bytes).first(bytes.size() - 1), 0).ok());
}

TEST_CASE("a past is read as it was written; one that breaks off anywhere is none") {
    Past past;
    past.began = 77;
    past.config = "ports: []\n";
    past.tunables = {{"fin_timeout", "30s"}, {"sack", "false"}};
    past.revision_count = 3;
    past.directory = {.version = 2,
                      .services = {"www", "gone"},
                      .pools = {"web"},
                      .backends = {"web/a/192.0.2.10:80"},
                      .local_addresses = {"192.0.2.2", "2001:db8::2"},
                      .profiles = {{.congestion_control = 1, .traffic_class = -1, .auto_flowlabels = 0}}};
    const std::vector<std::uint8_t> bytes = encode(past);
    REQUIRE(decode_past(bytes, 8).value() == past);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        const auto read = decode_past(base::Bytes(bytes).first(length), 100);
        REQUIRE_FALSE(read.ok());
        REQUIRE(read.error().offset >= 100);
        REQUIRE(read.error().offset <= 100 + length);
    }
}

}  // namespace
}  // namespace terminus::record
