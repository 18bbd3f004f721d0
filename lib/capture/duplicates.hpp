#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "capture/link_layer.hpp"

namespace terminus::capture {

/// Tells the copies in a host's capture of all interfaces: one packet that is seen as it comes in at a
/// bridge's port, at the bridge, and as it goes out at another port.
///
/// A packet is a copy of one that was recorded up to kWindow before when all bytes behind the link header
/// are equal (so a router's are not: it changed the hop limit) and when that one has not been seen at the
/// same interface, with the same packet type, already. Whatever comes a second time at the same place is a
/// packet of its own: a retransmission, a duplicate ACK, or one that the network doubled, even if all its
/// bytes are the same; and its copies belong to it.
class Duplicates {
 public:
    /// Copies follow the packet in microseconds, or in milliseconds on a busy machine.
    static constexpr base::Duration kWindow = std::chrono::milliseconds(5);
    /// How many are remembered: five milliseconds of 200,000 packets a second.
    static constexpr std::size_t kRememberedMax = 1024;

    /// Whether the packet is a copy; if not, it is remembered. `stamp` never goes back; `length` is what the
    /// packet had on the wire.
    [[nodiscard]] bool is_copy(base::Bytes packet, std::size_t length, const SeenAt& seen_at,
                               base::Duration stamp);

 private:
    struct Seen {
        base::Duration stamp{};
        std::size_t hash = 0;
        std::size_t length = 0;
        std::vector<std::uint8_t> packet;
        std::vector<SeenAt> places;
    };
    std::deque<Seen> recent_;
};

}  // namespace terminus::capture
