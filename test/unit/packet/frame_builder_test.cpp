#include "packet/frame_builder.hpp"

#include <catch2/catch.hpp>

#include "packet/frame_access.hpp"
#include "packet/frame_layout.hpp"
#include "support/pool.hpp"
#include "wire/frame.hpp"

using namespace terminus;
using packet::Buffer;
using packet::ByteQueue;
using packet::FrameAddressing;
using packet::FrameBuilder;
using packet::PortCapabilities;

namespace {

FrameAddressing v4() {
    FrameAddressing to;
    to.source_mac = {{2, 0, 0, 0, 0, 1}};
    to.destination_mac = {{2, 0, 0, 0, 0, 2}};
    to.source = wire::IpAddress::v4(192, 0, 2, 1);
    to.destination = wire::IpAddress::v4(198, 51, 100, 7);
    return to;
}

FrameAddressing v6() {
    FrameAddressing to = v4();
    to.source = *wire::IpAddress::parse("2001:db8::1");
    to.destination = *wire::IpAddress::parse("2001:db8:1::7");
    return to;
}

wire::TcpHeader header() {
    wire::TcpHeader tcp;
    tcp.source_port = 80;
    tcp.destination_port = 40000;
    tcp.seq = wire::SeqNum(1000);
    tcp.ack = wire::SeqNum(2000);
    tcp.flags = {wire::TcpFlags::kAck | wire::TcpFlags::kPsh};
    tcp.window = 501;
    tcp.options.timestamps = wire::TcpTimestamps{1, 2};
    return tcp;
}

PortCapabilities capable() {
    PortCapabilities can;
    can.tx_multi_segment = true;
    can.tx_indirect_buffers = true;
    can.tx_segments_max = 8;
    return can;
}

std::string pattern(std::size_t length) {
    std::string text;
    for (std::size_t i = 0; i < length; ++i)
        text.push_back(static_cast<char>('a' + i % 23));
    return text;
}

// Lengths odd and even, so that a checksum that forgets which half of a word it is in fails.
void fill(ByteQueue& queue) {
    queue.push_back(test::make_slice(pattern(301)));
    queue.push_back(test::make_slice(pattern(400)));
    queue.push_back(test::make_slice(pattern(733)));
}
std::string filled() {
    return pattern(301) + pattern(400) + pattern(733);
}

/// Parses what was built as a receiver would: true headers, good checksum.
std::string received_payload(const Buffer& built) {
    const std::string all = test::to_string(built);
    const base::Bytes bytes(reinterpret_cast<const std::uint8_t*>(all.data()), all.size());
    const auto frame = wire::parse_frame(bytes, static_cast<std::uint32_t>(bytes.size()));
    REQUIRE(frame.ok());
    const base::Bytes l4 = bytes.subspan(frame.value().l4_offset, frame.value().l4_length);
    CHECK(frame.value().l4_offset + frame.value().l4_length == bytes.size());
    CHECK(wire::l4_checksum_is_good(frame.value(), l4));
    const auto segment = wire::parse_tcp(l4, l4.size());
    REQUIRE(segment.ok());
    CHECK(segment.value().source_port == 80);
    CHECK(segment.value().seq == wire::SeqNum(1000));
    CHECK(segment.value().options.timestamps == wire::TcpTimestamps{1, 2});
    return all.substr(frame.value().l4_offset + segment.value().header_length);
}

}  // namespace

// RFC 9293 3.1, MUST-2.
TEST_CASE("a frame without payload is one mbuf with true headers") {
    FrameBuilder builder(test::pool(), test::indirect_pool(), capable());
    for (const FrameAddressing& to : {v4(), v6()}) {
        const Buffer frame = builder.tcp(to, header(), nullptr, 0, 0);
        REQUIRE(frame);
        CHECK(frame.is_linear());
        CHECK(received_payload(frame).empty());
    }
}

// RFC 9293 3.1, MUST-2: over text in pieces, too.
TEST_CASE("payload goes by reference where the port can take it") {
    const auto before = test::buffers_in_use();
    {
        FrameBuilder builder(test::pool(), test::indirect_pool(), capable());
        ByteQueue queue;
        fill(queue);
        for (const FrameAddressing& to : {v4(), v6()}) {
            const auto held = test::buffers_in_use();
            const Buffer frame = builder.tcp(to, header(), &queue, 100, 1200);
            REQUIRE(frame);
            CHECK(frame.get()->nb_segs == 4);
            CHECK(test::buffers_in_use() == held + 4);
            CHECK(received_payload(frame) == filled().substr(100, 1200));
        }
        CHECK(test::to_string(queue) == filled());
    }
    CHECK(test::buffers_in_use() == before);
}

