#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "base/assert.hpp"

namespace terminus::base {

/// A bounded queue between exactly one producing and one consuming thread, in plain std::atomic so that
/// ThreadSanitizer understands it (it misreads rte_ring's barriers).
template <typename T>
class SpscRing {
 public:
    /// `capacity` is a power of two, at least 2; all of it is usable.
    explicit SpscRing(std::size_t capacity) : slots_(capacity), mask_(capacity - 1) {
        TERMINUS_ASSERT(capacity >= 2 && std::has_single_bit(capacity), "indices wrap by a mask");
    }

    /// Producer only. False when full: the value is untouched, the caller counts the loss.
    [[nodiscard]] bool try_push(T&& value) {
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        if (tail - head_cache_ > mask_) {
            head_cache_ = head_.load(std::memory_order_acquire);
            if (tail - head_cache_ > mask_) return false;
        }
        slots_[tail & mask_] = std::move(value);
        tail_.store(tail + 1, std::memory_order_release);
        return true;
    }

    /// Producer only: whether the next try_push() will succeed.
    [[nodiscard]] bool has_room() {
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        if (tail - head_cache_ > mask_) head_cache_ = head_.load(std::memory_order_acquire);
        return tail - head_cache_ <= mask_;
    }

    /// Consumer only.
    [[nodiscard]] std::optional<T> try_pop() {
        const std::size_t head = head_.load(std::memory_order_relaxed);
        if (head == tail_cache_) {
            tail_cache_ = tail_.load(std::memory_order_acquire);
            if (head == tail_cache_) return std::nullopt;
        }
        std::optional<T> value(std::move(slots_[head & mask_]));
        head_.store(head + 1, std::memory_order_release);
        return value;
    }

    /// Consumer's view; a concurrent push may not be seen yet.
    [[nodiscard]] bool empty() const {
        return head_.load(std::memory_order_relaxed) == tail_.load(std::memory_order_acquire);
    }

 private:
    std::vector<T> slots_;
    std::size_t mask_;
    alignas(64) std::atomic<std::size_t> head_{0};
    std::size_t tail_cache_ = 0;  // consumer's
    alignas(64) std::atomic<std::size_t> tail_{0};
    std::size_t head_cache_ = 0;  // producer's
};

}  // namespace terminus::base
