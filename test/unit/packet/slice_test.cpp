#include "packet/slice.hpp"

#include <rte_mbuf.h>

#include <catch2/catch.hpp>

#include "support/pool.hpp"

using namespace terminus;
using packet::Buffer;
using packet::Slice;

namespace {

std::string text_of(const Slice& slice) {
    return {reinterpret_cast<const char*>(slice.bytes().data()), slice.bytes().size()};
}

}  // namespace

TEST_CASE("a slice shows the bytes it covers and never trims the mbuf") {
    const auto before = test::buffers_in_use();
    {
        Slice slice = test::make_slice("headerpayloadpad");
        slice.trim_front(6);
        slice.truncate(7);
        CHECK(text_of(slice) == "payload");
        CHECK(slice.offset() == 6);
        CHECK(slice.buffer().get()->data_len == 16);
        CHECK(slice.buffer().get()->data_off == RTE_PKTMBUF_HEADROOM);
        slice.trim_front(7);
        CHECK(slice.empty());
        CHECK(slice.bytes().empty());
    }
    CHECK(test::buffers_in_use() == before);
}

TEST_CASE("a slice that was moved from is empty and frees nothing") {
    const auto before = test::buffers_in_use();
    Slice first = test::make_slice("abc");
    Slice second = std::move(first);
    CHECK(first.empty());
    CHECK_FALSE(first.buffer());
    CHECK(text_of(second) == "abc");
    CHECK(test::buffers_in_use() == before + 1);
    second = Slice();
    CHECK(test::buffers_in_use() == before);
}

TEST_CASE("a buffer is freed when its handle dies, and only then") {
    const auto before = test::buffers_in_use();
    {
        Buffer buffer = test::make_buffer({});
        CHECK(test::buffers_in_use() == before + 1);
        rte_mbuf* raw = buffer.release();
        CHECK_FALSE(buffer);
        CHECK(test::buffers_in_use() == before + 1);
        const Buffer adopted(raw);
        CHECK(adopted.length() == 0);
    }
    CHECK(test::buffers_in_use() == before);
}

TEST_CASE("a chain is freed whole") {
    const auto before = test::buffers_in_use();
    {
        const std::array<std::uint8_t, 10> bytes{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
        const Buffer chain = test::make_chain(bytes, 3);
        CHECK_FALSE(chain.is_linear());
        CHECK(chain.length() == 10);
        CHECK(chain.bytes().size() == 3);
        CHECK(test::buffers_in_use() == before + 4);
    }
    CHECK(test::buffers_in_use() == before);
}
