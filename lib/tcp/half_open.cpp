#include "tcp/half_open.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "tcp/sequence_space.hpp"
#include "tcp/state.hpp"

namespace terminus::tcp {

using wire::TcpFlags;

// RFC 9293 3.10.7.2. A SYN with text is a clean one (the text is not taken: the peer sends it again), a SYN
// with FIN or RST is not (HARDENING 5).
ListenVerdict listen_segment_arrives(const wire::TcpSegment& segment) {
    if (segment.flags.rst()) return ListenVerdict::Ignore;
    if (segment.flags.ack()) return ListenVerdict::Reset;
    if (segment.flags.syn() && !segment.flags.fin()) return ListenVerdict::Open;
    return ListenVerdict::Ignore;
}

HalfOpen::HalfOpen(const Parameters& parameters, const wire::TcpSegment& syn, const Environment& env,
                   Origin origin)
    : remote_(parameters.tuple.remote.address),
      remote_port_(parameters.tuple.remote.port),
      local_port_(parameters.tuple.local.port),
      local_id_(parameters.local_id),
      service_(parameters.service),
      iss_(parameters.iss),
      irs_(syn.seq),
      peer_mss_(syn.options.mss.value_or(default_mss(!parameters.tuple.remote.address.is_v4()))),
      advertised_mss_(parameters.advertised_mss),
      peer_window_(syn.window),
      advertised_window_(unscaled_window(env.tunables.rmem.initial)),
      deadline_(env.now + env.tunables.rto_initial) {
    TERMINUS_ASSERT(listen_segment_arrives(syn) == ListenVerdict::Open, "only a clean SYN makes a half-open");
    if (env.tunables.timestamps && syn.options.timestamps) {
        flags_ |= kTimestamps;
        recent_timestamp_ = syn.options.timestamps->value;
    }
    if (env.tunables.window_scaling && syn.options.window_scale) {
        flags_ |= kWindowScale;
        const unsigned own = scale_for(env.tunables.rmem.max);
        const unsigned peer = std::min<unsigned>(*syn.options.window_scale, kScaleMax);
        scales_ = static_cast<std::uint8_t>((own << 4) | peer);
    }
    if (env.tunables.sack && syn.options.sack_permitted) flags_ |= kSack;
    // RFC 9293 3.8.2, SHLD-8; RFC 3168 6.1.1: ECE and CWR on a SYN ask for ECN.
    if (env.tunables.ecn != 0 && syn.flags.ece() && syn.flags.cwr()) flags_ |= kEcn;
    leg(env).connections[static_cast<std::size_t>(State::SynReceived)].add();
    if (origin == Origin::Cookie) {
        flags_ |= kSent | kResent;  // no measurement of the round trip
        return;
    }
    leg(env).opens_passive.add();
    leg(env).segments_received.add();
}

void HalfOpen::restored(const Environment& env) {
    leg(env).connections[static_cast<std::size_t>(State::SynReceived)].add();
}

void HalfOpen::released(const Environment& env) {
    leg(env).connections[static_cast<std::size_t>(State::SynReceived)].subtract();
}

// RFC 9293 3.10.7.4, as far as it concerns SYN-RECEIVED. What completes the handshake is not judged further
// here: the connection sees the same segment.
HalfOpenVerdict HalfOpen::segment_arrives(const wire::TcpSegment& segment, const Environment& env) {
    const wire::SeqNum rcv_nxt = irs_ + 1;
    if (has(kTimestamps) && segment.options.timestamps && !segment.flags.rst() &&
        is_older(segment.options.timestamps->value, recent_timestamp_)) {
        leg(env).segments_received.add();
        env.stats.drops[stats::DropReason::TcpPaws].add();
        return reply_with_ack(env);
    }
    if (segment.flags.rst()) {
        leg(env).segments_received.add();
        // RFC 5961 3.2: exactly the next number, else a challenge within the window and silence outside.
        if (segment.seq == rcv_nxt) {
            leg(env).resets_received.add();
            leg(env).closes[stats::CloseReason::ResetReceived].add();
            return HalfOpenVerdict::Close;
        }
        env.stats.drops[stats::DropReason::TcpRstInvalid].add();
        if (!segment.seq.in_window(rcv_nxt, advertised_window_)) return HalfOpenVerdict::Ignore;
        return reply_with_ack(env);
    }
    if (segment.flags.syn()) {
        leg(env).segments_received.add();
        if (segment.seq == irs_ && !segment.flags.ack() && !segment.flags.fin()) {
            // The peer's SYN again: our SYN-ACK is lost or late.
            if (!challenges_.admit(env.now, env.tunables.challenge_ack_limit)) {
                return ignore(stats::DropReason::TcpSynInWindow, env);
            }
            flags_ |= kResent;
            return HalfOpenVerdict::Reply;
        }
        env.stats.drops[stats::DropReason::TcpSynInWindow].add();
        return reply_with_ack(env);
    }
    if (!is_acceptable(segment.seq, segment.seg_len(), rcv_nxt, advertised_window_)) {
        leg(env).segments_received.add();
        env.stats.drops[stats::DropReason::TcpOutOfWindow].add();
        return reply_with_ack(env);
    }
    if (!segment.flags.ack()) {
        leg(env).segments_received.add();
        return ignore(stats::DropReason::TcpNoAck, env);
    }
    if (segment.ack != iss_ + 1) {
        leg(env).segments_received.add();
        env.stats.drops[stats::DropReason::TcpAckInvalid].add();
        return HalfOpenVerdict::ResetPeer;
    }
    return HalfOpenVerdict::Promote;
}

// RFC 5927 4.1: only the SYN-ACK is in flight, so nothing but its number is believed. RFC 5461 4.1: a hard
// error ends the handshake, others (RFC 9293 MUST-56) don't; and there is no text to be cut smaller.
HalfOpenVerdict HalfOpen::icmp_error_arrives(IcmpError error, wire::SeqNum quoted, const Environment& env) {
    if (quoted != iss_) return ignore(stats::DropReason::IcmpUnmatched, env);
    if (error != IcmpError::Hard && error != IcmpError::Refused) {
        if (error == IcmpError::Soft) leg(env).icmp_soft_errors.add();
        return HalfOpenVerdict::Ignore;
    }
    leg(env).closes[stats::CloseReason::Unreachable].add();
    return HalfOpenVerdict::Close;
}

HalfOpenVerdict HalfOpen::ignore(stats::DropReason reason, const Environment& env) {
    env.stats.drops[reason].add();
    return HalfOpenVerdict::Ignore;
}

HalfOpenVerdict HalfOpen::reply_with_ack(const Environment& env) {
    if (!challenges_.admit(env.now, env.tunables.challenge_ack_limit)) {
        leg(env).challenge_acks_limited.add();
        return HalfOpenVerdict::Ignore;
    }
    leg(env).challenge_acks.add();
    flags_ |= kReplyAck;
    return HalfOpenVerdict::Reply;
}

// RFC 9293 3.7.1, MUST-14, SHLD-5, MAY-3: the SYN-ACK always says our MSS; no ACK does (MUST-65).
OutSegment HalfOpen::poll_reply(std::uint32_t timestamp_offset, const Environment& env) {
    OutSegment out;
    out.ack = irs_ + 1;
    if (has(kTimestamps)) {
        out.options.timestamps = {timestamp_value(env.now, timestamp_offset), recent_timestamp_};
    }
    leg(env).segments_sent.add();
    if (has(kReplyAck)) {
        flags_ = static_cast<std::uint8_t>(flags_ & ~kReplyAck);
        out.seq = iss_ + 1;
        out.flags = {TcpFlags::kAck};
        // RFC 7323 2.2: only a SYN's window is unscaled.
        out.window = static_cast<std::uint16_t>(advertised_window_ >> own_scale());
        return out;
    }
    out.seq = iss_;
    out.flags = {
        static_cast<std::uint8_t>(TcpFlags::kSyn | TcpFlags::kAck | (has(kEcn) ? TcpFlags::kEce : 0))};
    out.window = advertised_window_;
    out.options.mss = advertised_mss_;
    if (has(kWindowScale)) out.options.window_scale = own_scale();
    out.options.sack_permitted = has(kSack);
    if (has(kSent)) leg(env).retransmits[stats::RetransmitCause::SynAck].add();
    flags_ |= kSent;
    return out;
}

bool HalfOpen::timer_expired(const Environment& env) {
    leg(env).timer_expirations[stats::Timer::Establishment].add();
    if (retransmits_ >= env.tunables.synack_retries) {
        leg(env).closes[stats::CloseReason::SynAckTimeout].add();
        return false;
    }
    ++retransmits_;
    flags_ |= kResent;
    flags_ = static_cast<std::uint8_t>(flags_ & ~kReplyAck);
    deadline_ = env.now + timeout(env);
    return true;
}

Duration HalfOpen::timeout(const Environment& env) const {
    Duration timeout = std::min(env.tunables.rto_initial, env.tunables.rto_max);
    for (unsigned i = 0; i < retransmits_ && timeout < env.tunables.rto_max; ++i)
        timeout *= 2;
    return std::min(timeout, env.tunables.rto_max);
}

Instant HalfOpen::next_deadline() const {
    return deadline_;
}

std::optional<std::uint32_t> HalfOpen::recent_timestamp() const {
    if (!has(kTimestamps)) return std::nullopt;
    return recent_timestamp_;
}

std::optional<Instant> HalfOpen::timed_since(const Environment& env) const {
    if (has(kResent)) return std::nullopt;
    return std::min(deadline_ - timeout(env), env.now);
}

const wire::IpAddress& HalfOpen::remote_address() const {
    return remote_;
}
std::uint16_t HalfOpen::remote_port() const {
    return remote_port_;
}
std::uint16_t HalfOpen::local_port() const {
    return local_port_;
}
std::uint16_t HalfOpen::local_id() const {
    return local_id_;
}
std::uint16_t HalfOpen::service() const {
    return service_;
}

}  // namespace terminus::tcp
