#pragma once

#include "packet/port.hpp"
#include "stats/counter.hpp"

namespace terminus::worker {

/// Stands in for a port whose device was removed: frames are built for it as before, nothing arrives, and
/// what is sent is freed and counted in `lost`.
class GonePort final : public packet::Port {
 public:
    GonePort(const packet::Port& was, stats::Counter& lost)
        : Port(was.capabilities(), was.mac(), was.mtu()), lost_(lost) {}

    void receive(packet::Batch& into) override { static_cast<void>(into); }
    void transmit(packet::Batch& frames) override {
        lost_.add(frames.size());
        frames.clear();
    }
    [[nodiscard]] bool link_is_up() const override { return false; }
    [[nodiscard]] bool receives() const override { return false; }

 private:
    stats::Counter& lost_;
};

}  // namespace terminus::worker
