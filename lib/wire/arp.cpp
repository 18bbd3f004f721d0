#include "wire/arp.hpp"

#include "wire/protocol.hpp"

namespace terminus::wire {

namespace {

constexpr std::uint16_t kHardwareEthernet = 1;

bool may_be_sender(const IpAddress& address) {
    return !address.is_multicast() && !address.is_loopback() && !address.is_limited_broadcast();
}

}  // namespace

base::Result<ArpMessage, Fault> parse_arp(base::Bytes message) {
    if (message.size() < kArpLength) return base::Failure{Fault::ArpMalformed};
    if (base::load_be16(&message[0]) != kHardwareEthernet || base::load_be16(&message[2]) != kEtherTypeIpv4 ||
        message[4] != 6 || message[5] != 4) {
        return base::Failure{Fault::ArpMalformed};
    }
    const std::uint16_t operation = base::load_be16(&message[6]);
    if (operation != 1 && operation != 2) return base::Failure{Fault::ArpMalformed};

    ArpMessage parsed;
    parsed.operation = static_cast<ArpOperation>(operation);
    std::memcpy(parsed.sender_mac.bytes.data(), &message[8], 6);
    parsed.sender = IpAddress::v4(base::load_be32(&message[14]));
    std::memcpy(parsed.target_mac.bytes.data(), &message[18], 6);
    parsed.target = IpAddress::v4(base::load_be32(&message[24]));
    // RFC 1812 3.3.2: no router believes that an IP address is at a broadcast or multicast hardware address.
    if (parsed.sender_mac.is_group() || !may_be_sender(parsed.sender))
        return base::Failure{Fault::ArpMalformed};
    if (parsed.sender.is_unspecified() && parsed.operation == ArpOperation::Reply) {
        return base::Failure{Fault::ArpMalformed};
    }
    return parsed;
}

void write_arp(const ArpMessage& message, base::MutableBytes out) {
    TERMINUS_ASSERT(out.size() >= kArpLength, "callers reserve the message's 28 bytes");
    TERMINUS_ASSERT(message.sender.is_v4() && message.target.is_v4(), "ARP resolves IPv4 addresses only");
    base::store_be16(&out[0], kHardwareEthernet);
    base::store_be16(&out[2], kEtherTypeIpv4);
    out[4] = 6;
    out[5] = 4;
    base::store_be16(&out[6], static_cast<std::uint16_t>(message.operation));
    std::memcpy(&out[8], message.sender_mac.bytes.data(), 6);
    base::store_be32(&out[14], message.sender.v4_host_order());
    std::memcpy(&out[18], message.target_mac.bytes.data(), 6);
    base::store_be32(&out[24], message.target.v4_host_order());
}

}  // namespace terminus::wire
