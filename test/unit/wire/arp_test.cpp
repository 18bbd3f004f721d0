#include "wire/arp.hpp"

#include <catch2/catch.hpp>

#include "wire/frames.hpp"

using namespace terminus;
using namespace terminus::wire;
using test::hex;
using test::operator+;
using test::Octets;

namespace {
constexpr auto kRequest = "0001 0800 06 04 0001 020000000001 c0000201 000000000000 c0000202";
Octets with(std::size_t at, std::uint8_t value) {
    Octets message = hex(kRequest);
    message[at] = value;
    return message;
}
}  // namespace

TEST_CASE("an ARP request is written byte for byte and read back") {
    ArpMessage message;
    message.sender_mac = test::kPeerMac;
    message.sender = test::kPeer4;
    message.target = test::kOur4;
    Octets out(kArpLength, 0xee);
    write_arp(message, out);
    CHECK(out == hex(kRequest));
    const auto parsed = parse_arp(out);
    REQUIRE(parsed.ok());
    CHECK(parsed.value().operation == ArpOperation::Request);
    CHECK(parsed.value().sender_mac == test::kPeerMac);
    CHECK(parsed.value().sender == test::kPeer4);
    CHECK(parsed.value().target_mac.is_zero());
    CHECK(parsed.value().target == test::kOur4);
}

TEST_CASE("HARDENING 1: a truncated ARP message is refused, padding after one is not") {
    const Octets message = hex(kRequest);
    CHECK_FALSE(parse_arp(base::Bytes(message).first(27)).ok());
    CHECK(parse_arp(message + Octets(18)).ok());
}

TEST_CASE("ARP for other hardware, protocols, lengths or operations is refused") {
    for (const std::size_t at : {0, 1, 2, 3, 4, 5, 6, 7}) {
        INFO("byte " << at);
        CHECK_FALSE(parse_arp(with(at, 0x77)).ok());
    }
    CHECK(parse_arp(with(7, 2)).ok());
    CHECK_FALSE(parse_arp(with(7, 0)).ok());
    CHECK_FALSE(parse_arp(with(7, 3)).ok());
}

TEST_CASE("HARDENING 8: ARP senders that no host can be are refused") {
    CHECK_FALSE(parse_arp(with(8, 0x03)).ok());  // group hardware address
    CHECK_FALSE(parse_arp(with(14, 224)).ok());  // multicast
    CHECK_FALSE(parse_arp(with(14, 127)).ok());  // loopback
    Octets broadcast = hex(kRequest);
    base::store_be32(&broadcast[14], 0xffffffff);
    CHECK_FALSE(parse_arp(broadcast).ok());
}

TEST_CASE("a zero ARP sender is a probe in a request and nonsense in a reply") {
    Octets probe = hex(kRequest);
    base::store_be32(&probe[14], 0);
    CHECK(parse_arp(probe).ok());
    probe[7] = 2;
    CHECK_FALSE(parse_arp(probe).ok());
}
