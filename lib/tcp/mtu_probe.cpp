#include <algorithm>
#include <utility>

#include "tcp/connection.hpp"

// RFC 4821 7.4 to 7.6, 10.1: when a probe of the path's MTU goes out, and what its fate says. A probe is text
// in its place, so what follows it tells soon whether it got through.
namespace terminus::tcp {

// Segments that are to follow a probe: what is lost shows by three (RFC 5681 3.2), and one more. And segments
// that the window is to have room for, lest a probe be too much of it. Linux's numbers.
constexpr std::uint32_t kSegmentsBehind = 4;
constexpr std::uint32_t kWindowSegments = 11;

/// The probe that goes before other new text; `Nothing` while there is no room for it, which ACKs of what is
/// on the way will make; empty when none is due.
std::optional<Connection::Plan> Connection::plan_mtu_probe(const Environment& env) const {
    const std::uint32_t length = path_.probe_text(env.tunables);
    if (length == 0 || recovery_.mtu_probe_length() > 0) return std::nullopt;
    if (recovery_.state() != RecoveryState::Open) return std::nullopt;
    if (sack_blocks(true) > 0) return std::nullopt;  // they would come on top of it
    const std::uint32_t needed = length + kSegmentsBehind * snd_.mss;
    if (send_queue_.size_bytes() < snd_.flight() + needed || snd_.wnd < needed) return std::nullopt;
    if (recovery_.window() < std::max(needed, kWindowSegments * snd_.mss)) return std::nullopt;
    if (window_room_at(snd_.nxt) < needed || !recovery_.may_send(snd_, length)) return Plan{};
    Plan probe{Plan::Kind::MtuProbe, false, snd_.nxt, length};
    probe.push = marks_.wants_push(probe.text_end(), snd_.max_wnd, snd_.mss);
    return probe;
}

/// What has become of the probe, if that has just turned out.
void Connection::follow_mtu_probe(const Environment& env) {
    const auto fate = recovery_.take_mtu_probe_fate();
    if (!fate) return;
    if (fate->arrived) {
        path_.probe_arrived(fate->length);
        snd_.mss = path_.text_max();
        leg_stats(env).mtu_probes_arrived.add();
    } else {
        path_.probe_lost(fate->length);
        leg_stats(env).mtu_probes_lost.add();
    }
}

void LossRecovery::mtu_probe_sent(wire::SeqNum begin, wire::SeqNum end) {
    mtu_probe_ = {begin, end, MtuProbe::Fate::Open};
}

std::uint16_t LossRecovery::mtu_probe_length() const {
    if (mtu_probe_.fate != MtuProbe::Fate::Open) return 0;
    return static_cast<std::uint16_t>(mtu_probe_.end - mtu_probe_.begin);
}

std::optional<LossRecovery::MtuProbeFate> LossRecovery::take_mtu_probe_fate() {
    const auto length = static_cast<std::uint16_t>(mtu_probe_.end - mtu_probe_.begin);
    switch (mtu_probe_.fate) {
        case MtuProbe::Fate::None:
        case MtuProbe::Fate::Open:
            return std::nullopt;
        case MtuProbe::Fate::Arrived:
        case MtuProbe::Fate::Lost:
            break;
    }
    return MtuProbeFate{length,
                        std::exchange(mtu_probe_.fate, MtuProbe::Fate::None) == MtuProbe::Fate::Arrived};
}

/// Other losses are resolved first; the probe is found lost in its turn.
void LossRecovery::mtu_probe_refused(const Context& context) {
    if (state_ <= RecoveryState::Disorder && records_.lost_bytes() == 0) resend_mtu_probe(context);
}

// RFC 4821 7.6.2: a probe that is lost while nothing else is was too large; 7.6.4: beside other losses it may
// have been lost for their reason, and says nothing.
bool LossRecovery::has_lost_mtu_probe_alone(const SendSpace& snd) const {
    const std::uint32_t lost = records_.lost_bytes();
    return mtu_probe_length() > 0 && state_ <= RecoveryState::Disorder && snd.una == mtu_probe_.begin &&
           lost > 0 && lost <= mtu_probe_length();
}

/// The probe's text goes again, in segments that get through, and no window pays for it (RFC 4821 7.6.2).
void LossRecovery::resend_mtu_probe(const Context& context) {
    SentPool& pool = context.env.sent;
    const auto cut = [&](std::uint32_t index, wire::SeqNum at) {
        // With no record to be had more of it goes again, or none until it is found lost.
        if (pool[index].begin.before(at) && pool[index].end.after(at)) (void)records_.split(pool, index, at);
    };
    for (std::uint32_t i = records_.first(); i != SentPool::kNone; i = pool[i].next) {
        cut(i, mtu_probe_.begin);
        cut(i, mtu_probe_.end);
        const bool is_probe =
            pool[i].begin.at_or_after(mtu_probe_.begin) && pool[i].begin.before(mtu_probe_.end);
        if (is_probe && !pool[i].has(SentRecord::kSacked)) lose(context, i);
    }
    rate_.forgive(records_.lost_bytes());
    leave(context, RecoveryState::Loss);
    recover_ = context.snd.nxt;
    may_undo_ = frto_ = new_text_first_ = false;
    reordering_at_ = base::kNever;
    cause_ = stats::RetransmitCause::PathMtu;
    close_mtu_probe(MtuProbe::Fate::Lost);
}

}  // namespace terminus::tcp