TEST_CASE("bytes acknowledged while a frame is still with the device stay readable") {
    FrameBuilder builder(test::pool(), test::indirect_pool(), capable());
    ByteQueue queue;
    fill(queue);
    const Buffer frame = builder.tcp(v4(), header(), &queue, 0, 1434);
    queue.drop_front(1434);
    CHECK(queue.empty());
    CHECK(received_payload(frame) == filled());
}

TEST_CASE("payload is copied when the port lacks what references need") {
    PortCapabilities can = capable();
    SECTION("no multi-segment send") {
        can.tx_multi_segment = false;
    }
    SECTION("indirect buffers miscalculated") {
        can.tx_indirect_buffers = false;
    }
    SECTION("the pointer is handed on") {
        can.keeps_pointer = true;
    }
    SECTION("one segment fewer than the frame needs") {
        can.tx_segments_max = 3;
    }
    FrameBuilder builder(test::pool(), test::indirect_pool(), can);
    ByteQueue queue;
    fill(queue);
    const Buffer frame = builder.tcp(v6(), header(), &queue, 1, 1400);
    REQUIRE(frame);
    CHECK(frame.is_linear());
    CHECK(received_payload(frame) == filled().substr(1, 1400));
}

TEST_CASE("a frame of exactly as many segments as the port takes goes by reference") {
    PortCapabilities can = capable();
    can.tx_segments_max = 4;
    FrameBuilder builder(test::pool(), test::indirect_pool(), can);
    ByteQueue queue;
    fill(queue);
    CHECK(builder.tcp(v4(), header(), &queue, 0, 1434).get()->nb_segs == 4);
}

TEST_CASE("payload of up to 256 bytes is copied, of 257 attached") {
    FrameBuilder builder(test::pool(), test::indirect_pool(), capable());
    ByteQueue queue;
    fill(queue);
    const Buffer small = builder.tcp(v4(), header(), &queue, 0, 256);
    CHECK(small.is_linear());
    CHECK(received_payload(small) == filled().substr(0, 256));
    const Buffer large = builder.tcp(v4(), header(), &queue, 0, 257);
    CHECK(large.get()->nb_segs == 2);
    CHECK(received_payload(large) == filled().substr(0, 257));
}

TEST_CASE("with no clone to be had the payload is copied, and none stays taken") {
    FrameBuilder builder(test::pool(), test::indirect_pool(), capable());
    ByteQueue queue;
    fill(queue);
    std::vector<Buffer> hoard;
    while (rte_mbuf* mbuf = rte_pktmbuf_alloc(test::indirect_pool()))
        hoard.emplace_back(mbuf);
    hoard.pop_back();  // one is left of three
    const auto held = test::buffers_in_use();
    const Buffer frame = builder.tcp(v4(), header(), &queue, 0, 1434);
    REQUIRE(frame);
    CHECK(frame.is_linear());
    CHECK(received_payload(frame) == filled());
    CHECK(test::buffers_in_use() == held + 1);
}

TEST_CASE("with no header buffer to be had the frame is empty") {
    FrameBuilder builder(test::pool(), test::indirect_pool(), capable());
    std::vector<Buffer> hoard;
    while (rte_mbuf* mbuf = rte_pktmbuf_alloc(test::pool()))
        hoard.emplace_back(mbuf);
    CHECK_FALSE(builder.tcp(v4(), header(), nullptr, 0, 0));
    CHECK_FALSE(builder.ip(v4(), 1, {}));
    CHECK_FALSE(builder.ethernet({}, {}, 0x0806, {}));
}

// RFC 9293 3.1, MUST-2: what a device needs to make it.
TEST_CASE("a device that makes checksums gets the pseudo-header's sum and the lengths it needs") {
    PortCapabilities can = capable();
    can.tx_tcp_checksum = true;
    can.tx_ipv4_checksum = true;
    FrameBuilder builder(test::pool(), test::indirect_pool(), can);
    ByteQueue queue;
    fill(queue);
    Buffer frame = builder.tcp(v4(), header(), &queue, 0, 1000);
    const rte_mbuf* mbuf = frame.get();
    CHECK(mbuf->ol_flags == (RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_IPV4));
    CHECK(mbuf->l2_len == 14);
    CHECK(mbuf->l3_len == 20);
    CHECK(mbuf->l4_len == 32);
    CHECK(base::load_be16(frame.bytes().data() + 14 + 10) == 0);
    // Do what the device does, then look as the receiver does.
    const std::uint16_t tcp = wire::finish(packet::sum_bytes(frame, 34, 1032, 0));
    base::store_be16(frame.mutable_bytes().data() + 34 + 16, tcp);
    const std::uint16_t ip = wire::finish(wire::sum(frame.bytes().subspan(14, 20)));
    base::store_be16(frame.mutable_bytes().data() + 14 + 10, ip);
    CHECK(received_payload(frame) == filled().substr(0, 1000));

    const Buffer six = builder.tcp(v6(), header(), &queue, 0, 1000);
    CHECK(six.get()->ol_flags == (RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV6));
    CHECK(six.get()->l3_len == 40);
}

