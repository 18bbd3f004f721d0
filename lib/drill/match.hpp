#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "drill/ast.hpp"
#include "drill/connection_map.hpp"
#include "drill/wire_packet.hpp"

namespace terminus::drill {

/// How exactly.
struct MatchSettings {
    /// Of timestamps: the length of a tick that scripts count in, and by how much a value may be off. No
    /// tick: what the machine calls its time is its business, and only what it echoes is compared.
    base::Duration timestamp_tick{};
    base::Duration timestamp_tolerance{};
};

/// Consecutive segments of one connection as one, the way that a script for a host with segmentation offload
/// writes them: flags of the last, first sequence number, bytes of all. The failure says which header field
/// differs where it may not. Linux sets PSH on whatever it hands to the device as more than one segment
/// (__tcp_transmit_skb()): when `may_be_pushed`, several segments have it, too.
[[nodiscard]] base::Result<WirePacket, std::string> join_segments(const std::vector<WirePacket>& segments,
                                                                  bool may_be_pushed);

/// What of `actual`, in the script's numbers, is not as `expected` says; nothing when all is. `connection`
/// keeps the names of flow labels.
[[nodiscard]] std::optional<std::string> mismatch(const PacketEvent& expected, const WirePacket& actual,
                                                  ConnectionMap& connection, const MatchSettings& settings);

}  // namespace terminus::drill
