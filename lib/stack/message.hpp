#pragma once

#include <cstdint>

#include "packet/slice.hpp"
#include "wire/address.hpp"

namespace terminus::stack {

/// What workers send each other.
struct Message {
    enum class Kind : std::uint8_t {
        None,
        Frame,            ///< received on `port`, belongs to the addressee
        NeighbourWanted,  ///< `address` on `port`, asked of worker 0
        NeighbourAnswer,  ///< worker 0's word to all: `address` on `port` is at `mac`
    };
    Kind kind = Kind::None;
    std::uint16_t port = 0;
    wire::MacAddress mac;
    wire::IpAddress address;
    packet::Buffer frame;
};

/// A message and its addressee.
struct OutMessage {
    std::uint16_t worker = 0;
    Message message;
};

}  // namespace terminus::stack
