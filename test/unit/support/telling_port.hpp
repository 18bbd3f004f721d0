#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

#include "base/assert.hpp"
#include "base/spsc_ring.hpp"
#include "packet/port.hpp"
#include "sim/memory_port.hpp"

namespace terminus::test {

/// A port that tells of frames as hardware does: once, by an eventfd, of a frame that comes while it is
/// armed, and of none that came before. Another thread than the worker's may be the world.
class TellingPort final : public packet::Port {
 public:
    explicit TellingPort(wire::MacAddress mac)
        : Port(sim::MemoryPort::able(), mac, 1500), descriptor_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
        TERMINUS_ASSERT(descriptor_ >= 0, "a test has few descriptors");
    }
    ~TellingPort() override { close(descriptor_); }

    // ---- the worker's side

    void receive(packet::Batch& into) override {
        while (!into.full()) {
            auto frame = incoming_.try_pop();
            if (!frame) return;
            into.push_back(std::move(*frame));
        }
    }
    void transmit(packet::Batch& frames) override {
        sent_.fetch_add(frames.size(), std::memory_order_relaxed);
        frames.clear();
    }
    [[nodiscard]] bool link_is_up() const override { return true; }
    [[nodiscard]] int wake_descriptor() const override { return descriptor_; }
    [[nodiscard]] bool arm() override {
        if (refuses_.load(std::memory_order_relaxed)) return false;
        std::uint64_t told = 0;
        if (read(descriptor_, &told, sizeof told) < 0) told = 0;
        is_armed_.store(true, std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_seq_cst);
        return true;
    }
    void disarm() override { is_armed_.store(false, std::memory_order_relaxed); }

    // ---- the world's

    void arrive(packet::Buffer frame) {
        const bool pushed = incoming_.try_push(std::move(frame));
        TERMINUS_ASSERT(pushed, "the world waits for the worker");
        std::atomic_thread_fence(std::memory_order_seq_cst);
        if (!is_armed_.load(std::memory_order_relaxed) || is_mute_) return;
        const std::uint64_t one = 1;
        const ssize_t written = write(descriptor_, &one, sizeof one);
        TERMINUS_ASSERT(written == sizeof one, "an eventfd has room for 2^64 - 2 frames");
    }
    /// The device keeps its interrupts to itself.
    void be_mute() { is_mute_ = true; }
    /// arm() fails.
    void refuse() { refuses_.store(true, std::memory_order_relaxed); }

    [[nodiscard]] bool is_armed() const { return is_armed_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint32_t sent() const { return sent_.load(std::memory_order_relaxed); }

 private:
    int descriptor_;
    base::SpscRing<packet::Buffer> incoming_{64};
    std::atomic<bool> is_armed_{false};
    std::atomic<bool> refuses_{false};
    std::atomic<std::uint32_t> sent_{0};
    bool is_mute_ = false;
};

}  // namespace terminus::test
