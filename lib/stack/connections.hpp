#pragma once

#include <array>
#include <cstdint>
#include <iterator>
#include <utility>

#include "base/assert.hpp"
#include "base/blocks.hpp"
#include "base/likeness.hpp"
#include "base/shrinking_slab.hpp"
#include "base/slab.hpp"
#include "base/time.hpp"
#include "stack/settings.hpp"
#include "stack/slots.hpp"
#include "tcp/connection.hpp"

namespace terminus::stack {

/// All connections of a core. Who has been quiet for a while rests: of its kilobyte only what is surprising
/// about it is kept (base/likeness.hpp), in a tenth of that, and it is as it was when somebody wants it.
/// Nobody can tell but by the memory: a connection that rests has its slot, its key and its timer.
///
///     allocate() --> awake --(quiet for ten seconds)--> rests
///                     ^                                    |
///                     +--------------(wake())--------------+
///
/// Those awake stand in a line by when they were last looked at, so that finding one to rest is O(1). The
/// memory that many took goes back to the kernel when they have come to rest.
class Connections {
 public:
    static constexpr std::uint32_t kNone = base::Slab<ConnectionSlot>::kNone;

    Connections(std::uint32_t capacity, const Resting& resting);
    Connections(const Connections&) = delete;
    Connections& operator=(const Connections&) = delete;

    /// A slot, and a connection made of what follows it; there are fewer than capacity().
    template <typename... Args>
    [[nodiscard]] std::uint32_t allocate(const ConnectionSlot& slot, base::Instant now, Args&&... args) {
        const std::uint32_t index = slots_.allocate(slot);
        TERMINUS_ASSERT(index != kNone, "callers ask size() first");
        house(index, bodies_.allocate(std::forward<Args>(args)...));
        slots_[index].touched = tick_of(now);
        return index;
    }
    /// Of an awake one.
    void release(std::uint32_t index);

    /// The slot as it is: its connection may rest.
    [[nodiscard]] ConnectionSlot& operator[](std::uint32_t index) { return slots_[index]; }
    [[nodiscard]] const ConnectionSlot& operator[](std::uint32_t index) const { return slots_[index]; }
    /// The slot, and its connection is awake until the next rest().
    [[nodiscard]] ConnectionSlot& awake(std::uint32_t index) {
        ConnectionSlot& slot = slots_[index];
        if (slot.tcp == nullptr) [[unlikely]]
            wake(index);
        return slot;
    }
    /// Calls `use(const tcp::Connection&)` without waking it.
    template <typename Use>
    void look_at(std::uint32_t index, Use&& use) const;

    /// Between two turns' work: has some of those that are quiet rest, and calls `about_to_rest(index)` for
    /// each before. What is to wake it must be armed then: nobody asks a connection at rest for its deadline.
    template <typename Use>
    void rest(base::Instant now, Use&& about_to_rest);

    /// Whether the next rest() has somebody to look at: whoever has nothing else to do goes on with that.
    [[nodiscard]] bool has_somebody_to_rest(base::Instant now) const {
        return first_ != kNone && is_to_be_looked_at(bodies_[first_], tick_of(now));
    }

    /// Turns are told apart so finely, and no more; comes round after 4 minutes.
    [[nodiscard]] static std::uint16_t tick_of(base::Instant now) {
        return static_cast<std::uint16_t>(now.time_since_epoch().count() >> kTickShift);
    }

    [[nodiscard]] bool is_current(std::uint32_t index, std::uint32_t generation) const {
        return slots_.is_current(index, generation);
    }
    [[nodiscard]] bool is_live(std::uint32_t index) const { return slots_.is_live(index); }
    [[nodiscard]] std::uint32_t generation(std::uint32_t index) const { return slots_.generation(index); }
    [[nodiscard]] std::uint32_t size() const { return slots_.size(); }
    [[nodiscard]] std::uint32_t capacity() const { return slots_.capacity(); }
    [[nodiscard]] std::uint32_t touched() const { return slots_.touched(); }
    /// What a connection takes while it is awake, slot included.
    [[nodiscard]] static constexpr std::size_t bytes_each();
    /// What `capacity` of them take beside that, all awake.
    [[nodiscard]] static constexpr std::size_t bytes_beside(std::uint32_t capacity);
    [[nodiscard]] std::uint32_t resting() const { return slots_.size() - bodies_.size(); }
    /// How many were woken since the beginning.
    [[nodiscard]] std::uint64_t wakes() const { return wakes_; }
    /// What all that rest take, in bytes.
    [[nodiscard]] std::size_t resting_bytes() const { return blocks_.used_bytes(); }

