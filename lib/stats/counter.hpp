#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace terminus::stats {

/// A number with one writing thread and any number of readers: a relaxed load and store, no locked
/// instruction.
class Counter {
 public:
    void add(std::uint64_t amount = 1) {
        value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }
    /// For gauges only.
    void subtract(std::uint64_t amount = 1) {
        value_.store(value_.load(std::memory_order_relaxed) - amount, std::memory_order_relaxed);
    }
    void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
    std::atomic<std::uint64_t> value_{0};
};

/// One counter for each member of a list of reasons.
template <typename Enum, std::size_t N>
class CounterArray {
 public:
    Counter& operator[](Enum member) { return counters_[static_cast<std::size_t>(member)]; }
    const Counter& operator[](Enum member) const { return counters_[static_cast<std::size_t>(member)]; }
    static constexpr std::size_t size() { return N; }

 private:
    std::array<Counter, N> counters_{};
};

}  // namespace terminus::stats
