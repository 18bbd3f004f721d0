#pragma once

#include <cstdint>

#include "base/archive.hpp"
#include "base/assert.hpp"
#include "base/memory.hpp"
#include "stack/application.hpp"
#include "tcp/time_wait.hpp"

namespace terminus::stack {

/// A TIME_WAIT and what it answers by.
struct TimeWaitSlot {
    tcp::TimeWait tcp;
    ProfileId profile = kProcessProfile;  ///< what it answers goes as the connection's segments went
};

/// All TIME_WAITs of a core. They last equally long, so they end in the order in which they began, and a line
/// takes the place of timers: the first is the next to end, who begins anew goes to its end. 52 bytes each,
/// with the line; all memory is reserved at construction and committed on use.
class TimeWaits {
 public:
    static constexpr std::uint32_t kNone = UINT32_MAX;

    explicit TimeWaits(std::uint32_t capacity);

    /// A TIME_WAIT of its own, in the line by when it began; there are fewer than capacity().
    [[nodiscard]] std::uint32_t allocate(const TimeWaitSlot& slot);
    void release(std::uint32_t index);
    /// It has begun anew: nobody ends later.
    void restarted(std::uint32_t index);

    [[nodiscard]] TimeWaitSlot& operator[](std::uint32_t index) { return live_node(index).slot; }
    [[nodiscard]] const TimeWaitSlot& operator[](std::uint32_t index) const { return live_node(index).slot; }
    /// Who ends first; kNone when there are none.
    [[nodiscard]] std::uint32_t first() const { return first_; }

    [[nodiscard]] bool is_live(std::uint32_t index) const {
        return index < touched_ && nodes_[index].previous != kFree;
    }
    [[nodiscard]] std::uint32_t size() const { return size_; }
    [[nodiscard]] std::uint32_t capacity() const { return capacity_; }
    /// One past the highest index ever used: the bound for a walk over all.
    [[nodiscard]] std::uint32_t touched() const { return touched_; }
    void prefetch(std::uint32_t index) const {
        __builtin_prefetch(&nodes_[index]);
        __builtin_prefetch(reinterpret_cast<const char*>(&nodes_[index] + 1) - 1);
    }

    /// Into one of the same capacity that is empty.
    template <typename Archive>
    void archive(Archive& a) {
        a.layout(sizeof(Node));
        a.same(capacity_);
        touched_ = a.count(touched_, capacity_);
        a.bytes(nodes_, touched_ * sizeof(Node));
        a(size_, first_, last_, free_head_);
        if constexpr (Archive::kReads) a.require(is_sound());
    }

 private:
    /// `previous` of a free node, whose `next` is the next free one.
    static constexpr std::uint32_t kFree = UINT32_MAX - 1;
    /// One that waited a while before it came here may have begun before others in the line. It passes so
    /// many of them at most; beyond that it ends with those around it, a little late.
    static constexpr int kPassesMax = 64;

    struct Node {
        TimeWaitSlot slot;
        std::uint32_t previous;
        std::uint32_t next;
    };
    static_assert(sizeof(Node) <= 52,
                  "64 bytes with its entry in a table that is 85 percent full (DESIGN 6)");

    [[nodiscard]] Node& live_node(std::uint32_t index) const {
        TERMINUS_ASSERT(is_live(index), "indices are used only while their TIME_WAIT lives");
        return nodes_[index];
    }
    void link_after(std::uint32_t index, std::uint32_t previous);
    void unlink(std::uint32_t index);
    [[nodiscard]] bool is_sound() const;

    base::Memory memory_;
    Node* nodes_;
    std::uint32_t capacity_;
    std::uint32_t touched_ = 0;
    std::uint32_t size_ = 0;
    std::uint32_t first_ = kNone;
    std::uint32_t last_ = kNone;
    std::uint32_t free_head_ = kNone;
};

}  // namespace terminus::stack
