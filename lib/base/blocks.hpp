#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/memory.hpp"

namespace terminus::base {

/// Blocks of at most kBytesMax bytes, each as large as it has to be, in steps of kUnit. All memory is
/// reserved at construction and committed on use; what is released is used again for blocks of its size.
class Blocks {
 public:
    static constexpr std::uint32_t kNone = UINT32_MAX;
    static constexpr std::size_t kUnit = 8;
    static constexpr std::size_t kBytesMax = 256;
    /// Memory goes to a size in pieces of this, and stays with it.
    static constexpr std::size_t kChunk = 4096;
    /// What sizes of which there are few may leave unused.
    static constexpr std::size_t kUnusedMax = kBytesMax / kUnit * kChunk;

    /// For `bytes` bytes altogether, at most 32 GiB.
    explicit Blocks(std::size_t bytes);

    /// A block of 1 … kBytesMax bytes, or kNone when there is no memory left for one of this size.
    [[nodiscard]] std::uint32_t allocate(std::size_t bytes);
    /// `bytes` is what it was allocated for.
    void release(std::uint32_t block, std::size_t bytes);
    [[nodiscard]] std::uint8_t* at(std::uint32_t block) const { return base_ + std::size_t{block} * kUnit; }
    /// In blocks that are allocated, in whole units.
    [[nodiscard]] std::size_t used_bytes() const { return used_; }

 private:
    struct Size {
        std::uint32_t free_head = kNone;  // a free block begins with the next one
        std::uint32_t fresh = 0;          // of the chunk at hand: the next block that was never used,
        std::uint32_t fresh_count = 0;    // and how many there are
    };

    [[nodiscard]] static std::size_t units_of(std::size_t bytes) { return (bytes + kUnit - 1) / kUnit; }

    Memory memory_;
    std::uint8_t* base_;
    std::size_t chunks_left_;
    std::size_t next_chunk_ = 0;
    std::size_t used_ = 0;
    std::array<Size, kBytesMax / kUnit + 1> sizes_;
};

}  // namespace terminus::base
