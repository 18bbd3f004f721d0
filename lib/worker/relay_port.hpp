#pragma once

#include <cstdint>

#include "packet/port.hpp"
#include "worker/mesh.hpp"

namespace terminus::worker {

/// A port whose queues others poll (TAP, AF_PACKET, a NIC with fewer queues than workers): frames to be sent
/// reach the polling worker by ring; nothing is received here, what belongs to this worker is handed over.
class RelayPort final : public packet::Port {
 public:
    RelayPort(const packet::Port& polled, std::uint16_t port_index, std::uint16_t self, std::uint16_t poller,
              Mesh& mesh)
        : Port(polled.capabilities(), polled.mac(), polled.mtu()),
          polled_(polled),
          port_index_(port_index),
          poller_(poller),
          mesh_(mesh),
          ring_(mesh.relayed(self, poller)) {}

    void receive(packet::Batch& into) override { static_cast<void>(into); }
    void transmit(packet::Batch& frames) override {
        std::uint16_t taken = 0;
        for (; taken < frames.size() && ring_.has_room(); ++taken) {
            const bool pushed = ring_.try_push({port_index_, frames.take(taken)});
            TERMINUS_ASSERT(pushed, "only this worker produces, so room that was there stays there");
        }
        frames.sent(taken);
        if (taken > 0) mesh_.rouse(poller_);
    }
    [[nodiscard]] bool link_is_up() const override { return polled_.link_is_up(); }
    [[nodiscard]] bool receives() const override { return false; }

 private:
    const packet::Port& polled_;
    std::uint16_t port_index_;
    std::uint16_t poller_;
    Mesh& mesh_;
    base::SpscRing<Relayed>& ring_;
};

}  // namespace terminus::worker
