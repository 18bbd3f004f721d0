#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/address.hpp"
#include "wire/fault.hpp"

namespace terminus::wire {

inline constexpr std::size_t kArpLength = 28;

enum class ArpOperation : std::uint16_t { Request = 1, Reply = 2 };

/// ARP for IPv4 over Ethernet (RFC 826). A zero `sender` is a probe (RFC 5227 1.1).
struct ArpMessage {
    ArpOperation operation = ArpOperation::Request;
    MacAddress sender_mac;
    IpAddress sender;
    MacAddress target_mac;
    IpAddress target;
};

/// Fault: ArpMalformed, for other hardware or protocols, other operations, and senders that no host can be.
[[nodiscard]] base::Result<ArpMessage, Fault> parse_arp(base::Bytes message);

/// `out` holds at least kArpLength bytes.
void write_arp(const ArpMessage& message, base::MutableBytes out);

}  // namespace terminus::wire
