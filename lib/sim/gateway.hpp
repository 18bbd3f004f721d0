#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "packet/slice.hpp"
#include "wire/address.hpp"

namespace terminus::sim {

/// The other end of a machine's wire: whoever the machine asks for by ARP or neighbour discovery is here,
/// with one Ethernet address.
class Gateway {
 public:
    static constexpr wire::MacAddress kMac{{2, 0, 0, 0, 0, 1}};

    /// Frames that come to the gateway: an IP packet that goes on its way, or something of the link's own.
    struct Heard {
        std::vector<std::uint8_t> packet;  ///< empty when the frame was the link's
        std::vector<std::uint8_t> answer;  ///< a frame for the machine; empty when there is none
    };
    [[nodiscard]] static Heard hear(const packet::Buffer& frame);

    /// The frame in which an IP packet reaches the machine; nothing when it is neither IPv4 nor IPv6.
    [[nodiscard]] static std::optional<std::vector<std::uint8_t>> frame(base::Bytes packet,
                                                                        const wire::MacAddress& machine);
};

}  // namespace terminus::sim
