#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "base/archive.hpp"
#include "base/assert.hpp"
#include "base/memory.hpp"

namespace terminus::base {

/// A fixed number of T's addressed by 32-bit index, all memory taken at construction. Every slot carries a
/// generation that changes when the slot is released, so that {index, generation} never names a successor: it
/// comes round after 2^31 releases of one slot, over half an hour of a million a second and all of them in
/// that slot, and who holds a pair asks long before. Four bytes a slot beside the value.
template <typename T>
class Slab {
 public:
    static constexpr std::uint32_t kNone = UINT32_MAX;

    explicit Slab(std::uint32_t capacity)
        : memory_(sizeof(Slot) * capacity), slots_(static_cast<Slot*>(memory_.data())), capacity_(capacity) {}
    ~Slab() {
        for (std::uint32_t index = 0; index < touched_; ++index) {
            if (slots_[index].live) std::destroy_at(&slots_[index].value);
        }
    }
    Slab(const Slab&) = delete;
    Slab& operator=(const Slab&) = delete;

    /// Builds a T in a free slot and returns its index, or kNone when all are taken.
    template <typename... Args>
    [[nodiscard]] std::uint32_t allocate(Args&&... args) {
        std::uint32_t index = free_head_;
        if (index != kNone) {
            free_head_ = slots_[index].next_free;
        } else if (touched_ < capacity_) {
            index = touched_++;  // slots are touched in order, so an idle slab commits no memory
        } else {
            return kNone;
        }
        Slot& slot = slots_[index];
        std::construct_at(&slot.value, std::forward<Args>(args)...);
        slot.live = 1;
        ++size_;
        return index;
    }

    /// Destroys the T and makes its generation stale.
    void release(std::uint32_t index) {
        Slot& slot = live_slot(index);
        std::destroy_at(&slot.value);
        slot.live = 0;
        ++slot.generation;
        slot.next_free = free_head_;
        free_head_ = index;
        --size_;
    }

    [[nodiscard]] T& operator[](std::uint32_t index) { return live_slot(index).value; }
    [[nodiscard]] const T& operator[](std::uint32_t index) const {
        return const_cast<Slab*>(this)->live_slot(index).value;
    }

    /// Whether {index, generation} still names the T it was taken from.
    [[nodiscard]] bool is_current(std::uint32_t index, std::uint32_t generation) const {
        return index < touched_ && slots_[index].live && slots_[index].generation == generation;
    }
    [[nodiscard]] bool is_live(std::uint32_t index) const { return index < touched_ && slots_[index].live; }
    [[nodiscard]] std::uint32_t generation(std::uint32_t index) const { return slots_[index].generation; }
    [[nodiscard]] std::uint32_t size() const { return size_; }
    [[nodiscard]] std::uint32_t capacity() const { return capacity_; }
    /// What a T takes of the memory.
    [[nodiscard]] static constexpr std::size_t bytes_each() { return sizeof(Slot); }
    /// One past the highest index ever used: the bound for a walk over all live slots.
    [[nodiscard]] std::uint32_t touched() const { return touched_; }
    /// Asks for all of the slot's cache lines, live or not; `index` is below capacity().
    void prefetch(std::uint32_t index) const {
        const auto* const at = reinterpret_cast<const char*>(&slots_[index]);
        for (std::size_t line = 0; line < sizeof(Slot); line += 64)
            __builtin_prefetch(at + line);
        __builtin_prefetch(at + sizeof(Slot) - 1);  // a slot needn't begin where a line does
    }

    /// Into an empty slab of the same capacity. What isn't Plain, or has an archive() of its own, is made by
    /// its constructor from ToBeRead.
    template <typename Archive>
    void archive(Archive& a) {
        a.layout(sizeof(Slot));
        a.same(capacity_);
        const std::uint32_t touched = a.count(touched_, capacity_);
        if constexpr (Plain<T> && !requires(T value) { value.archive(a); }) {
            a.bytes(slots_, touched * sizeof(Slot));
            touched_ = touched;
        } else {
            for (std::uint32_t index = 0; index < touched && a.ok(); ++index)
                archive_slot(a, index);
        }
        a(free_head_, size_);
        if constexpr (Archive::kReads) a.require(is_sound());
    }

 private:
    // Fresh memory is zero: generation 0, not live.
    struct Slot {
        union {
            T value;
            std::uint32_t next_free;
        };
        std::uint32_t generation : 31;
        std::uint32_t live : 1;
    };

    template <typename Archive>
    void archive_slot(Archive& a, std::uint32_t index) {
        Slot& slot = slots_[index];
        std::uint32_t generation = slot.generation;
        std::uint32_t live = slot.live;
        a(generation, live);
        if constexpr (Archive::kReads) {
            slot.generation = generation & INT32_MAX;
            if (live != 0) std::construct_at(&slot.value, ToBeRead{});
            slot.live = live != 0;
            touched_ = index + 1;
        }
        if (live != 0) {
            slot.value.archive(a);
        } else {
            a(slot.next_free);
        }
    }

    // Every slot is live or free, once.
    [[nodiscard]] bool is_sound() const {
        std::uint32_t live = 0;
        for (std::uint32_t index = 0; index < touched_; ++index)
            live += slots_[index].live;
        std::uint32_t free = 0;
        for (std::uint32_t index = free_head_; index != kNone; index = slots_[index].next_free, ++free) {
            if (index >= touched_ || slots_[index].live || free == touched_) return false;
        }
        return live == size_ && live + free == touched_;
    }

    Slot& live_slot(std::uint32_t index) {
        TERMINUS_ASSERT(index < touched_ && slots_[index].live,
                        "indices are used only while their slot is live");
        return slots_[index];
    }

    Memory memory_;
    Slot* slots_;
    std::uint32_t capacity_;
    std::uint32_t touched_ = 0;
    std::uint32_t free_head_ = kNone;
    std::uint32_t size_ = 0;
};

}  // namespace terminus::base
