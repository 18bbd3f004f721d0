#include <utility>

#include "base/assert.hpp"
#include "tcp/connection.hpp"

namespace terminus::tcp {

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
    if (!path_.lower(next_hop_mtu, ipv6_, env.now)) return;
    if (state_ == State::SynSent) {
        // agree_on() takes it from here. Only a SYN with text can have been too big: it goes again without.
        if (snd_.flight() > 1 && !handshake_repeated_) syn_pending_ = handshake_repeated_ = true;
        return;
    }
    const std::uint16_t before = std::exchange(snd_.mss, path_.text_max());
    if (state_ == State::SynReceived && !fast_open_) return;  // no text is on the way
    if (snd_.mss == before) {                                 // it was about a probe
        if (!path_.is_too_big(recovery_.mtu_probe_length())) return;
        recovery_.mtu_probe_refused(sending(env));
        return follow_mtu_probe(env);
    }
    // RFC 1191 6.4: what was too big is sent again at once; the path has lost it, congestion has not.
    recovery_.resend_blamelessly(sending(env), stats::RetransmitCause::PathMtu);
}

}  // namespace terminus::tcp
