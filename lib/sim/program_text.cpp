#include "sim/program_text.hpp"

#include <rte_mbuf.h>

#include "base/assert.hpp"

namespace terminus::sim::detail {

packet::Slice blank_slice(rte_mempool* pool, std::uint16_t length, base::MutableBytes& room) {
    rte_mbuf* const mbuf = rte_pktmbuf_alloc(pool);
    if (mbuf == nullptr) return {};
    auto* const begin = reinterpret_cast<std::uint8_t*>(rte_pktmbuf_append(mbuf, length));
    TERMINUS_ASSERT(begin != nullptr, "pools have room for a frame");
    room = {begin, length};
    return packet::Slice(packet::Buffer(mbuf), 0, length);
}

}  // namespace terminus::sim::detail
