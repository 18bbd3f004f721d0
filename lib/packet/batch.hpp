#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "base/assert.hpp"
#include "packet/slice.hpp"

namespace terminus::packet {

/// Frames on their way between a port and a stage: at most one burst, owned.
class Batch {
 public:
    /// Frames a turn takes from a queue: DPDK's customary burst, big enough to amortise the doorbell and
    /// small enough that headers stay in L1.
    static constexpr std::uint16_t kCapacity = 64;

    Batch() = default;
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;
    ~Batch() { clear(); }

    [[nodiscard]] bool empty() const { return count_ == 0; }
    [[nodiscard]] bool full() const { return count_ == kCapacity; }
    [[nodiscard]] std::uint16_t size() const { return count_; }
    [[nodiscard]] std::uint16_t room() const { return static_cast<std::uint16_t>(kCapacity - count_); }

    void push_back(Buffer buffer) {
        TERMINUS_ASSERT(count_ < kCapacity, "callers ask full() first");
        frames_[count_++] = buffer.release();
    }
    /// Takes frame `index` out; its place stays empty until clear().
    [[nodiscard]] Buffer take(std::uint16_t index) { return Buffer(std::exchange(frames_[index], nullptr)); }
    /// Bytes of frame `index`, over all its pieces.
    [[nodiscard]] std::uint32_t frame_length(std::uint16_t index) const { return frames_[index]->pkt_len; }
    /// Asks for the first bytes of frame `index`, which will be read soon.
    void prefetch(std::uint16_t index) const {
        __builtin_prefetch(rte_pktmbuf_mtod(frames_[index], const std::uint8_t*));
    }
    [[nodiscard]] rte_mbuf* peek(std::uint16_t index) const { return frames_[index]; }

    /// For ports: where a receive burst writes, and how many it wrote.
    [[nodiscard]] rte_mbuf** end() { return frames_.data() + count_; }
    void received(std::uint16_t count) { count_ = static_cast<std::uint16_t>(count_ + count); }
    /// For ports: the frames to be sent; the first `count` now belong to the device.
    [[nodiscard]] rte_mbuf** begin() { return frames_.data(); }
    void sent(std::uint16_t count);

    /// Frees what is left.
    void clear();

 private:
    std::array<rte_mbuf*, kCapacity> frames_{};
    std::uint16_t count_ = 0;
};

}  // namespace terminus::packet
