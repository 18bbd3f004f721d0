#include <algorithm>

#include "base/assert.hpp"
#include "tcp/connection.hpp"

namespace terminus::tcp {

// Below these an announcement of a router is not believed further (Linux's min_pmtu; RFC 8200 5): smaller
// packets are an attack on our packet rate more often than a path (HARDENING 16).
constexpr std::uint16_t kMtuFloorV4 = 552;
constexpr std::uint16_t kMtuFloorV6 = 1280;
constexpr std::uint16_t kHeadersV4 = 20 + 20;
constexpr std::uint16_t kHeadersV6 = 40 + 20;

// Linux's mtu_expires, and the least that RFC 1191 6.3 allows after a lowering.
constexpr Duration kPathAge = 10min;

constexpr StateMask kHandshake = mask(State::SynSent) | mask(State::SynReceived);

bool Connection::icmp_error_arrives(IcmpError error, wire::SeqNum quoted, std::uint16_t next_hop_mtu,
                                    const Environment& env) {
    if (state_ == State::Closed || state_ == State::TimeWait) return false;
    // RFC 5927 4.1: whoever has not seen our segments can't quote one that is in flight.
    if (!quoted.in_window(snd_.una, snd_.flight())) return false;
    switch (error) {
        case IcmpError::Soft:
            leg_stats(env).icmp_soft_errors.add();
            return true;  // RFC 9293 MUST-56: never a reason to abort
        case IcmpError::Hard:
        case IcmpError::Refused:
            // RFC 5461 4.1: believed during the handshake only; later it is soft (RFC 5927 5.2).
            if (is_in(state_, kHandshake)) {
                close(error == IcmpError::Refused ? stats::CloseReason::Refused
                                                  : stats::CloseReason::Unreachable,
                      env);
            } else {
                leg_stats(env).icmp_soft_errors.add();
            }
            return true;
        case IcmpError::TooBig:
            path_shrinks(next_hop_mtu, env);
            return true;
    }
    TERMINUS_ASSERT(false, "the switch names every error");
    return false;
}

/// What quotes a segment in flight says that the path carries less than we thought.
void Connection::path_shrinks(std::uint16_t next_hop_mtu, const Environment& env) {
    // RFC 1191, 8201, 5927 7.2: it only ever lowers, and not below the floor; 0 is a router older than RFC
    // 1191.
    const std::uint16_t mtu = std::max(next_hop_mtu, ipv6_ ? kMtuFloorV6 : kMtuFloorV4);
    const std::uint16_t limit = static_cast<std::uint16_t>(mtu - (ipv6_ ? kHeadersV6 : kHeadersV4));
    if (limit >= mss_limit_) return;
    const std::uint16_t options = static_cast<std::uint16_t>(mss_limit_ - snd_.mss);
    // Text that went ahead of the handshake's end is like any other.
    if (is_in(state_, kHandshake) && !is_fast_opened()) {
        mss_limit_ = limit;  // agree_on() takes it from here
        // Only a SYN with text can have been too big: it goes again without.
        if (state_ == State::SynSent && snd_.flight() > 1 && !handshake_repeated_)
            syn_pending_ = handshake_repeated_ = true;
        return;
    }
    if (path_lowered_at_ == base::kNever) mss_before_ = mss_limit_;
    path_lowered_at_ = env.now;
    mss_limit_ = limit;
    snd_.mss = static_cast<std::uint16_t>(limit - options);
    // RFC 1191 6.5: what was too big is sent again at once; the path has lost it, congestion has not.
    recovery_.resend_blamelessly(sending(env), stats::RetransmitCause::PathMtu);
}

// RFC 1191 6.3, RFC 8201 4: the path may have grown again, or the router may have lied (HARDENING 16). Ten
// minutes after the last lowering the old size is tried once more; a router that still can't says so again.
void Connection::forget_lowered_path(const Environment& env) {
    if (path_lowered_at_ == base::kNever || env.now - path_lowered_at_ < kPathAge) return;
    const std::uint16_t options = static_cast<std::uint16_t>(mss_limit_ - snd_.mss);
    path_lowered_at_ = base::kNever;
    mss_limit_ = mss_before_;
    snd_.mss = static_cast<std::uint16_t>(mss_limit_ - options);
}

}  // namespace terminus::tcp
