#pragma once

#include <cstdint>
#include <vector>

#include "stream.hpp"
#include "wire/address.hpp"
#include "wire/tcp.hpp"

namespace terminus::simulation {

/// A segment that somebody makes up, byte by byte if need be.
struct Forged {
    /// What is wrong with it below TCP's own fields.
    enum class Fault : std::uint8_t {
        None,
        Checksum,    ///< TCP's
        DataOffset,  ///< any
        Length,      ///< IP's says otherwise than there is
        Fragment,    ///< it claims to be the first of several
        Bits,        ///< some are flipped after all checksums were made
    };
    wire::FourTuple from;  ///< `local` is the sender
    wire::TcpHeader header;
    std::uint64_t pattern = 0;              ///< of its text,
    std::uint64_t place = 0;                ///< from here on,
    std::uint32_t text = 0;                 ///< so many bytes
    std::vector<std::uint8_t> raw_options;  ///< instead of the header's, if there are any: at most 40 bytes
    std::uint8_t traffic_class = 0;
    Fault fault = Fault::None;
    std::uint32_t how = 0;  ///< which bits, what length
};

/// The IP packet.
[[nodiscard]] std::vector<std::uint8_t> forge_segment(const Forged& forged);

/// An ICMP error as a router might send it.
struct ForgedError {
    wire::FourTuple about;  ///< of the segment that it quotes; `local` sent it and gets this
    wire::SeqNum quoted;
    std::uint8_t type = 0;
    std::uint8_t code = 0;
    std::uint32_t rest = 0;  ///< the MTU, where there is one
};
[[nodiscard]] std::vector<std::uint8_t> forge_error(const ForgedError& forged);

}  // namespace terminus::simulation
