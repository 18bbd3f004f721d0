#pragma once

#include <cstdint>

#include "packet/port.hpp"
#include "worker/recorder.hpp"

namespace terminus::worker {

/// Stands before a port while a recording runs, and takes down what is sent. What is received the worker
/// takes from the port itself.
class RecordedPort final : public packet::Port {
 public:
    RecordedPort(packet::Port& port, std::uint16_t index)
        : Port(port.capabilities(), port.mac(), port.mtu()), port_(&port), index_(index) {}

    /// Before anything is sent through this.
    void set_recorder(Recorder& recorder) { recorder_ = &recorder; }
    /// Another port of the same capabilities and addresses.
    void stand_before(packet::Port& port) { port_ = &port; }

    void receive(packet::Batch& into) override { port_->receive(into); }
    void transmit(packet::Batch& frames) override {
        const std::uint16_t offered = frames.size();
        recorder_->offered(index_, frames);
        port_->transmit(frames);
        recorder_->taken(static_cast<std::uint16_t>(offered - frames.size()));
    }
    [[nodiscard]] bool link_is_up() const override { return port_->link_is_up(); }

 private:
    packet::Port* port_;
    std::uint16_t index_;
    Recorder* recorder_ = nullptr;
};

}  // namespace terminus::worker
