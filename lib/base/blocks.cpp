#include "base/blocks.hpp"

#include <cstring>

#include "base/assert.hpp"

namespace terminus::base {

Blocks::Blocks(std::size_t bytes)
    : memory_((bytes + kChunk - 1) / kChunk * kChunk),
      base_(static_cast<std::uint8_t*>(memory_.data())),
      chunks_left_(memory_.size() / kChunk) {
    TERMINUS_ASSERT(memory_.size() / kUnit < kNone, "a block is named by its first unit");
}

std::uint32_t Blocks::allocate(std::size_t bytes) {
    const std::size_t units = units_of(bytes);
    TERMINUS_ASSERT(units > 0 && bytes <= kBytesMax, "callers keep to the sizes there are");
    Size& size = sizes_[units];
    std::uint32_t block = size.free_head;
    if (block != kNone) {
        std::memcpy(&size.free_head, at(block), sizeof size.free_head);
    } else {
        if (size.fresh_count == 0) {
            if (chunks_left_ == 0) return kNone;
            --chunks_left_;
            size.fresh = static_cast<std::uint32_t>(next_chunk_++ * (kChunk / kUnit));
            size.fresh_count = static_cast<std::uint32_t>(kChunk / kUnit / units);
        }
        block = size.fresh;
        size.fresh += static_cast<std::uint32_t>(units);
        --size.fresh_count;
    }
    used_ += units * kUnit;
    return block;
}

void Blocks::release(std::uint32_t block, std::size_t bytes) {
    const std::size_t units = units_of(bytes);
    Size& size = sizes_[units];
    std::memcpy(at(block), &size.free_head, sizeof size.free_head);
    size.free_head = block;
    used_ -= units * kUnit;
}

}  // namespace terminus::base
