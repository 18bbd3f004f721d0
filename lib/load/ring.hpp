#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/assert.hpp"
#include "base/memory.hpp"

namespace terminus::load {

/// First in, first out, for entries that are there at most once: so `capacity` of them are all there can be.
template <typename Entry>
class Ring {
 public:
    explicit Ring(std::uint32_t capacity)
        : memory_(std::bit_ceil(std::size_t{capacity}) * sizeof(Entry)),
          entries_(static_cast<Entry*>(memory_.data())),
          mask_(static_cast<std::uint32_t>(std::bit_ceil(capacity) - 1)) {}

    [[nodiscard]] bool empty() const { return head_ == tail_; }
    [[nodiscard]] std::uint32_t size() const { return tail_ - head_; }
    [[nodiscard]] const Entry& front() const { return entries_[head_ & mask_]; }
    void push(Entry entry) {
        TERMINUS_ASSERT(size() <= mask_, "an entry is there at most once");
        entries_[tail_++ & mask_] = entry;
    }
    Entry pop() {
        TERMINUS_ASSERT(!empty(), "callers ask empty() first");
        return entries_[head_++ & mask_];
    }

 private:
    base::Memory memory_;
    Entry* entries_;
    std::uint32_t mask_;
    std::uint32_t head_ = 0;
    std::uint32_t tail_ = 0;
};

using IndexRing = Ring<std::uint32_t>;

}  // namespace terminus::load
