#pragma once

#include <cstdint>
#include <optional>

#include "base/time.hpp"
#include "load/address_map.hpp"
#include "packet/frame_builder.hpp"
#include "wire/address.hpp"

namespace terminus::load {

/// Where a side is, whom it talks to, and how its TCP behaves.
struct SideSettings {
    wire::MacAddress mac;
    rte_mempool* pool =
        nullptr;  ///< for all that is sent; buffers of packet::FrameBuilder::kFrameMin at least
    AddressRange local;
    PortRange local_ports;
    AddressRange remote;  ///< of local's family
    PortRange remote_ports;
    /// Asked for by ARP or neighbour discovery before anything is sent. Nothing: frames go to whoever sent
    /// the last SYN.
    std::optional<wire::IpAddress> next_hop;
    /// One more address that questions are answered for: what the other side has as its gateway.
    std::optional<wire::IpAddress> also_answers;
    std::uint16_t mtu = 1500;  ///< at most that
    /// Verify checksums of what is received where the device did not; what it says of TCP's is believed.
    bool verifies_checksums = true;
    bool device_verifies = false;
    /// Send acknowledgements of their own, as kernels do, instead of only with what is sent anyway.
    bool separate_acks = false;
    base::Duration resend_after = std::chrono::seconds(1);
    std::uint8_t resends_max = 3;
    std::uint32_t in_flight_max = 256 * 1024;  ///< bytes of text that a connection may have on the way
};

/// The window that is announced, scaled: what comes is taken at once.
inline constexpr std::uint16_t kWindow = 0xffff;
inline constexpr std::uint8_t kWindowScale = 6;  ///< 4 MiB

/// Bytes of text that a segment of an `mtu` has room for, timestamps not subtracted.
[[nodiscard]] constexpr std::uint16_t mss_of(std::uint16_t mtu, bool is_v4) {
    return static_cast<std::uint16_t>(mtu - (is_v4 ? 40 : 60));
}

}  // namespace terminus::load
