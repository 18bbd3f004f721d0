#pragma once

#include <cstdint>
#include <mutex>

namespace terminus::dpdk {

/// How a receive queue tells a waiting thread of frames.
class RxInterrupt {
 public:
    /// None.
    RxInterrupt() = default;
    /// That of a started device which was configured with intr_conf.rxq; none where the driver has none.
    /// `is_readable_queue`: DriverTraits::readable_queue. `switching` is held while an interrupt is switched.
    [[nodiscard]] static RxInterrupt of(std::uint16_t port_id, std::uint16_t queue, bool is_readable_queue,
                                        std::mutex& switching);

    /// Readable once the queue has told; -1 for none.
    [[nodiscard]] int descriptor() const { return descriptor_; }
    /// What was told before is forgotten. False when the driver refuses.
    [[nodiscard]] bool enable();
    void disable();

 private:
    std::uint16_t port_id_ = 0;
    std::uint16_t queue_ = 0;
    int descriptor_ = -1;
    bool is_counter_ = false;          // an eventfd, readable until it is read
    std::mutex* switching_ = nullptr;  // nullptr: nothing to switch
};

}  // namespace terminus::dpdk
