#pragma once

#include <optional>
#include <string>

#include "wire.hpp"

namespace terminus::relay {

/// A raw socket on one interface: whole Ethernet frames, without those that the machine itself sends there.
/// Its functions throw std::system_error.
class PacketSocket {
 public:
    explicit PacketSocket(const std::string& interface);
    ~PacketSocket();
    PacketSocket(const PacketSocket&) = delete;
    PacketSocket& operator=(const PacketSocket&) = delete;

    [[nodiscard]] int descriptor() const { return descriptor_; }
    /// The next frame, when there is one.
    [[nodiscard]] std::optional<Frame> receive() const;
    /// False when the interface's queue is full.
    [[nodiscard]] bool send(const Frame& frame) const;

 private:
    int descriptor_;
};

}  // namespace terminus::relay
