#include "packet/byte_queue.hpp"

#include <catch2/catch.hpp>

#include "base/rng.hpp"
#include "support/archived.hpp"
#include "support/pool.hpp"

using namespace terminus;
using packet::ByteQueue;
using packet::Slice;
using test::make_slice;
using test::to_string;

namespace {

constexpr std::uint16_t kLarge = ByteQueue::kCopyMax + 1;

std::string pattern(std::size_t length, char first = 'a') {
    std::string text;
    for (std::size_t i = 0; i < length; ++i)
        text.push_back(static_cast<char>(first + i % 23));
    return text;
}

std::string range(const ByteQueue& queue, std::uint32_t from, std::uint32_t length) {
    std::string text;
    queue.for_each_piece(from, length, [&](rte_mbuf* mbuf, std::uint16_t offset, std::uint16_t taken) {
        text.append(rte_pktmbuf_mtod_offset(mbuf, const char*, offset), taken);
    });
    return text;
}

}  // namespace

TEST_CASE("a small slice is copied behind the tail and its own mbuf freed at once") {
    const auto before = test::buffers_in_use();
    {
        ByteQueue queue;
        queue.push_back(make_slice("abc"));
        queue.push_back(make_slice("defg"));
        CHECK(to_string(queue) == "abcdefg");
        CHECK(queue.size_bytes() == 7);
        CHECK(queue.buffer_count() == 1);
        CHECK(test::buffers_in_use() == before + 1);
    }
    CHECK(test::buffers_in_use() == before);
}

TEST_CASE("a slice of up to 256 bytes is copied, one of 257 keeps its mbuf") {
    ByteQueue queue;
    queue.push_back(make_slice("x"));
    queue.push_back(make_slice(pattern(ByteQueue::kCopyMax)));
    CHECK(queue.buffer_count() == 1);
    queue.push_back(make_slice(pattern(kLarge)));
    CHECK(queue.buffer_count() == 2);
    CHECK(to_string(queue) == "x" + pattern(ByteQueue::kCopyMax) + pattern(kLarge));
}

TEST_CASE("nothing is written behind bytes that somebody else holds too") {
    ByteQueue queue;
    Slice first = make_slice("abc");
    rte_mbuf* shared = first.buffer().get();
    rte_mbuf_refcnt_update(shared, 1);  // as a clone on its way through a device does
    const packet::Buffer other_reference(shared);
    queue.push_back(std::move(first));
    queue.push_back(make_slice("def"));
    CHECK(queue.buffer_count() == 2);
    CHECK(shared->data_len == 3);
    CHECK(to_string(queue) == "abcdef");
}

TEST_CASE("nothing is written behind the bytes of a clone") {
    const packet::Buffer original = test::make_buffer({});
    rte_pktmbuf_append(original.get(), 10);
    rte_mbuf* clone = rte_pktmbuf_alloc(test::indirect_pool());
    REQUIRE(clone != nullptr);
    rte_pktmbuf_attach(clone, original.get());
    ByteQueue queue;
    queue.push_back(Slice(packet::Buffer(clone), 0, 10));
    queue.push_back(make_slice("z"));
    CHECK(queue.buffer_count() == 2);
    CHECK(original.get()->data_len == 10);
}

TEST_CASE("padding behind the tail's bytes gives way to the next small slice") {
    ByteQueue queue;
    Slice padded = make_slice(std::string("ab\0\0\0\0", 6));
    padded.truncate(2);
    queue.push_back(std::move(padded));
    queue.push_back(make_slice("cdefghij"));
    CHECK(to_string(queue) == "abcdefghij");
    CHECK(queue.buffer_count() == 1);
}

TEST_CASE("a full tail is left alone") {
    ByteQueue queue;
    queue.push_back(make_slice(std::string(2040, 'a')));
    queue.push_back(make_slice("12345678"));
    CHECK(queue.buffer_count() == 1);
    queue.push_back(make_slice("9"));
    CHECK(queue.buffer_count() == 2);
    CHECK(to_string(queue) == std::string(2040, 'a') + "123456789");
}

TEST_CASE("an empty slice adds nothing") {
    const auto before = test::buffers_in_use();
    ByteQueue queue;
    queue.push_back(make_slice(""));
    queue.push_back(Slice());
    CHECK(queue.empty());
    CHECK(queue.buffer_count() == 0);
    CHECK(test::buffers_in_use() == before);
}

TEST_CASE("appending moves all of the other queue") {
    ByteQueue first;
    ByteQueue second;
    first.append(std::move(second));
    CHECK(first.empty());
    second.push_back(make_slice(pattern(kLarge)));
    first.append(std::move(second));
    CHECK(second.empty());
    CHECK(second.buffer_count() == 0);
    second.push_back(make_slice("tail"));
    first.append(std::move(second));
    CHECK(to_string(first) == pattern(kLarge) + "tail");
    CHECK(first.buffer_count() == 2);
    CHECK(second.empty());
}

