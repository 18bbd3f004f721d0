#pragma once

#include <string>

#include "drill/ast.hpp"
#include "drill/wire_packet.hpp"

namespace terminus::drill {

/// "1.250000": seconds of the script's clock.
[[nodiscard]] std::string to_string(base::Duration time);

/// What follows the direction: "[ect0] P. 1:1001(1000) ack 1 win 257 <nop,nop,TS val 1 ecr 2>". `show_ip`
/// adds TOS and TTL.
[[nodiscard]] std::string to_string(const WirePacket& packet, bool show_ip);

/// A script's packet as it was written, in one form for all ways of writing it.
[[nodiscard]] std::string to_string(const PacketEvent& packet);

}  // namespace terminus::drill
