#include <algorithm>

#include "tcp/connection.hpp"

namespace terminus::tcp {

// Below these an announcement of a router is not believed further (Linux's min_pmtu; RFC 8200 5): smaller
// packets are an attack on our packet rate more often than a path (HARDENING 16).
constexpr std::uint16_t kMtuFloorV4 = 552;
constexpr std::uint16_t kMtuFloorV6 = 1280;
constexpr std::uint16_t kHeadersV4 = 20 + 20;
constexpr std::uint16_t kHeadersV6 = 40 + 20;

bool Connection::icmp_error_arrives(IcmpError error, wire::SeqNum quoted, std::uint16_t next_hop_mtu,
                                    const Environment& env) {
    if (state_ == State::Closed || state_ == State::TimeWait) return false;
    // RFC 5927 4.1: whoever has not seen our segments can't quote one that is in flight.
    if (!quoted.in_window(snd_.una, snd_.flight())) return false;
    switch (error) {
        case IcmpError::Soft:
            return true;  // RFC 9293 MUST-56: never a reason to abort
        case IcmpError::Hard:
            // RFC 5461 4.1: believed during the handshake only; later it is soft (RFC 5927 5.2).
            if (is_in(state_, mask(State::SynSent) | mask(State::SynReceived))) {
                close(stats::CloseReason::Unreachable, env);
            }
            return true;
        case IcmpError::TooBig:
            break;
    }
    // RFC 1191, 8201, 5927 7.2: it only ever lowers, and not below the floor; 0 is a router older than RFC
    // 1191.
    const std::uint16_t mtu = std::max(next_hop_mtu, ipv6_ ? kMtuFloorV6 : kMtuFloorV4);
    const std::uint16_t limit = static_cast<std::uint16_t>(mtu - (ipv6_ ? kHeadersV6 : kHeadersV4));
    if (limit >= mss_limit_) return true;
    const std::uint16_t options = static_cast<std::uint16_t>(mss_limit_ - snd_.mss);
    mss_limit_ = limit;
    if (is_in(state_, mask(State::SynSent) | mask(State::SynReceived)))
        return true;  // SYNs have no text to cut
    snd_.mss = static_cast<std::uint16_t>(limit - options);
    // RFC 1191 6.5: what was too big is sent again at once; the path has lost it, congestion has not.
    recovery_.resend_blamelessly(sending(env), stats::RetransmitCause::PathMtu);
    return true;
}

}  // namespace terminus::tcp
