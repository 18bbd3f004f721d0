#include "neigh/icmp_verdict.hpp"

#include "wire/protocol.hpp"

namespace terminus::neigh {

namespace {

constexpr IcmpVerdict kSoft{IcmpEffect::Soft, 0};
constexpr IcmpVerdict kHard{IcmpEffect::Hard, 0};
constexpr IcmpVerdict kRefused{IcmpEffect::Refused, 0};

// RFC 1122 4.2.3.9, RFC 9293 3.9.2.2, MUST-56, SHLD-26: 0, 1, 5 are soft, 2, 3 hard. RFC 1812 5.2.7.1: 9, 10
// and 13 are a filter's refusal, which won't change while a handshake waits.
IcmpVerdict unreachable_v4(const wire::IcmpMessage& message) {
    switch (message.code) {
        case 3:
            return kRefused;
        case 2:
        case 9:
        case 10:
        case 13:
            return kHard;
        case 4:
            return {IcmpEffect::TooBig, message.next_hop_mtu};
        default:
            return kSoft;
    }
}

// RFC 4443 3.1: administratively prohibited, port unreachable, policy and reject route are refusals; no
// route, beyond scope and address unreachable may pass.
IcmpVerdict unreachable_v6(const wire::IcmpMessage& message) {
    switch (message.code) {
        case 4:
            return kRefused;
        case 1:
        case 5:
        case 6:
            return kHard;
        default:
            return kSoft;
    }
}

std::optional<IcmpVerdict> verdict_v4(const wire::IcmpMessage& message) {
    switch (message.type) {
        case wire::kIcmpUnreachable:
            return unreachable_v4(message);
        case wire::kIcmpTimeExceeded:
        case wire::kIcmpParameterProblem:
            return kSoft;  // RFC 9293 3.9.2.2, MUST-56
        default:           // RFC 6633, RFC 9293 3.9.2.2, MUST-55: source quench is ignored
            return std::nullopt;
    }
}

std::optional<IcmpVerdict> verdict_v6(const wire::IcmpMessage& message) {
    switch (message.type) {
        case wire::kIcmpv6Unreachable:
            return unreachable_v6(message);
        case wire::kIcmpv6TooBig:
            return IcmpVerdict{IcmpEffect::TooBig, message.next_hop_mtu};
        case wire::kIcmpv6TimeExceeded:
        case wire::kIcmpv6ParameterProblem:
            return kSoft;
        default:
            return std::nullopt;
    }
}

}  // namespace

std::optional<IcmpVerdict> icmp_verdict(const wire::IcmpMessage& message) {
    if (message.kind != wire::IcmpKind::Error || !message.quote) return std::nullopt;
    if (message.quote->protocol != wire::kProtocolTcp) return std::nullopt;
    return message.is_v6 ? verdict_v6(message) : verdict_v4(message);
}

}  // namespace terminus::neigh
