#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/archive.hpp"
#include "base/memory.hpp"
#include "base/time.hpp"

namespace terminus::timer {

using base::Duration;
using base::Instant;

/// Names an armed timer, from arm() until it fires or is cancelled.
using TimerId = std::uint32_t;
inline constexpr TimerId kNoTimer = UINT32_MAX;

/// What a timer is for. The wheel only carries it: the owner compares the generation before believing the
/// handle.
struct Target {
    std::uint32_t handle = 0;
    std::uint32_t generation = 0;

    friend constexpr bool operator==(const Target&, const Target&) = default;
};

/// A hierarchical timing wheel (Varghese and Lauck 1987, scheme 7): arm, rearm and cancel in O(1), and a leap
/// of days costs no more than what it fires and moves.
///
///     level  slot spans        level spans
///       0    2^16 ns (65 µs)   268 ms
///       1    268 ms            69 s
///       2    69 s              4.9 h
///       3    4.9 h             52 days; later deadlines wait in its furthest slot
///
/// A timer stands in the lowest level whose present span or the next has its tick: each level has the slots
/// of two. It moves down ("cascades") at most three times in all, which a retransmission in a data centre
/// never does, for it is mostly due within level 0. Slots are emptied bit by bit while the wheel goes through
/// the span before theirs, so that entering one leaves little to be done.
///
/// Nothing fires early: a deadline's tick is the one that begins after it. One thread, no clock of its own.
class Wheel {
 public:
    static constexpr unsigned kTickBits = 16;  ///< a tick is 2^16 ns
    static constexpr Duration kTick{std::int64_t{1} << kTickBits};
    static constexpr unsigned kLevels = 4;
    /// One call moves at most this many timers between levels for each it may fire: a crowded slot is
    /// cascaded over several calls, so that no turn of the worker pays for all of it.
    static constexpr std::uint32_t kMovesPerFire = 8;
    /// And this many of slots that the wheel has not entered yet.
    static constexpr std::uint32_t kMovesAhead = 16;

    /// `capacity` timers at most can be armed at a time; all memory is reserved here.
    Wheel(std::uint32_t capacity, Instant start);

    /// kNoTimer when `capacity` timers are armed. A deadline in the past fires in the next advance(); kNever
    /// is a deadline as good as any, it only never comes.
    [[nodiscard]] TimerId arm(Instant deadline, Target target);
    /// Moves an armed timer to another deadline, earlier or later.
    void rearm(TimerId id, Instant deadline);
    void cancel(TimerId id);

    /// The beginning of the tick that the armed deadline lies in: a deadline before this needs a rearm(), any
    /// other would not fire earlier than the timer does as it is.
    [[nodiscard]] Instant deadline(TimerId id) const;
    [[nodiscard]] Target target(TimerId id) const;

    /// Calls fire(Target) for at most `budget` timers whose tick has begun, in order of their ticks. A timer
    /// is freed before its call, which may arm, rearm and cancel others. What the budget left over comes
    /// first in the next call. Returns how many fired. A `now` before the last one fires nothing that isn't
    /// due by it.
    template <typename Fire>
    std::uint32_t advance(Instant now, std::uint32_t budget, Fire&& fire) {
        if (budget == 0) return 0;
        const std::uint64_t now_tick = begin_advance(now);
        move_ahead();
        std::uint64_t moves = std::uint64_t{budget} * kMovesPerFire;
        std::uint32_t fired = 0;
        while (fired < budget) {
            const std::optional<Target> due = take_due(now_tick, moves);
            if (!due) break;
            ++fired;
            fire(*due);
        }
        return fired;
    }

    /// Within a call of fire(): whom the call after the next will be for, most likely, so that what belongs
    /// to it can be asked for in memory; one that has been named already near the end of a tick, nothing at
    /// it.
    [[nodiscard]] std::optional<Target> second_next() const;
    /// Asks for what rearm() and deadline() touch first.
    void prefetch(TimerId id) const { __builtin_prefetch(&nodes_[id]); }

    /// The earliest instant at which advance() would find work, a move between levels included; kNever when
    /// nothing is armed. In the past when the last budget left something over.
    [[nodiscard]] Instant next_wakeup() const;
    /// Every tick before this one's is done: what is behind it has been kept waiting by budgets, or there was
    /// no call.
    [[nodiscard]] Instant done_until() const;

    [[nodiscard]] std::uint32_t size() const { return size_; }
    [[nodiscard]] std::uint32_t capacity() const { return capacity_; }

    template <typename Archive>
    void archive(Archive& a) {
        a.layout(sizeof(Node));
        a.same(capacity_);
        touched_ = a.count(touched_, capacity_);
        a.bytes(nodes_, touched_ * sizeof(Node));
        a(size_, free_head_, cascade_level_, current_, occupied_, heads_);
        if constexpr (Archive::kReads) a.require(is_sound());
    }

 private:
    struct Node {
        TimerId next;  // circular within the slot, or the free list's next
        TimerId prev;
        std::uint64_t tick : 48;  // 2^63 ns are 2^47 ticks
        std::uint64_t slot : 16;  // index into heads_, kFree when not armed
        Target target;
    };
    static_assert(sizeof(Node) == 24);

    static constexpr std::uint32_t kFree = UINT16_MAX;

    // Units of a level are what its slots span; a span is what the level spans, a unit of the next.
    static constexpr std::array<unsigned, kLevels> kBits{12, 8, 8, 8};  // units in a span
    static constexpr std::array<unsigned, kLevels + 1> kShift{0, 12, 20, 28, 36};
    static constexpr std::array<std::uint32_t, kLevels + 1> kFirstSlot{0, 8192, 8704, 9216, 9728};
    static constexpr std::uint32_t kSlots = kFirstSlot[kLevels];
    static_assert(kSlots < kFree && kSlots % 64 == 0);

    [[nodiscard]] static constexpr std::uint64_t unit_of(std::uint64_t tick, unsigned level) {
        return tick >> kShift[level];
    }
    /// Of a level's two spans of slots, that of `unit`.
    [[nodiscard]] static constexpr std::uint32_t slot_of(std::uint64_t unit, unsigned level) {
        const std::uint32_t slots = 2u << kBits[level];
        return kFirstSlot[level] + (static_cast<std::uint32_t>(unit) & (slots - 1));
    }

    std::uint64_t begin_advance(Instant now);
    std::optional<Target> take_due(std::uint64_t now_tick, std::uint64_t& moves);
    void move_ahead();
    bool cascade(std::uint64_t& moves);
    void enter(std::uint64_t tick);
    void place_anew(TimerId id);
    [[nodiscard]] std::uint64_t next_visit() const;
    [[nodiscard]] std::uint32_t distance_to_occupied(unsigned level) const;
    [[nodiscard]] std::uint32_t slot_for(std::uint64_t tick) const;
    [[nodiscard]] std::uint32_t current_slot(unsigned level) const;
    void link(TimerId id);
    void unlink(TimerId id);
    void release(TimerId id);
    Node& armed(TimerId id) const;
    [[nodiscard]] bool is_sound() const;

    base::Memory memory_;
    Node* nodes_;
    std::uint32_t capacity_;
    std::uint32_t touched_ = 0;  // nodes are used in order first, so an idle wheel commits no memory
    std::uint32_t size_ = 0;
    TimerId free_head_ = kNoTimer;
    unsigned cascade_level_ = 0;  // slots of levels 1 … this one are still to be emptied at current_
    std::uint64_t current_;       // every tick before this one is done
    std::array<std::uint64_t, kSlots / 64> occupied_{};
    std::array<TimerId, kSlots> heads_;
};

}  // namespace terminus::timer