TEST_CASE("slices leave a queue in the order they came") {
    ByteQueue queue;
    queue.push_back(make_slice(pattern(kLarge, 'a')));
    queue.push_back(make_slice(pattern(kLarge, 'A')));
    Slice first = queue.pop_front();
    CHECK(first.length() == kLarge);
    CHECK(first.bytes()[0] == 'a');
    CHECK(queue.size_bytes() == kLarge);
    CHECK(queue.pop_front().bytes()[0] == 'A');
    CHECK(queue.empty());
}

TEST_CASE("a split between slices moves references and copies nothing") {
    ByteQueue queue;
    queue.push_back(make_slice(pattern(kLarge, 'a')));
    queue.push_back(make_slice(pattern(kLarge, 'A')));
    const auto held = test::buffers_in_use();
    const ByteQueue front = queue.split_front(kLarge, test::pool());
    CHECK(test::buffers_in_use() == held);
    CHECK(to_string(front) == pattern(kLarge, 'a'));
    CHECK(to_string(queue) == pattern(kLarge, 'A'));
}

TEST_CASE("a split within a slice copies the first part only") {
    ByteQueue queue;
    queue.push_back(make_slice(pattern(1000)));
    queue.push_back(make_slice(pattern(1000)));
    const auto held = test::buffers_in_use();
    const ByteQueue front = queue.split_front(1400, test::pool());
    CHECK(test::buffers_in_use() == held + 1);
    CHECK(to_string(front) == pattern(1000) + pattern(1000).substr(0, 400));
    CHECK(to_string(queue) == pattern(1000).substr(400));
    CHECK(queue.buffer_count() == 1);
}

TEST_CASE("a split of nothing and a split of all are what they say") {
    ByteQueue queue;
    queue.push_back(make_slice("abc"));
    CHECK(queue.split_front(0, test::pool()).empty());
    const ByteQueue all = queue.split_front(3, test::pool());
    CHECK(queue.empty());
    CHECK(to_string(all) == "abc");
}

TEST_CASE("a split with an empty pool stops at the last whole slice") {
    ByteQueue queue;
    queue.push_back(make_slice(pattern(1000)));
    queue.push_back(make_slice(pattern(1000)));
    std::vector<packet::Buffer> hoard;
    for (;;) {
        rte_mbuf* mbuf = rte_pktmbuf_alloc(test::pool());
        if (mbuf == nullptr) break;
        hoard.emplace_back(mbuf);
    }
    const ByteQueue front = queue.split_front(1900, test::pool());
    CHECK(front.size_bytes() == 1000);
    CHECK(queue.size_bytes() == 1000);
    CHECK(to_string(queue) == pattern(1000));
}

TEST_CASE("dropping from the front frees what is wholly acknowledged") {
    const auto before = test::buffers_in_use();
    ByteQueue queue;
    queue.push_back(make_slice(pattern(300)));
    queue.push_back(make_slice(pattern(300)));
    queue.drop_front(299);
    CHECK(test::buffers_in_use() == before + 2);
    queue.drop_front(1);
    CHECK(test::buffers_in_use() == before + 1);
    queue.drop_front(10);
    CHECK(to_string(queue) == pattern(300).substr(10));
    queue.drop_front(290);
    CHECK(queue.empty());
    CHECK(test::buffers_in_use() == before);
}

TEST_CASE("any range can be read, forwards or backwards") {
    ByteQueue queue;
    for (int i = 0; i < 4; ++i)
        queue.push_back(make_slice(pattern(300)));
    const std::string all = pattern(300) + pattern(300) + pattern(300) + pattern(300);
    CHECK(range(queue, 0, 1200) == all);
    CHECK(range(queue, 250, 700) == all.substr(250, 700));
    CHECK(range(queue, 900, 300) == all.substr(900, 300));
    CHECK(range(queue, 0, 10) == all.substr(0, 10));
    CHECK(range(queue, 1200, 0).empty());
}

TEST_CASE("a record's end keeps bytes apart, and is found from any place before it") {
    ByteQueue queue;
    queue.push_back(make_slice("abc"));
    queue.end_record();
    queue.push_back(make_slice("de"));
    queue.push_back(make_slice("fg"));
    CHECK(queue.buffer_count() == 2);
    CHECK(to_string(queue) == "abcdefg");
    CHECK(queue.of_one_record(0, 7) == 3);
    CHECK(queue.of_one_record(2, 5) == 1);
    CHECK(queue.of_one_record(3, 4) == 4);
    CHECK(queue.of_one_record(0, 2) == 2);
    queue.drop_front(1);
    CHECK(queue.of_one_record(0, 6) == 2);
    ByteQueue more;
    more.push_back(make_slice("h"));
    queue.end_record();
    queue.append(std::move(more));
    CHECK(queue.of_one_record(2, 5) == 4);
}

