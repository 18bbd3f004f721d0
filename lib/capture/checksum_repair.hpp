#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace terminus::capture {

/// What was found and done.
enum class ChecksumRepair : std::uint8_t {
    Right,       ///< nothing was wrong, or nothing in the frame has a checksum that is known
    Unfinished,  ///< repaired: the sum of the pseudo-header was there, for the sender's device to go on from
    Wrong,       ///< repaired
    Fragment,    ///< left alone: the checksum is over all fragments
    Cut,         ///< left alone: the frame doesn't hold what its headers say
};

[[nodiscard]] constexpr bool was_repaired(ChecksumRepair outcome) {
    return outcome == ChecksumRepair::Unfinished || outcome == ChecksumRepair::Wrong;
}

/// Writes the right checksums into IPv4's header and into TCP, UDP, ICMP or ICMPv6 behind it or behind IPv6,
/// where they are wrong. `frame` begins with the Ethernet header; VLAN tags are skipped, trailing bytes left
/// out of it.
///
/// A host's capture has wrong ones in what the host sent: Linux leaves TCP's and UDP's to the device and the
/// capture is taken before (also between two machines on one host, and of what it received and merged),
/// others leave IPv4's, too.
ChecksumRepair repair_checksums(base::MutableBytes frame);

}  // namespace terminus::capture
