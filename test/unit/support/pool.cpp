#include "support/pool.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "base/assert.hpp"
#include "dpdk/eal.hpp"
#include "dpdk/pool.hpp"

namespace terminus::test {
namespace {

dpdk::Pool make_pool(const char* name, std::uint32_t count, std::uint16_t data_room) {
    start_eal();
    dpdk::PoolSettings settings;
    settings.name = name;
    settings.count = count;
    settings.data_room = data_room;
    settings.poisoned = true;
    auto made = dpdk::Pool::create(settings);
    if (!made.ok()) {
        std::fprintf(stderr, "%s\n", made.error().c_str());
        std::abort();
    }
    return std::move(made).value();
}

// EAL and pools live until the process ends: tests' static objects may still hold mbufs when statics die, and
// EAL's clean-up is tested by lib/dpdk's own users.
const dpdk::Pool& data_pool() {
    static const auto* made = new dpdk::Pool(make_pool("test_data", 8191, dpdk::kFrameDataRoom));
    return *made;
}
const dpdk::Pool& clone_pool() {
    static const auto* made = new dpdk::Pool(make_pool("test_indirect", 2047, 0));
    return *made;
}

}  // namespace

void start_eal(std::uint32_t megabytes) {
    static const auto* eal = [megabytes] {
        auto started =
            dpdk::Eal::start({"--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "--log-level=error",
                              "-m", std::to_string(megabytes), dpdk::one_lcore()});
        if (!started.ok()) {
            std::fprintf(stderr, "%s\n", started.error().c_str());
            std::abort();
        }
        return new dpdk::Eal(std::move(started).value());
    }();
    TERMINUS_ASSERT(eal != nullptr, "made above");
}

rte_mempool* pool() {
    return data_pool().get();
}
rte_mempool* indirect_pool() {
    return clone_pool().get();
}

packet::Buffer make_buffer(base::Bytes bytes) {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(pool());
    TERMINUS_ASSERT(mbuf != nullptr, "the pool is larger than any test needs");
    TERMINUS_ASSERT(bytes.size() <= rte_pktmbuf_tailroom(mbuf), "tests make buffers of at most 2048 bytes");
    char* room = rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(bytes.size()));
    if (!bytes.empty()) std::memcpy(room, bytes.data(), bytes.size());
    return packet::Buffer(mbuf);
}

packet::Buffer make_chain(base::Bytes bytes, std::size_t segment_bytes) {
    packet::Buffer head = make_buffer(bytes.first(std::min(segment_bytes, bytes.size())));
    for (std::size_t at = segment_bytes; at < bytes.size(); at += segment_bytes) {
        packet::Buffer next = make_buffer(bytes.subspan(at, std::min(segment_bytes, bytes.size() - at)));
        const int failed = rte_pktmbuf_chain(head.get(), next.release());
        TERMINUS_ASSERT(failed == 0, "tests chain fewer segments than an mbuf can count");
    }
    return head;
}

packet::Slice make_slice(base::Bytes bytes) {
    return packet::Slice(make_buffer(bytes), 0, static_cast<std::uint16_t>(bytes.size()));
}

packet::Slice make_slice(std::string_view text) {
    return make_slice(base::Bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

std::string to_string(const packet::ByteQueue& queue) {
    std::string text;
    queue.for_each_piece(0, queue.size_bytes(),
                         [&](rte_mbuf* mbuf, std::uint16_t offset, std::uint16_t length) {
                             text.append(rte_pktmbuf_mtod_offset(mbuf, const char*, offset), length);
                         });
    return text;
}

std::string to_string(const packet::Buffer& frame) {
    std::string text;
    for (const rte_mbuf* segment = frame.get(); segment != nullptr; segment = segment->next) {
        text.append(rte_pktmbuf_mtod(segment, const char*), segment->data_len);
    }
    return text;
}

std::uint32_t buffers_in_use() {
    return data_pool().in_use() + clone_pool().in_use();
}

}  // namespace terminus::test
