#include "packet/chain.hpp"

#include <catch2/catch.hpp>
#include <cstring>

#include "packet/frame_access.hpp"
#include "support/pool.hpp"

using namespace terminus;
using packet::Buffer;

namespace {

std::vector<std::uint8_t> pattern(std::size_t length) {
    std::vector<std::uint8_t> bytes(length);
    for (std::size_t i = 0; i < length; ++i)
        bytes[i] = static_cast<std::uint8_t>(i * 7 + (i >> 8));
    return bytes;
}

std::string as_text(base::Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string joined(const packet::SliceList& list) {
    std::string text;
    for (const packet::Slice& slice : list)
        text += as_text(slice.bytes());
    return text;
}

}  // namespace

// HARDENING 1: an mbuf chain split anywhere.
TEST_CASE("headers become one piece wherever the chain is split, and no byte changes") {
    const auto before = test::buffers_in_use();
    const auto bytes = pattern(300);
    for (std::size_t segment = 1; segment <= 301; segment += segment < 20 ? 1 : 31) {
        INFO("segments of " << segment);
        Buffer frame = test::make_chain(bytes, segment);
        REQUIRE(packet::linearise_headers(frame, 128, test::pool()));
        CHECK(frame.bytes().size() >= 128);
        CHECK(frame.length() == 300);
        CHECK(test::to_string(frame) == as_text(bytes));
        std::uint16_t segments = 0;
        for (const rte_mbuf* at = frame.get(); at != nullptr; at = at->next)
            ++segments;
        CHECK(frame.get()->nb_segs == segments);
    }
    CHECK(test::buffers_in_use() == before);
}

TEST_CASE("a frame shorter than the headers wanted becomes linear") {
    const auto bytes = pattern(60);
    Buffer frame = test::make_chain(bytes, 7);
    REQUIRE(packet::linearise_headers(frame, 256, test::pool()));
    CHECK(frame.is_linear());
    CHECK(test::to_string(frame) == as_text(bytes));
}

TEST_CASE("a first mbuf without room gets one in front of it, or the frame stays as it was") {
    const auto before = test::buffers_in_use();
    {
        const auto bytes = pattern(120);
        Buffer frame = test::make_chain(bytes, 40);
        // The first 40 bytes lie at the very end of their mbuf.
        std::memcpy(frame.get()->buf_addr, frame.bytes().data(), 40);
        frame.get()->data_off = static_cast<std::uint16_t>(frame.get()->buf_len - 40);
        std::memcpy(frame.mutable_bytes().data(), frame.get()->buf_addr, 40);
        REQUIRE(rte_pktmbuf_tailroom(frame.get()) == 0);
        std::vector<Buffer> hoard;
        while (rte_mbuf* mbuf = rte_pktmbuf_alloc(test::pool()))
            hoard.emplace_back(mbuf);
        CHECK_FALSE(packet::linearise_headers(frame, 64, test::pool()));
        CHECK(test::to_string(frame) == as_text(bytes));
        hoard.clear();
        rte_mbuf* first = frame.get();
        REQUIRE(packet::linearise_headers(frame, 64, test::pool()));
        CHECK(frame.get() != first);
        CHECK(frame.bytes().size() == 64);
        CHECK(frame.length() == 120);
        CHECK(test::to_string(frame) == as_text(bytes));
    }
    CHECK(test::buffers_in_use() == before);
}

TEST_CASE("a chain's payload comes apart into slices that hold just the payload") {
    const auto before = test::buffers_in_use();
    {
        const auto bytes = pattern(5000);
        const std::string all = as_text(bytes);
        Buffer frame = test::make_chain(bytes, 1000);
        packet::SliceList list = packet::split_payload(std::move(frame), 54, 4900);
        CHECK(list.size() == 5);
        CHECK(list[0].offset() == 54);
        CHECK(list[0].length() == 946);
        CHECK(joined(list) == all.substr(54, 4900));
        for (packet::Slice& slice : list)
            CHECK(slice.buffer().is_linear());
    }
    CHECK(test::buffers_in_use() == before);
}

TEST_CASE("mbufs before and behind the payload are freed") {
    const auto before = test::buffers_in_use();
    const auto bytes = pattern(3000);
    Buffer frame = test::make_chain(bytes, 500);
    const packet::SliceList list = packet::split_payload(std::move(frame), 1000, 500);
    REQUIRE(list.size() == 1);
    CHECK(joined(list) == as_text(bytes).substr(1000, 500));
    CHECK(test::buffers_in_use() == before + 1);
}

TEST_CASE("a chain of tiny mbufs is copied together") {
    const auto bytes = pattern(700);
    const packet::SliceList list = packet::split_payload(test::make_chain(bytes, 1), 40, 660);
    CHECK(list.size() == 1);
    CHECK(joined(list) == as_text(bytes).substr(40));
}

TEST_CASE("64 KiB in the worst pieces still fit the list") {
    const auto bytes = pattern(65000);
    const packet::SliceList list = packet::split_payload(test::make_chain(bytes, 257), 0, 65000);
    REQUIRE(list.size() > 0);
    CHECK(joined(list) == as_text(bytes));
}

TEST_CASE("trimming cuts padding off, within a segment and across segments") {
    const auto bytes = pattern(100);
    for (const std::uint32_t kept : {100u, 99u, 70u, 61u, 60u, 31u, 30u, 29u, 1u}) {
        Buffer frame = test::make_chain(bytes, 30);
        packet::trim_chain(frame, kept);
        CHECK(frame.length() == kept);
        CHECK(test::to_string(frame) == as_text(bytes).substr(0, kept));
        CHECK(frame.get()->nb_segs == (kept + 29) / 30);
    }
}

TEST_CASE("a chain's checksum is the same wherever it is split") {
    const auto bytes = pattern(401);
    const std::uint16_t expected = wire::fold(7 + wire::sum(base::Bytes(bytes).subspan(33, 300)));
    for (const std::size_t segment : {1u, 3u, 32u, 33u, 34u, 400u, 401u}) {
        const Buffer frame = test::make_chain(bytes, segment);
        CHECK(wire::fold(packet::sum_bytes(frame, 33, 300, 7)) == expected);
    }
}

TEST_CASE("a frame's destination can be filled in later") {
    Buffer frame = test::make_buffer(pattern(60));
    const wire::MacAddress mac{{2, 0, 0, 0, 0, 9}};
    packet::set_destination_mac(frame, mac);
    CHECK(std::equal(mac.bytes.begin(), mac.bytes.end(), frame.bytes().begin()));
    CHECK(frame.bytes()[6] == pattern(60)[6]);
}

TEST_CASE("a pool tells what it has and what is free") {
    const std::uint32_t total = packet::buffers_total(test::pool());
    CHECK(total == 8191);
    const std::uint32_t free = packet::buffers_available(test::pool());
    const Buffer one = test::make_buffer({});
    CHECK(packet::buffers_available(test::pool()) == free - 1);
}

TEST_CASE("what another lcore keeps in its cache is free, and out of reach") {
    rte_mempool* const pool = rte_pktmbuf_pool_create("within_reach", 511, 64, 0, 2176, 0);
    REQUIRE(pool != nullptr);
    rte_mbuf* const ours = rte_pktmbuf_alloc(pool);  // and some more are in our cache now
    CHECK(packet::buffers_within_reach(pool) == 510);
    void* theirs[10];
    REQUIRE(rte_mempool_generic_get(pool, theirs, 10, nullptr) == 0);
    rte_mempool_generic_put(pool, theirs, 10, &pool->local_cache[RTE_MAX_LCORE - 1]);
    CHECK(packet::buffers_within_reach(pool) == 500);
    CHECK(packet::buffers_available(pool) == 510);
    rte_pktmbuf_free(ours);
    CHECK(packet::buffers_within_reach(pool) == 501);
    rte_mempool_free(pool);
}

TEST_CASE("HARDENING 7: only a device's word for good counts as verified") {
    Buffer frame = test::make_buffer({});
    CHECK_FALSE(packet::device_verified_l4(frame));
    frame.get()->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    CHECK(packet::device_verified_l4(frame));
    frame.get()->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_BAD;
    CHECK_FALSE(packet::device_verified_l4(frame));
    frame.get()->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_NONE;
    CHECK_FALSE(packet::device_verified_l4(frame));
}
