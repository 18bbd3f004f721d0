#pragma once

#include <rte_mempool.h>

#include <array>
#include <cstdint>
#include <deque>
#include <map>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "packet/slice.hpp"
#include "sim/memory_port.hpp"

namespace terminus::sim {

/// How one direction of a wire treats frames. What is random comes from `seed` and nothing else.
struct LinkSettings {
    base::Duration delay = std::chrono::microseconds(100);
    std::uint64_t bits_per_second = 0;  ///< 0: frames take no time of their own
    std::uint32_t queue_max = 1000;     ///< frames that wait for the wire, beside the one on it
    std::uint32_t loss_permille = 0;
    std::uint32_t duplicate_permille = 0;
    std::uint32_t reorder_permille = 0;  ///< of frames that are held back by reorder_delay
    base::Duration reorder_delay = std::chrono::milliseconds(1);
    base::Duration jitter{};             ///< at most; each frame's own, so that frames overtake each other
    std::uint32_t burst_permille = 0;    ///< of frames that are the first of several lost in a row
    std::uint32_t burst_max = 8;         ///< frames that such a burst loses, at most
    std::uint32_t corrupt_permille = 0;  ///< of frames one of whose bits is flipped (sim/impairment.hpp)
    /// Largest IP packet that fits the path; 0: any. A larger one is lost, and its sender hears of it by ICMP
    /// unless the path is a black hole.
    std::uint16_t path_mtu = 0;
    bool is_black_hole = false;
    std::uint16_t segment_bytes = 0;  ///< frames arrive in chains of so many bytes a piece; 0: as few as fit
    std::uint64_t seed = 1;
};

/// What became of one direction's frames. sent + duplicated = delivered + lost + overflowed + too_big +
/// no_buffer + those under way; a frame that a full receive queue misses counts as delivered. ICMP of the
/// path's own is in none of them.
struct LinkCounters {
    std::uint64_t sent = 0;  ///< taken from the port
    std::uint64_t delivered = 0;
    std::uint64_t delivered_bytes = 0;
    std::uint64_t lost = 0;
    std::uint64_t duplicated = 0;
    std::uint64_t reordered = 0;
    std::uint64_t overflowed = 0;
    std::uint64_t too_big = 0;
    std::uint64_t corrupted = 0;  ///< delivered all the same, if nothing else befell them
    std::uint64_t no_buffer = 0;
};

enum class Direction : std::uint8_t { AToB, BToA };

/// Sees each frame as its sender gave it to the wire, before anything befalls it.
class LinkObserver {
 public:
    virtual void sent(Direction direction, const packet::Buffer& frame, base::Instant now) = 0;

 protected:
    ~LinkObserver() = default;
};

/// A wire between two ports, in virtual time: takes what they sent, copies each frame into buffers of its own
/// (nothing is shared between the ends, as between two machines), finishes the checksums that a device would
/// have, and delivers when the frame's time has come.
class Link {
 public:
    /// Both ports and the pool outlive the link.
    Link(MemoryPort& a, MemoryPort& b, rte_mempool* pool, const LinkSettings& a_to_b,
         const LinkSettings& b_to_a);
    /// The same both ways, with different luck.
    Link(MemoryPort& a, MemoryPort& b, rte_mempool* pool, const LinkSettings& both);
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    /// What the ports sent goes on the wire at `now`, and what is due by `now` arrives. `now` never steps
    /// back.
    void advance(base::Instant now);
    /// When the next frame arrives; base::kNever when none is under way. Frames that a port holds and
    /// advance() has not taken yet don't count.
    [[nodiscard]] base::Instant next_delivery() const;

    /// A cut wire loses everything that is sent into it; what is under way still arrives.
    void set_cut(bool is_cut) { is_cut_ = is_cut; }
    /// Frames that arrive are from now on copied into a pool of the receiver's, as a device's descriptors
    /// are; the wire's own pool holds them under way only. What finds that pool empty counts as no_buffer.
    void receive_into(Direction direction, rte_mempool* pool) { side(direction).receive_pool = pool; }
    /// nullptr: nobody looks any more.
    void observe(LinkObserver* observer) { observer_ = observer; }
    /// For frames sent from now on; the random sequence goes on.
    void configure(Direction direction, const LinkSettings& settings) { side(direction).settings = settings; }
    [[nodiscard]] const LinkCounters& counters(Direction direction) const { return side(direction).counters; }
    [[nodiscard]] std::size_t under_way(Direction direction) const { return side(direction).wire.size(); }

 private:
    struct OneWay {
        OneWay(MemoryPort& own_from, MemoryPort& own_to, const LinkSettings& own_settings)
            : from(own_from), to(own_to), settings(own_settings), rng(own_settings.seed) {}

        MemoryPort& from;
        MemoryPort& to;
        LinkSettings settings;
        LinkCounters counters;
        base::Rng rng;
        rte_mempool* receive_pool = nullptr;
        std::uint32_t burst_left = 0;                       ///< frames still to be lost in a row
        base::Instant wire_free_at{};                       ///< when the last frame has left
        std::deque<base::Instant> leaving;                  ///< when each does that hasn't
        std::multimap<base::Instant, packet::Buffer> wire;  ///< by arrival; equal times in order of sending
    };

    [[nodiscard]] OneWay& side(Direction direction) { return sides_[static_cast<std::size_t>(direction)]; }
    [[nodiscard]] const OneWay& side(Direction direction) const {
        return sides_[static_cast<std::size_t>(direction)];
    }
    void collect(OneWay& way);
    void put_on_wire(OneWay& way, const packet::Buffer& frame);
    [[nodiscard]] bool is_lost(OneWay& way);
    void refuse(OneWay& way, const packet::Buffer& frame);
    void schedule(OneWay& way, const packet::Buffer& frame, base::Instant arrival);
    void deliver(OneWay& way);

    rte_mempool* pool_;
    base::Instant now_{};
    bool is_cut_ = false;
    LinkObserver* observer_ = nullptr;
    std::array<OneWay, 2> sides_;
};

}  // namespace terminus::sim
