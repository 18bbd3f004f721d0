#pragma once

#include <cstdint>

#include "base/assert.hpp"

namespace terminus::flow {

/// Which of the three representations a 4-tuple has (DESIGN 3.2).
enum class HandleKind : std::uint8_t {
    Connection,
    HalfOpen,
    TimeWait,
    Application,  ///< a timer of the stack's application; never in the table
};

/// Names a slot of the slab of its kind: 2 tag bits over 30 index bits. What outlives a turn keeps the slot's
/// generation beside it.
class Handle {
 public:
    static constexpr unsigned kIndexBits = 30;
    static constexpr std::uint32_t kIndexMax = (1u << kIndexBits) - 2;  // one less than fits: kNone

    constexpr Handle() = default;  ///< none
    constexpr Handle(HandleKind kind, std::uint32_t index)
        : raw_((static_cast<std::uint32_t>(kind) << kIndexBits) | index) {
        TERMINUS_ASSERT(index <= kIndexMax, "slabs are made with fewer than 2^30 slots");
    }
    [[nodiscard]] static constexpr Handle none() { return Handle(); }
    /// From raw(), where a handle travelled as a number (timer targets, logs).
    [[nodiscard]] static constexpr Handle from_raw(std::uint32_t raw) {
        Handle handle;
        handle.raw_ = raw;
        return handle;
    }

    [[nodiscard]] constexpr bool is_none() const { return raw_ == kNone; }
    explicit constexpr operator bool() const { return !is_none(); }
    [[nodiscard]] constexpr HandleKind kind() const {
        TERMINUS_ASSERT(!is_none(), "nothing has no kind; callers ask is_none() first");
        return static_cast<HandleKind>(raw_ >> kIndexBits);
    }
    [[nodiscard]] constexpr std::uint32_t index() const { return raw_ & ((1u << kIndexBits) - 1); }
    [[nodiscard]] constexpr std::uint32_t raw() const { return raw_; }

    friend constexpr bool operator==(Handle, Handle) = default;

 private:
    static constexpr std::uint32_t kNone = UINT32_MAX;  // the last kind's last index, which no slab reaches
    std::uint32_t raw_ = kNone;
};
static_assert(sizeof(Handle) == 4);

}  // namespace terminus::flow