    void prefetch(std::uint32_t index) const { slots_.prefetch(index); }
    /// What awake() will touch, when the slot is there already.
    void prefetch_tcp(std::uint32_t index) const;
    /// The same for awake(index).tcp->next_deadline().
    void prefetch_deadlines(std::uint32_t index) const;

    /// Into one of the same settings that is empty: who is awake, in line, and who rests, and what rests are
    /// told by, so that the same happens next.
    template <typename Archive>
    void archive(Archive& a);
    /// Counts all that were read into the gauges; false when something is no connection.
    [[nodiscard]] bool restored(const tcp::Environment& env) const;

 private:
    /// 4.2 ms.
    static constexpr int kTickShift = 22;
    /// What many took who were awake is given back when it was free for so long, a huge page a tick: ten
    /// seconds. A page that is taken again must be cleared, 20 to 500 cycles for each connection in it, more
    /// in virtual machines.
    static constexpr std::uint16_t kAge = 2384;
    /// Looked at in a call, beside two for each that was made or woken since the last: few, for each lies in
    /// memory that nobody has touched for long.
    static constexpr std::uint32_t kRestBudget = 4;
    static constexpr std::size_t kKinds = stats::kLegs * std::size(tcp::kCongestionAlgorithms);
    static constexpr std::size_t kWords = tcp::kBytesBesideQueues / sizeof(std::uint32_t);
    static_assert(tcp::kBytesBesideQueues % sizeof(std::uint32_t) == 0);
    using Row = std::array<std::uint32_t, kWords>;

    /// A connection that is awake, and its place in the line.
    struct Body {
        tcp::Connection tcp;
        std::uint32_t owner = kNone;
        std::uint32_t previous = kNone;
        std::uint32_t next = kNone;
        std::uint16_t queued = 0;  // the slot's `touched` when it came to the end of the line
        std::uint16_t looked = 0;  // the tick in which it was last found to be busy

        template <typename... Args>
        explicit Body(Args&&... args) : tcp(std::forward<Args>(args)...) {}
    };
    /// What a block of `blocks_` begins with.
    struct PackedHead {
        std::uint8_t bytes;  // of the whole block, less one
        std::uint8_t kind;
    };

    [[nodiscard]] bool is_to_be_looked_at(const Body& body, std::uint16_t tick) const {
        return static_cast<std::uint16_t>(tick - body.queued) >= rest_after_ && body.looked != tick;
    }
    template <typename Archive>
    [[nodiscard]] std::uint32_t read_awake(Archive& a);
    void house(std::uint32_t index, std::uint32_t body);
    void wake(std::uint32_t index);
    void unpack(std::uint32_t block, tcp::Connection& into) const;
    [[nodiscard]] bool pack(std::uint32_t body);
    void give_back(std::uint16_t tick);
    void prefetch_in_line(std::uint32_t body) const;
    void prefetch_packed(const ConnectionSlot& slot) const;
    void append(std::uint32_t body);
    void unlink(std::uint32_t body);
    [[nodiscard]] static std::size_t kind_of(const tcp::Connection& connection);