TEST_CASE("a clone does not carry the flags with which its bytes were received") {
    FrameBuilder builder(test::pool(), test::indirect_pool(), capable());
    ByteQueue queue;
    packet::Slice slice = test::make_slice(pattern(600));
    slice.buffer().get()->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_RSS_HASH;
    queue.push_back(std::move(slice));
    const Buffer frame = builder.tcp(v4(), header(), &queue, 0, 600);
    REQUIRE(frame.get()->nb_segs == 2);
    CHECK(frame.get()->next->ol_flags == RTE_MBUF_F_INDIRECT);
}

// RFC 9293 3.9.1.9, SHLD-22.
TEST_CASE("an IP packet around a finished message has the header that was asked for") {
    FrameBuilder builder(test::pool(), nullptr, {});
    FrameAddressing to = v6();
    to.hop_limit = 255;
    to.traffic_class = 0xb8;
    to.flow_label = 0xabcde;
    const std::vector<std::uint8_t> message(32, 0x5a);
    const Buffer frame = builder.ip(to, wire::kProtocolIcmpv6, message);
    const auto parsed = wire::parse_frame(frame.bytes(), frame.length());
    REQUIRE(parsed.ok());
    CHECK(parsed.value().hop_limit == 255);
    CHECK(parsed.value().traffic_class == 0xb8);
    CHECK(parsed.value().protocol == wire::kProtocolIcmpv6);
    CHECK(parsed.value().l4_length == 32);
    CHECK(base::load_be32(frame.bytes().data() + 14) == 0x6b8abcdeu);
}

TEST_CASE("an Ethernet frame is padded with zeros to 60 bytes, and not beyond") {
    FrameBuilder builder(test::pool(), nullptr, {});
    const std::vector<std::uint8_t> message(46, 0x11);
    const Buffer padded = builder.ethernet({}, {}, 0x0806, base::Bytes(message).first(28));
    CHECK(padded.length() == 60);
    for (std::size_t i = 14 + 28; i < 60; ++i)
        CHECK(padded.bytes()[i] == 0);
    CHECK(builder.ethernet({}, {}, 0x0806, base::Bytes(message).first(45)).length() == 60);
    CHECK(builder.ethernet({}, {}, 0x0806, message).length() == 60);
    const std::vector<std::uint8_t> longer(47, 0x11);
    CHECK(builder.ethernet({}, {}, 0x0806, longer).length() == 61);
}

