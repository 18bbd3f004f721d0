#include "packet/batch.hpp"

#include <catch2/catch.hpp>

#include "support/pool.hpp"

using namespace terminus;
using packet::Batch;
using packet::Buffer;

namespace {

Buffer numbered(std::uint8_t number) {
    return test::make_buffer(base::Bytes(&number, 1));
}

}  // namespace

TEST_CASE("a batch takes 64 frames and says when it is full") {
    const auto before = test::buffers_in_use();
    {
        Batch batch;
        CHECK(batch.empty());
        for (std::uint8_t i = 0; i < Batch::kCapacity - 1; ++i)
            batch.push_back(numbered(i));
        CHECK_FALSE(batch.full());
        CHECK(batch.room() == 1);
        batch.push_back(numbered(63));
        CHECK(batch.full());
        CHECK(batch.room() == 0);
    }
    CHECK(test::buffers_in_use() == before);
}

TEST_CASE("frames that a device did not accept stay in order at the front") {
    Batch batch;
    for (std::uint8_t i = 0; i < 5; ++i)
        batch.push_back(numbered(i));
    rte_pktmbuf_free_bulk(batch.begin(), 2);  // what the device does with the frames it took
    batch.sent(2);
    REQUIRE(batch.size() == 3);
    for (std::uint16_t i = 0; i < 3; ++i)
        CHECK(*rte_pktmbuf_mtod(batch.peek(i), std::uint8_t*) == i + 2);
    batch.sent(0);
    CHECK(batch.size() == 3);
}

TEST_CASE("a frame taken out of a batch leaves an empty place and outlives the batch") {
    const auto before = test::buffers_in_use();
    {
        Buffer kept;
        {
            Batch batch;
            batch.push_back(numbered(7));
            batch.push_back(numbered(8));
            kept = batch.take(0);
            CHECK(batch.peek(0) == nullptr);
            CHECK(batch.size() == 2);
        }
        CHECK(kept.bytes()[0] == 7);
        CHECK(test::buffers_in_use() == before + 1);
    }
    CHECK(test::buffers_in_use() == before);
}

TEST_CASE("a batch that was cleared can be filled by a port again") {
    Batch batch;
    batch.push_back(numbered(1));
    batch.clear();
    CHECK(batch.empty());
    *batch.end() = numbered(9).release();
    batch.received(1);
    REQUIRE(batch.size() == 1);
    CHECK(*rte_pktmbuf_mtod(batch.peek(0), std::uint8_t*) == 9);
}