    base::Slab<ConnectionSlot> slots_;
    base::ShrinkingSlab<Body> bodies_;
    base::Blocks blocks_;
    std::array<base::Likeness, kKinds> likenesses_;
    std::uint16_t rest_after_;  // ticks
    std::uint16_t aged_ = 0;    // the tick in which the bodies were told to age
    std::uint16_t given_ = 0;   // the tick in which memory of theirs went back
    std::uint32_t first_ = kNone;
    std::uint32_t last_ = kNone;
    std::uint32_t newly_awake_ = 0;  // made or woken since the last rest()
    std::uint64_t wakes_ = 0;
};

/// With all of them awake; the memory that slabs add is in it.
inline constexpr std::size_t Connections::bytes_each() {
    return base::Slab<ConnectionSlot>::bytes_each() + base::ShrinkingSlab<Body>::bytes_each();
}

inline constexpr std::size_t Connections::bytes_beside(std::uint32_t capacity) {
    using Bodies = base::ShrinkingSlab<Body>;
    return Bodies::bytes_for(capacity) - capacity * Bodies::bytes_each();
}

template <typename Use>
void Connections::look_at(std::uint32_t index, Use&& use) const {
    const ConnectionSlot& slot = slots_[index];
    if (slot.tcp != nullptr) return use(static_cast<const tcp::Connection&>(*slot.tcp));
    tcp::Connection copy{base::ToBeRead()};
    unpack(slot.place, copy);
    use(static_cast<const tcp::Connection&>(copy));
}

// The line is by when somebody was last looked at, not by when it last had a turn: a turn costs nothing then,
// and who turns out to have had one goes to the end again, at most once a tick.
template <typename Use>
void Connections::rest(base::Instant now, Use&& about_to_rest) {
    const std::uint16_t tick = tick_of(now);
    give_back(tick);
    std::uint32_t budget = kRestBudget + 2 * std::exchange(newly_awake_, 0);
    for (; budget > 0 && first_ != kNone; --budget) {
        const std::uint32_t at = first_;
        Body& body = bodies_[at];
        const ConnectionSlot& slot = slots_[body.owner];
        if (!is_to_be_looked_at(body, tick)) return;
        prefetch_in_line(body.next);
        const bool had_turn = slot.touched != body.queued;
        if (!had_turn && !slot.is_dirty && body.tcp.is_quiet()) {
            about_to_rest(body.owner);
            if (pack(at)) continue;
        }
        unlink(at);
        body.queued = had_turn ? slot.touched : tick;
        if (!had_turn) body.looked = tick;
        append(at);
    }
}

template <typename Archive>
void Connections::archive(Archive& a) {
    a.layout(sizeof(tcp::Connection));
    slots_.archive(a);
    for (base::Likeness& likeness : likenesses_)
        likeness.archive(a);
    std::uint32_t left = a.count(bodies_.size(), slots_.capacity());
    std::uint32_t body = first_;
    for (; left > 0 && a.ok(); --left) {
        if constexpr (Archive::kReads) {
            body = read_awake(a);
        } else {
            a(bodies_[body].owner);
            bodies_[body].tcp.archive(a);
        }
        if (!a.ok()) return;
        a(bodies_[body].queued, bodies_[body].looked);
        body = bodies_[body].next;
    }
    for (std::uint32_t index = 0; index < slots_.touched() && a.ok(); ++index) {
        if (!slots_.is_live(index) || slots_[index].tcp != nullptr) continue;
        if constexpr (Archive::kReads) {
            house(index, bodies_.allocate(base::ToBeRead()));
            slots_[index].tcp->archive(a);
            if (a.ok()) a.require(slots_[index].tcp->is_quiet() && pack(slots_[index].place));
        } else {
            tcp::Connection copy{base::ToBeRead()};
            unpack(slots_[index].place, copy);
            copy.archive(a);
        }
    }
    a(newly_awake_, wakes_);
}

/// The next in line; kNone after a fault.
template <typename Archive>
std::uint32_t Connections::read_awake(Archive& a) {
    std::uint32_t owner = 0;
    a(owner);
    a.require(slots_.is_live(owner) && slots_[owner].tcp == nullptr);
    if (!a.ok()) return kNone;
    house(owner, bodies_.allocate(base::ToBeRead()));
    slots_[owner].tcp->archive(a);
    return slots_[owner].place;
}

}  // namespace terminus::stack
