#include "tcp/time_wait.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "tcp/connection.hpp"
#include "tcp/state.hpp"

namespace terminus::tcp {

using wire::TcpFlags;

TimeWait::TimeWait(const Connection& connection, const wire::IpAddress& remote, std::uint16_t remote_port,
                   std::uint16_t local_port, std::uint16_t local_id, const Environment& env)
    : remote_(remote),
      remote_port_(remote_port),
      local_port_(local_port),
      local_id_(local_id),
      leg_(connection.leg()),
      timestamps_(connection.recent_timestamp().has_value()),
      snd_nxt_(connection.send_space().nxt),
      rcv_nxt_(connection.receive_space().nxt),
      recent_timestamp_(connection.recent_timestamp().value_or(0)),
      restarted_tick_(tick_of(std::min(env.now, connection.next_deadline() - env.tunables.time_wait))) {
    TERMINUS_ASSERT(connection.state() == State::TimeWait, "only a connection in TIME_WAIT becomes one");
    env.stats.leg(leg_).connections[static_cast<std::size_t>(State::TimeWait)].add();
}

bool TimeWait::restored(const Environment& env) {
    if (static_cast<std::size_t>(leg_) >= stats::kLegs) return false;
    env.stats.leg(leg_).connections[static_cast<std::size_t>(State::TimeWait)].add();
    return true;
}

void TimeWait::released(const Environment& env) {
    env.stats.leg(leg_).connections[static_cast<std::size_t>(State::TimeWait)].subtract();
}

void TimeWait::timer_expired(const Environment& env) {
    env.stats.leg(leg_).timer_expirations[stats::Timer::TimeWait].add();
}

TimeWaitVerdict TimeWait::segment_arrives(const wire::TcpSegment& segment, const Environment& env) {
    env.stats.leg(leg_).segments_received.add();
    if (segment.flags.rst()) {
        // RFC 1337 3: a RST must not end TIME_WAIT early, a late one could let old segments into a successor.
        if (env.tunables.rfc1337 || segment.seq != rcv_nxt_) {
            return ignore(stats::DropReason::TcpTimeWaitRst, env);
        }
        env.stats.leg(leg_).resets_received.add();
        return TimeWaitVerdict::Close;
    }
    if (segment.flags.syn() && !segment.flags.ack() && !segment.flags.fin() &&
        is_newer_incarnation(segment)) {
        return TimeWaitVerdict::Reopen;
    }
    if (segment.flags.syn()) {
        env.stats.drops[stats::DropReason::TcpSynInWindow].add();
        return empty_answers_ < kEmptyAnswersMax ? (++empty_answers_, TimeWaitVerdict::Acknowledge)
                                                 : TimeWaitVerdict::Ignore;
    }
    if (segment.seg_len() > 0) {
        // RFC 9293 3.10.7.4: the retransmission of the remote FIN restarts the 2 MSL; other text is only
        // answered.
        if (segment.flags.fin() && segment.seq + segment.seg_len() == rcv_nxt_)
            restarted_tick_ = tick_of(env.now);
        env.stats.drops[stats::DropReason::TcpDuplicate].add();
        return TimeWaitVerdict::Acknowledge;
    }
    if (segment.seq == rcv_nxt_) return TimeWaitVerdict::Ignore;  // a late pure ACK, nothing is wrong
    env.stats.drops[stats::DropReason::TcpOutOfWindow].add();
    if (empty_answers_ >= kEmptyAnswersMax) return TimeWaitVerdict::Ignore;
    ++empty_answers_;
    return TimeWaitVerdict::Acknowledge;
}

// RFC 6191 2 and RFC 9293 MAY-2: beyond the old incarnation by timestamp, or by sequence when timestamps
// don't tell.
bool TimeWait::is_newer_incarnation(const wire::TcpSegment& syn) const {
    if (timestamps_ != 0 && syn.options.timestamps && syn.options.timestamps->value != recent_timestamp_) {
        return is_older(recent_timestamp_, syn.options.timestamps->value);
    }
    return syn.seq.after(rcv_nxt_);
}

TimeWaitVerdict TimeWait::ignore(stats::DropReason reason, const Environment& env) const {
    env.stats.drops[reason].add();
    return TimeWaitVerdict::Ignore;
}

OutSegment TimeWait::poll_reply(std::uint32_t timestamp_offset, const Environment& env) {
    OutSegment out;
    out.seq = snd_nxt_;
    out.ack = rcv_nxt_;
    out.flags = {TcpFlags::kAck};
    // The peer has sent its FIN and nothing will come: any window does, and this one never shrinks the old.
    out.window = UINT16_MAX;
    if (timestamps_ != 0)
        out.options.timestamps = {timestamp_value(env.now, timestamp_offset), recent_timestamp_};
    env.stats.leg(leg_).segments_sent.add();
    return out;
}

// RFC 9293 3.6.1, MUST-13: 2 MSL from its beginning, or from the last FIN.
Instant TimeWait::deadline(const Environment& env) const {
    return restarted_at(env.now) + env.tunables.time_wait;
}

std::uint32_t TimeWait::tick_of(Instant instant) {
    const auto ns = static_cast<std::uint64_t>(instant.time_since_epoch().count());
    return static_cast<std::uint32_t>((ns + (1u << kTickBits) - 1) >> kTickBits);
}

// The last instant with these 32 bits, no later than the tick that follows `now`. Time may leap by days:
// after more than 78 hours it is taken for younger than it is, and lasts once more at most.
Instant TimeWait::restarted_at(Instant now) const {
    const std::int64_t next_tick = (now.time_since_epoch().count() >> kTickBits) + 1;
    const std::uint32_t age = static_cast<std::uint32_t>(next_tick) - restarted_tick_;
    return Instant(Duration((next_tick - std::int64_t{age}) << kTickBits));
}

// RFC 9293 3.6.1, SHLD-4: timestamps make a shorter wait safe.
// DESIGN 4: a second old, and both numbers beyond the old incarnation's, so that the peer's own TIME_WAIT
// rules (and PAWS against what is still on the way) let the new one in. Without timestamps it waits. Our own
// need not be compared: they follow one clock for all that the 4-tuple ever sends, and nothing was sent but
// answers.
bool TimeWait::may_be_reused(wire::SeqNum iss, const Environment& env) const {
    // It may have begun nearly a tick before the one that is kept.
    const Duration least = std::chrono::seconds(1) - Duration(std::int64_t{1} << kTickBits);
    return env.tunables.tw_reuse && timestamps_ != 0 && env.now - restarted_at(env.now) > least &&
           iss.after(snd_nxt_);
}

// RFC 9293 3.10.7.4 (MAY-2): larger than the largest number of the old incarnation, which has outrun the
// clock of the ISNs when it sent more than 250 kB a second. A whole unscaled window beyond it, so that no old
// ACK looks new.
wire::SeqNum TimeWait::iss_of_successor(wire::SeqNum iss) const {
    const wire::SeqNum least = snd_nxt_ + (std::uint32_t{UINT16_MAX} + 2);
    return iss.before(least) ? least : iss;
}

wire::SeqNum TimeWait::snd_nxt() const {
    return snd_nxt_;
}
const wire::IpAddress& TimeWait::remote_address() const {
    return remote_;
}
std::uint16_t TimeWait::remote_port() const {
    return remote_port_;
}
std::uint16_t TimeWait::local_port() const {
    return local_port_;
}
std::uint16_t TimeWait::local_id() const {
    return local_id_;
}
stats::Leg TimeWait::leg() const {
    return leg_;
}

}  // namespace terminus::tcp
