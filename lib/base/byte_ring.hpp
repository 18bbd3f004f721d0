#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/assert.hpp"
#include "base/bytes.hpp"

namespace terminus::base {

/// A bounded stream of bytes between exactly one producing and one consuming thread. What the producer puts
/// is seen when it commits; until then it may be written over or taken back.
class ByteRing {
 public:
    /// `capacity` is a power of two, at least 2; all of it is usable.
    explicit ByteRing(std::size_t capacity) : bytes_(capacity), mask_(capacity - 1) {
        TERMINUS_ASSERT(capacity >= 2 && std::has_single_bit(capacity), "indices wrap by a mask");
    }

    // ---- the producer's side

    /// Appends all of `bytes`; false, and nothing is done, when there is no room for them.
    [[nodiscard]] bool put(Bytes bytes) {
        if (written_ + bytes.size() - head_cache_ > bytes_.size()) {
            head_cache_ = head_.load(std::memory_order_acquire);
            if (written_ + bytes.size() - head_cache_ > bytes_.size()) return false;
        }
        copy_to(written_, bytes);
        written_ += bytes.size();
        return true;
    }
    /// Where the next byte goes: a place for overwrite() and cut(), until commit().
    [[nodiscard]] std::size_t mark() const { return written_; }
    /// Replaces what was put at `mark`.
    void overwrite(std::size_t mark, Bytes bytes) {
        TERMINUS_ASSERT(mark >= tail_.load(std::memory_order_relaxed) && mark + bytes.size() <= written_,
                        "only what is there and not yet committed can be written over");
        copy_to(mark, bytes);
    }
    /// Takes back all that was put from `mark` on.
    void cut(std::size_t mark) {
        TERMINUS_ASSERT(mark >= tail_.load(std::memory_order_relaxed) && mark <= written_,
                        "only what is there and not yet committed can be taken back");
        written_ = mark;
    }
    void commit() { tail_.store(written_, std::memory_order_release); }

    // ---- the consumer's side

    /// All that is committed, in two pieces where the ring wraps; valid until it is consumed.
    [[nodiscard]] std::array<Bytes, 2> readable() const {
        const std::size_t head = head_.load(std::memory_order_relaxed);
        const std::size_t count = tail_.load(std::memory_order_acquire) - head;
        const std::size_t first = std::min(count, bytes_.size() - (head & mask_));
        return {Bytes(bytes_.data() + (head & mask_), first), Bytes(bytes_.data(), count - first)};
    }
    void consume(std::size_t count) {
        head_.store(head_.load(std::memory_order_relaxed) + count, std::memory_order_release);
    }

 private:
    void copy_to(std::size_t at, Bytes bytes) {
        if (bytes.empty()) return;
        const std::size_t first = std::min(bytes.size(), bytes_.size() - (at & mask_));
        std::memcpy(bytes_.data() + (at & mask_), bytes.data(), first);
        std::memcpy(bytes_.data(), bytes.data() + first, bytes.size() - first);
    }

    std::vector<std::uint8_t> bytes_;
    std::size_t mask_;
    alignas(64) std::atomic<std::size_t> head_{0};
    alignas(64) std::atomic<std::size_t> tail_{0};
    std::size_t written_ = 0;     // producer's
    std::size_t head_cache_ = 0;  // producer's
};

}  // namespace terminus::base
