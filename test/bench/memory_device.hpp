#pragma once

#include <rte_mempool.h>

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "packet/port.hpp"

namespace terminus::bench {

/// A queue pair in memory that costs its worker what a NIC's driver does: buffers are posted to a ring of
/// descriptors and each one that is taken is replaced, and what was sent is freed when its descriptors, one
/// for each of its pieces, are used again. The world writes into posted buffers, as a NIC would, and reads
/// what was sent, both between two turns.
class MemoryDevice final : public packet::Port {
 public:
    /// Power of two; what the world does between two turns has to fit.
    static constexpr std::uint32_t kDescriptors = 1024;

    MemoryDevice(rte_mempool* pool, wire::MacAddress mac, packet::PortCapabilities capabilities);
    ~MemoryDevice() override;

    // ---- packet::Port

    void receive(packet::Batch& into) override;
    void transmit(packet::Batch& frames) override;
    [[nodiscard]] bool link_is_up() const override { return true; }

    // ---- the world's side

    /// Where the next frame is to be written, `frame_bytes` long. Throws when the ring is full.
    [[nodiscard]] std::uint8_t* arrive(std::uint32_t frame_bytes);
    /// Frames that the worker has not taken yet.
    [[nodiscard]] std::uint32_t waiting() const { return arrived_ - taken_; }
    /// Calls `use(const rte_mbuf&)` for each frame sent since the last call.
    template <typename Use>
    void each_sent(Use&& use) {
        for (; seen_ != sent_; ++seen_)
            use(*sent_ring_[seen_ % kDescriptors]);
    }
    /// Frees what was sent and seen, as if its descriptors were used again.
    void forget_sent();

 private:
    [[nodiscard]] rte_mbuf* fresh() const;
    void free_oldest();

    rte_mempool* pool_;
    std::vector<rte_mbuf*> posted_;     // by descriptor; arrived_ - taken_ of them hold a frame
    std::vector<rte_mbuf*> sent_ring_;  // frames, until their descriptors' next use
    std::uint32_t arrived_ = 0;
    std::uint32_t taken_ = 0;
    std::uint32_t sent_ = 0;
    std::uint32_t seen_ = 0;
    std::uint32_t freed_ = 0;
    std::uint32_t used_ = 0;  // descriptors of what was sent and not freed
};

}  // namespace terminus::bench
