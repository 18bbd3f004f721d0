#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/byte_ring.hpp"
#include "base/time.hpp"
#include "packet/batch.hpp"
#include "record/layout.hpp"
#include "stack/message.hpp"
#include "worker/messages.hpp"

namespace terminus::worker {

/// One worker's side of a recording: each turn's time, free buffers, frames and messages go into a ring, in
/// the form of record/layout.hpp. Whoever writes them down must keep up: a turn that finds no room ends it,
/// so that what is in the ring has no gap.
class Recorder {
 public:
    /// `ring_bytes` is a power of two.
    explicit Recorder(std::size_t ring_bytes) : ring_(ring_bytes) {}

    // ---- the worker's side

    void begin_turn(base::Instant now, std::uint32_t free_buffers);
    /// A turn that is not `kept` did nothing and is left out.
    void end_turn(bool is_kept);
    void received(std::uint16_t port, const packet::Batch& burst);
    /// Before a device takes frames, and how many of them it took.
    void offered(std::uint16_t port, const packet::Batch& burst);
    void taken(std::uint16_t count);
    /// A message of worker `from`, before it is used.
    void message(std::uint16_t from, const stack::Message& message);
    /// A command that changes what is sent; others are not recorded.
    void command(const Command& command);

    // ---- the other side

    [[nodiscard]] base::ByteRing& ring() { return ring_; }
    /// The turn, counted from 1, that found no room; 0: none.
    [[nodiscard]] std::uint64_t gave_up_at() const { return gave_up_at_.load(std::memory_order_acquire); }

 private:
    void put(base::Bytes bytes) { has_room_ = has_room_ && ring_.put(bytes); }
    void put_received(const rte_mbuf* frame);
    void put_neighbour(record::EventKind kind, std::uint16_t from, const stack::Message& message);

    base::ByteRing ring_;
    std::size_t turn_at_ = 0;
    record::TurnHeader turn_;
    std::int64_t idle_ = 0;
    bool has_room_ = true;  // for the turn, so far
    std::size_t offer_at_ = 0;
    record::EventHeader offer_;
    std::array<std::size_t, packet::Batch::kCapacity + 1> frame_ends_{};  // of the offer
    std::uint64_t turns_ = 0;
    std::atomic<std::uint64_t> gave_up_at_{0};
};

}  // namespace terminus::worker
