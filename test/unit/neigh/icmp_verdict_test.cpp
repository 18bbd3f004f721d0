#include "neigh/icmp_verdict.hpp"

#include <catch2/catch.hpp>

#include "wire/protocol.hpp"

using namespace terminus;
using neigh::icmp_verdict;
using neigh::IcmpEffect;

namespace {

wire::IcmpMessage error(bool is_v6, std::uint8_t type, std::uint8_t code) {
    wire::IcmpMessage message;
    message.is_v6 = is_v6;
    message.kind = wire::IcmpKind::Error;
    message.type = type;
    message.code = code;
    message.next_hop_mtu = 1400;
    message.quote = wire::IcmpQuote{wire::kProtocolTcp, {}, {}};
    return message;
}
IcmpEffect effect(bool is_v6, std::uint8_t type, std::uint8_t code) {
    const auto verdict = icmp_verdict(error(is_v6, type, code));
    REQUIRE(verdict);
    CHECK(verdict->next_hop_mtu == (verdict->effect == IcmpEffect::TooBig ? 1400 : 0));
    return verdict->effect;
}

}  // namespace

// RFC 9293 3.9.2.2, MUST-56, SHLD-26.
TEST_CASE("RFC 1122 4.2.3.9: each code of destination unreachable has its effect") {
    for (std::uint8_t code = 0; code < 20; ++code) {
        INFO("code " << int{code});
        const bool hard = code == 2 || code == 9 || code == 10 || code == 13;
        const IcmpEffect expected = code == 3   ? IcmpEffect::Refused
                                    : code == 4 ? IcmpEffect::TooBig
                                    : hard      ? IcmpEffect::Hard
                                                : IcmpEffect::Soft;
        CHECK(effect(false, 3, code) == expected);
    }
    CHECK(effect(false, 11, 0) == IcmpEffect::Soft);
    CHECK(effect(false, 12, 0) == IcmpEffect::Soft);
}

TEST_CASE("RFC 4443 3: each code of ICMPv6 unreachable has its effect") {
    for (std::uint8_t code = 0; code < 10; ++code) {
        INFO("code " << int{code});
        const bool hard = code == 1 || code == 5 || code == 6;
        CHECK(effect(true, 1, code) == (code == 4 ? IcmpEffect::Refused
                                        : hard    ? IcmpEffect::Hard
                                                  : IcmpEffect::Soft));
    }
    CHECK(effect(true, 2, 0) == IcmpEffect::TooBig);
    CHECK(effect(true, 3, 0) == IcmpEffect::Soft);
    CHECK(effect(true, 4, 1) == IcmpEffect::Soft);
}

// RFC 9293 3.9.2.2, MUST-55.
TEST_CASE("HARDENING 16: source quench is ignored, as is what is no error or not about TCP") {
    CHECK_FALSE(icmp_verdict(error(false, wire::kIcmpSourceQuench, 0)));
    wire::IcmpMessage message = error(false, 3, 3);
    message.quote->protocol = wire::kProtocolUdp;
    CHECK_FALSE(icmp_verdict(message));
    message.quote.reset();
    CHECK_FALSE(icmp_verdict(message));
    message = error(false, 3, 3);
    message.kind = wire::IcmpKind::Other;
    CHECK_FALSE(icmp_verdict(message));
}
