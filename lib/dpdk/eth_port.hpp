#pragma once

#include <cstdint>

#include "dpdk/rx_interrupt.hpp"
#include "packet/port.hpp"

namespace terminus::dpdk {

/// One queue pair of an ethdev. Used by one worker only; made by Device, which outlives its use.
class EthPort final : public packet::Port {
 public:
    EthPort(std::uint16_t port_id, std::uint16_t queue, const packet::PortCapabilities& capabilities,
            wire::MacAddress mac, std::uint16_t mtu)
        : Port(capabilities, mac, mtu),
          port_id_(port_id),
          queue_(queue),
          prepares_(capabilities.tx_ipv4_checksum || capabilities.tx_tcp_checksum) {}

    void receive(packet::Batch& into) override;
    /// Frames that the driver can never send (tx_prepare refuses them) are freed and counted in
    /// frames_refused().
    void transmit(packet::Batch& frames) override;
    [[nodiscard]] bool link_is_up() const override;
    [[nodiscard]] int wake_descriptor() const override { return interrupt_.descriptor(); }
    [[nodiscard]] bool arm() override { return interrupt_.enable(); }
    void disarm() override { interrupt_.disable(); }

    /// Before the worker takes the port over.
    void set_interrupt(const RxInterrupt& interrupt) { interrupt_ = interrupt; }
    [[nodiscard]] std::uint16_t port_id() const { return port_id_; }
    [[nodiscard]] std::uint16_t queue() const { return queue_; }

 private:
    std::uint16_t port_id_;
    std::uint16_t queue_;
    bool prepares_;
    RxInterrupt interrupt_;
};

}  // namespace terminus::dpdk