// RFC 9293 3.1, MUST-2: partial sums are carried from frame to frame.
TEST_CASE("frames of one set of headers are those that are made one by one, whoever does the checksums") {
    PortCapabilities can = capable();
    can.tx_tcp_checksum = GENERATE(false, true);
    can.tx_ipv4_checksum = can.tx_tcp_checksum;
    FrameBuilder builder(test::pool(), test::indirect_pool(), can);
    ByteQueue queue;
    fill(queue);
    for (const FrameAddressing& to : {v4(), v6()}) {
        wire::TcpHeader own = header();
        const packet::TcpHeaders headers = builder.tcp_headers(to, own, 477);
        for (std::uint32_t i = 0; i < 3; ++i) {
            own.seq = wire::SeqNum(0xffff'fe00u + i * 477);  // round the end of the numbers
            own.flags = {
                static_cast<std::uint8_t>(wire::TcpFlags::kAck | (i == 2 ? wire::TcpFlags::kPsh : 0))};
            const Buffer alone = builder.tcp(to, own, &queue, i * 477, 477);
            const Buffer together = builder.tcp(headers, own.seq, i == 2, &queue, i * 477);
            REQUIRE((alone && together));
            CHECK(test::to_string(together) == test::to_string(alone));
            CHECK(together.get()->ol_flags == alone.get()->ol_flags);
            CHECK(together.get()->tx_offload == alone.get()->tx_offload);
            CHECK(together.get()->nb_segs == alone.get()->nb_segs);
            if (!can.tx_tcp_checksum) {
                const std::string all = test::to_string(together);
                const base::Bytes bytes(reinterpret_cast<const std::uint8_t*>(all.data()), all.size());
                const auto frame = wire::parse_frame(bytes, static_cast<std::uint32_t>(bytes.size()));
                REQUIRE(frame.ok());
                CHECK(wire::l4_checksum_is_good(
                    frame.value(), bytes.subspan(frame.value().l4_offset, frame.value().l4_length)));
            }
        }
    }
}

TEST_CASE("a run that the device cuts is one frame with the whole's length and a sum without it") {
    PortCapabilities can = capable();
    can.tx_tcp_checksum = true;
    can.tx_ipv4_checksum = GENERATE(as<bool>(), false, true);
    can.tso_segments_max = 4;
    FrameBuilder builder(test::pool(), test::indirect_pool(), can);
    ByteQueue queue;
    fill(queue);
    const packet::TcpHeaders headers = builder.tcp_headers(v4(), header(), 400);
    CHECK(builder.run_max(headers) == (65535 - 20 - 32) / 400);
    const Buffer run = builder.tcp_run(headers, wire::SeqNum(1000), true, queue, 100, 3);
    REQUIRE(run);
    const rte_mbuf* mbuf = run.get();
    CHECK(mbuf->nb_segs == 4);
    CHECK(mbuf->pkt_len == 14 + 20 + 32 + 1200);
    CHECK(mbuf->tso_segsz == 400);
    CHECK((mbuf->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0);
    CHECK(((mbuf->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) != 0) == can.tx_ipv4_checksum);
    const std::uint8_t* ip = run.bytes().data() + 14;
    CHECK(base::load_be16(ip + 2) == 20 + 32 + 1200);
    CHECK((wire::finish(wire::sum({ip, 20})) == 0) == !can.tx_ipv4_checksum);
    CHECK(base::load_be16(ip + 20 + 16) ==
          wire::fold(wire::pseudo_sum(v4().source, v4().destination, wire::kProtocolTcp, 0)));
    CHECK(test::to_string(run).substr(66) == filled().substr(100, 1200));
}

TEST_CASE("a run that a device can't take in as many pieces is none, and nothing stays taken") {
    PortCapabilities can = capable();
    can.tx_tcp_checksum = true;
    can.tso_segments_max = 4;
    SECTION("in all") {
        can.tso_segments_max = 3;
    }
    SECTION("in one of its segments") {
        can.tx_segments_max = 2;  // the header and one piece; two of the segments lie in two
    }
    SECTION("for want of clones") {}
    FrameBuilder builder(test::pool(), test::indirect_pool(), can);
    ByteQueue queue;
    fill(queue);
    const packet::TcpHeaders headers = builder.tcp_headers(v6(), header(), 400);
    std::vector<Buffer> hoard;
    if (can.tso_segments_max == 4 && can.tx_segments_max > 2) {
        while (rte_mbuf* mbuf = rte_pktmbuf_alloc(test::indirect_pool()))
            hoard.emplace_back(mbuf);
        hoard.pop_back();
    }
    const auto held = test::buffers_in_use();
    CHECK_FALSE(builder.tcp_run(headers, wire::SeqNum(1000), true, queue, 100, 3));
    CHECK(test::buffers_in_use() == held);
    for (std::uint32_t i = 0; i < 3; ++i)
        CHECK(builder.tcp(headers, wire::SeqNum(1000) + i * 400, false, &queue, 100 + i * 400));
}

TEST_CASE("a port without TSO takes segments one by one") {
    FrameBuilder builder(test::pool(), test::indirect_pool(), capable());
    CHECK(builder.run_max(builder.tcp_headers(v4(), header(), 400)) == 1);
}

TEST_CASE("segments that drivers refuse to cut off go one by one") {
    PortCapabilities can = capable();
    can.tx_tcp_checksum = true;
    can.tso_segments_max = 16;
    FrameBuilder builder(test::pool(), test::indirect_pool(), can);
    CHECK(builder.run_max(builder.tcp_headers(v4(), header(), 255)) == 1);
    CHECK(builder.run_max(builder.tcp_headers(v4(), header(), 256)) > 1);
}

TEST_CASE("a run is the same to who compares frames, whatever a driver has made of its checksum") {
    PortCapabilities can = capable();
    can.tx_tcp_checksum = true;
    can.tso_segments_max = 16;
    FrameBuilder builder(test::pool(), test::indirect_pool(), can);
    ByteQueue queue;
    fill(queue);
    const packet::TcpHeaders headers = builder.tcp_headers(v6(), header(), 400);
    Buffer run = builder.tcp_run(headers, wire::SeqNum(1000), true, queue, 0, 3);
    REQUIRE(run);
    CHECK(packet::segments_of_run(run) == 3);
    const auto compared = [&] {
        std::string all;
        packet::for_each_sent_segment(run.get(), [&](std::uint16_t, base::Bytes bytes) {
            all.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        });
        return all;
    };
    const std::string before = compared();
    std::string plain = test::to_string(run);
    CHECK(before.size() == plain.size());
    plain[54 + 16] = plain[54 + 17] = 0;
    CHECK(before == plain);
    run.mutable_bytes()[54 + 16] ^= 0x5a;
    CHECK(compared() == before);
    const Buffer single = builder.tcp(headers, wire::SeqNum(1000), true, &queue, 0);
    CHECK(packet::segments_of_run(single) == 0);
}
