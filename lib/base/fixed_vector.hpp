#pragma once

#include <array>
#include <cstddef>
#include <utility>

#include "base/assert.hpp"

namespace terminus::base {

/// A vector that never allocates: at most N elements, inline. For default-constructible T.
template <typename T, std::size_t N>
class FixedVector {
 public:
    using value_type = T;

    [[nodiscard]] bool full() const { return size_ == N; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] static constexpr std::size_t capacity() { return N; }

    void push_back(T value) {
        TERMINUS_ASSERT(size_ < N, "callers ask full() or know their bound");
        elements_[size_++] = std::move(value);
    }
    void pop_back() {
        TERMINUS_ASSERT(size_ > 0, "nothing to take");
        elements_[--size_] = T{};
    }
    void clear() {
        while (size_ > 0)
            pop_back();
    }

    T& operator[](std::size_t index) {
        TERMINUS_ASSERT(index < size_, "within what was pushed");
        return elements_[index];
    }
    const T& operator[](std::size_t index) const {
        TERMINUS_ASSERT(index < size_, "within what was pushed");
        return elements_[index];
    }
    T* begin() { return elements_.data(); }
    T* end() { return elements_.data() + size_; }
    const T* begin() const { return elements_.data(); }
    const T* end() const { return elements_.data() + size_; }
    T* data() { return elements_.data(); }
    const T* data() const { return elements_.data(); }

 private:
    std::array<T, N> elements_{};
    std::size_t size_ = 0;
};

}  // namespace terminus::base
