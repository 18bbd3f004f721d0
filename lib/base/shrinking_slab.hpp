#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/memory.hpp"

namespace terminus::base {

/// A fixed number of T's addressed by 32-bit index, like a Slab, but what many took at one time goes back to
/// the kernel when few are left. A free place is always taken from the lowest group of places that has one,
/// so that groups further up run empty; a group is a huge page. Whoever owns it calls age() now and then, and
/// give_back() more often: a group that was empty through a whole age is given back, one a call. Neither
/// decides anything but where memory is.
template <typename T>
class ShrinkingSlab {
 public:
    static constexpr std::uint32_t kNone = UINT32_MAX;
    static constexpr std::size_t kGroupBytes = Memory::kHugePageBytes;
    static constexpr std::size_t kLine = 64;  ///< of the cache: each T begins with one, for they are large

    explicit ShrinkingSlab(std::uint32_t capacity)
        : capacity_(capacity),
          memory_(bytes_for(capacity)),
          groups_((capacity + kPerGroup - 1) / kPerGroup),
          open_((groups_.size() + 63) / 64),
          idle_(open_.size()),
          stale_(open_.size()) {
        for (std::size_t group = 0; group < groups_.size(); ++group)
            set(open_, group);
    }
    ~ShrinkingSlab() {
        for (std::size_t group = 0; group < groups_.size(); ++group) {
            for (std::uint32_t at = 0; at < groups_[group].touched; ++at) {
                Place& place = first_of(group)[at];
                if (place.is_live) std::destroy_at(&place.value);
            }
        }
    }
    ShrinkingSlab(const ShrinkingSlab&) = delete;
    ShrinkingSlab& operator=(const ShrinkingSlab&) = delete;

    /// Builds a T in a free place and returns its index, or kNone when all are taken.
    template <typename... Args>
    [[nodiscard]] std::uint32_t allocate(Args&&... args) {
        if (size_ == capacity_) return kNone;
        const std::size_t index = lowest_open();
        Group& group = groups_[index];
        std::uint32_t at = group.free_head;
        if (at != kNone) {
            group.free_head = first_of(index)[at].next_free;
        } else {
            at = group.touched++;
        }
        Place& place = first_of(index)[at];
        std::construct_at(&place.value, std::forward<Args>(args)...);
        place.is_live = true;
        if (group.live++ == 0) {
            clear(idle_, index);
            clear(stale_, index);
        }
        if (group.live == places_of(index)) clear(open_, index);
        ++size_;
        return static_cast<std::uint32_t>(index * kPerGroup + at);
    }

    /// Destroys the T.
    void release(std::uint32_t index) {
        Place& place = live_place(index);
        std::destroy_at(&place.value);
        place.is_live = false;
        const std::size_t of = index / kPerGroup;
        Group& group = groups_[of];
        place.next_free = std::exchange(group.free_head, index % kPerGroup);
        set(open_, of);
        lowest_word_ = std::min(lowest_word_, of / 64);
        if (--group.live == 0) set(idle_, of);
        --size_;
    }

    [[nodiscard]] T& operator[](std::uint32_t index) { return live_place(index).value; }
    [[nodiscard]] const T& operator[](std::uint32_t index) const {
        return const_cast<ShrinkingSlab*>(this)->live_place(index).value;
    }

    [[nodiscard]] std::uint32_t size() const { return size_; }
    [[nodiscard]] std::uint32_t capacity() const { return capacity_; }
    /// What a T takes of the memory.
    [[nodiscard]] static constexpr std::size_t bytes_each() { return sizeof(Place); }
    /// What a slab takes when it is full; beside bytes_each() what is left at the end of groups.
    [[nodiscard]] static constexpr std::size_t bytes_for(std::uint32_t capacity) {
        return capacity / kPerGroup * kGroupBytes + capacity % kPerGroup * sizeof(Place);
    }

    /// From now on give_back() takes the groups that are empty now and stay so.
    void age() { stale_ = idle_; }
    /// Gives the memory of one group back, the highest of those that have been empty for long; false when
    /// there is none. A system call, of some microseconds.
    bool give_back() {
        for (std::size_t word = stale_.size(); word-- > 0;) {
            if (stale_[word] == 0) continue;
            const std::size_t index =
                word * 64 + 63 - static_cast<std::size_t>(std::countl_zero(stale_[word]));
            clear(stale_, index);
            const std::size_t offset = index * kGroupBytes;
            if (!memory_.discard(offset, std::min(kGroupBytes, memory_.size() - offset))) return false;
            clear(idle_, index);
            groups_[index] = Group();
            return true;
        }
        return false;
    }

 private:
    // Fresh memory is zero: not live.
    struct alignas(kLine) Place {
        union {
            T value;
            std::uint32_t next_free;
        };
        bool is_live;
    };
    struct Group {
        std::uint32_t live = 0;
        std::uint32_t touched = 0;  // places are touched in order, so an idle slab commits no memory
        std::uint32_t free_head = kNone;
    };
    using Bits = std::vector<std::uint64_t>;

    static constexpr std::uint32_t kPerGroup = kGroupBytes / sizeof(Place);
    static_assert(kPerGroup > 0);

    static void set(Bits& bits, std::size_t at) { bits[at / 64] |= std::uint64_t{1} << (at % 64); }
    static void clear(Bits& bits, std::size_t at) { bits[at / 64] &= ~(std::uint64_t{1} << (at % 64)); }

    [[nodiscard]] std::size_t lowest_open() {
        while (open_[lowest_word_] == 0)
            ++lowest_word_;
        return lowest_word_ * 64 + static_cast<std::size_t>(std::countr_zero(open_[lowest_word_]));
    }
    [[nodiscard]] std::uint32_t places_of(std::size_t group) const {
        return static_cast<std::uint32_t>(std::min<std::size_t>(kPerGroup, capacity_ - group * kPerGroup));
    }
    [[nodiscard]] Place* first_of(std::size_t group) const {
        return reinterpret_cast<Place*>(static_cast<std::byte*>(memory_.data()) + group * kGroupBytes);
    }
    [[nodiscard]] Place& live_place(std::uint32_t index) {
        TERMINUS_ASSERT(index < capacity_ && index % kPerGroup < groups_[index / kPerGroup].touched,
                        "indices are used only while their place is live");
        Place& place = first_of(index / kPerGroup)[index % kPerGroup];
        TERMINUS_ASSERT(place.is_live, "indices are used only while their place is live");
        return place;
    }

    std::uint32_t capacity_;
    std::uint32_t size_ = 0;
    Memory memory_;
    std::vector<Group> groups_;
    Bits open_;                    // groups with a free place
    Bits idle_;                    // groups that have been used and are empty
    Bits stale_;                   // those of them that were so at the last age()
    std::size_t lowest_word_ = 0;  // of open_: none before it has a bit
};

}  // namespace terminus::base