TEST_CASE("a moved queue leaves an empty one behind") {
    ByteQueue queue;
    queue.push_back(make_slice("abc"));
    ByteQueue moved = std::move(queue);
    CHECK(queue.empty());
    CHECK(to_string(moved) == "abc");
    queue = std::move(moved);
    CHECK(to_string(queue) == "abc");
}

TEST_CASE("random work leaves the bytes a plain string would have") {
    const auto before = test::buffers_in_use();
    const std::uint64_t seed = GENERATE(1u, 2u, 3u, 4u);
    INFO("seed " << seed);
    base::Rng rng(seed);
    {
        ByteQueue queue;
        std::string model;
        for (int step = 0; step < 3000; ++step) {
            switch (rng.below(6)) {
                case 0:
                case 1: {
                    const std::string text = pattern(1 + rng.below(rng.below(2) == 0 ? 8 : 1400),
                                                     static_cast<char>('A' + rng.below(20)));
                    queue.push_back(make_slice(text));
                    model += text;
                    break;
                }
                case 2: {
                    const std::uint32_t bytes =
                        rng.below(std::min<std::uint32_t>(queue.size_bytes(), 2500) + 1);
                    queue.drop_front(bytes);
                    model.erase(0, bytes);
                    break;
                }
                case 3: {
                    const std::uint32_t bytes =
                        rng.below(std::min<std::uint32_t>(queue.size_bytes(), 1500) + 1);
                    ByteQueue front = queue.split_front(bytes, test::pool());
                    REQUIRE(to_string(front) == model.substr(0, bytes));
                    front.append(std::move(queue));
                    queue = std::move(front);
                    break;
                }
                case 4: {
                    const std::uint32_t from = rng.below(queue.size_bytes() + 1);
                    const std::uint32_t length = rng.below(queue.size_bytes() - from + 1);
                    REQUIRE(range(queue, from, length) == model.substr(from, length));
                    break;
                }
                case 5:
                    if (!queue.empty()) {
                        const Slice slice = queue.pop_front();
                        REQUIRE(model.compare(0, slice.length(),
                                              reinterpret_cast<const char*>(slice.bytes().data()),
                                              slice.length()) == 0);
                        model.erase(0, slice.length());
                    }
                    break;
            }
            REQUIRE(queue.size_bytes() == model.size());
        }
        REQUIRE(to_string(queue) == model);
    }
    CHECK(test::buffers_in_use() == before);
}

TEST_CASE("a byte queue's bytes can be copied from any place without taking them") {
    packet::ByteQueue queue;
    queue.push_back(test::make_slice(std::string(300, 'a')));
    queue.push_back(test::make_slice(std::string(300, 'b')));
    std::string out(4, '.');
    queue.copy_to(298, {reinterpret_cast<std::uint8_t*>(out.data()), out.size()});
    REQUIRE(out == "aabb");
    REQUIRE(queue.size_bytes() == 600);
}

TEST_CASE("a queue copied by its bytes has the same slices in as many buffers, with the same room behind") {
    const auto before = test::buffers_in_use();
    {
        ByteQueue queue;
        queue.push_back(make_slice(pattern(700)));
        queue.push_back(make_slice("tail"));
        queue.end_record();
        queue.push_back(make_slice(pattern(2000, 'b')));
        queue.drop_front(30);
        const auto in_use = test::buffers_in_use();
        ByteQueue copy;
        test::copy_by_archive<packet::BufferReader>(queue, copy, test::pool());
        CHECK(test::buffers_in_use() == in_use + queue.buffer_count());
        CHECK(to_string(copy) == to_string(queue));
        CHECK(copy.buffer_count() == 2);
        CHECK(copy.of_one_record(0, copy.size_bytes()) == 674);
        for (int i = 0; i < 30; ++i) {
            queue.push_back(make_slice("small"));
            copy.push_back(make_slice("small"));
            REQUIRE(copy.buffer_count() == queue.buffer_count());
        }
        CHECK(copy.buffer_count() == 3);
        CHECK(to_string(copy) == to_string(queue));
    }
    CHECK(test::buffers_in_use() == before);
}

TEST_CASE("a queue for which the pool has no buffers is refused, and gives back what it took") {
    ByteQueue queue;
    for (int i = 0; i < 3; ++i)
        queue.push_back(make_slice(pattern(kLarge)));
    const std::vector<std::uint8_t> bytes = test::archived(queue);
    const auto in_use = test::buffers_in_use();
    std::vector<packet::Buffer> taken;
    while (rte_mempool_avail_count(test::pool()) > 2)
        taken.emplace_back(rte_pktmbuf_alloc(test::pool()));
    {
        ByteQueue copy;
        CHECK(test::read_archive<packet::BufferReader>(bytes, copy, test::pool()) ==
              packet::BufferReader::kNoBuffer);
    }
    taken.clear();
    CHECK(test::buffers_in_use() == in_use);
}
