#include "packet/batch.hpp"

#include <algorithm>

namespace terminus::packet {

void Batch::sent(std::uint16_t count) {
    TERMINUS_ASSERT(count <= count_, "a device can't accept more frames than it was offered");
    const auto rest = std::copy(frames_.begin() + count, frames_.begin() + count_, frames_.begin());
    std::fill(rest, frames_.begin() + count_, nullptr);
    count_ = static_cast<std::uint16_t>(count_ - count);
}

void Batch::clear() {
    rte_pktmbuf_free_bulk(frames_.data(), count_);  // skips the places that take() left empty
    std::fill(frames_.begin(), frames_.begin() + count_, nullptr);
    count_ = 0;
}

}  // namespace terminus::packet
