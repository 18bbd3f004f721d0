#pragma once

#include <array>
#include <cstdint>

namespace terminus::stack {

/// A line of those whose memory has been asked for: each enters, is met again some steps later to be asked
/// for more, and has its turn after kSteps. The line is long enough that what is asked for has come, a turn
/// being shorter than a trip to memory, and so short that it stays in the first cache until then.
template <typename Item>
class LookAhead {
 public:
    static constexpr std::uint32_t kSteps = 10;

    /// Where the next one that enters is put together; whoever doesn't enter may use it, too.
    [[nodiscard]] Item& place() { return items_[entered_ % kItems]; }
    /// Whoever entered last; nullptr when the line is empty.
    [[nodiscard]] const Item* last() const {
        return entered_ > 0 ? &items_[(entered_ - 1) % kItems] : nullptr;
    }
    /// What is in place() has entered; a step() follows.
    void enter() { ++entered_; }

    /// Whoever entered `steps` steps ago, 1 to kSteps; nullptr when nobody did.
    [[nodiscard]] Item* after(std::uint32_t steps) {
        const std::uint32_t position = step_ - steps;  // wraps, and is past all, before there were so many
        return position < entered_ ? &items_[position % kItems] : nullptr;
    }
    /// Everybody is a step further; who has had kSteps is gone.
    void step() {
        if (++step_ == entered_ + kSteps) entered_ = step_ = 0;
    }
    [[nodiscard]] bool empty() const { return entered_ == 0; }

 private:
    static constexpr std::uint32_t kItems = 16;
    static_assert(kItems > kSteps + 1, "there is a place beside those in line");

    std::array<Item, kItems> items_;
    std::uint32_t entered_ = 0;
    std::uint32_t step_ = 0;
};

}  // namespace terminus::stack
