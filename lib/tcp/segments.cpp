#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "tcp/connection.hpp"

namespace terminus::tcp {

using stats::RetransmitCause;
using stats::Timer;
using wire::TcpFlags;

// RFC 2018 3: kind, length, padding, and a block.
constexpr std::uint16_t kSackLength = 4;
constexpr std::uint16_t kSackBlockLength = 8;

/// SACK blocks of the next segment: four, or three beside timestamps; beside text no more than leave it half
/// of the segment, so that a tiny MSS does not turn into a stream of options (CVE-2019-11479).
std::uint8_t Connection::sack_blocks(bool with_text) const {
    if (!sack_ || sack_report_.empty()) return 0;
    unsigned most = timestamps_ ? 3 : 4;
    if (with_text) {
        const unsigned room = snd_.mss / 2u;
        most = std::min(most, room > kSackLength ? (room - kSackLength) / kSackBlockLength : 0u);
    }
    return sack_report_.block_count(most);
}

/// Text that fits into the next segment. RFC 6691 4, RFC 9293 MUST-16: options that not every segment has
/// take their room from the text, too.
std::uint16_t Connection::text_max() const {
    const unsigned blocks = sack_blocks(true);
    const unsigned options = blocks > 0 ? kSackLength + blocks * kSackBlockLength : 0u;
    return static_cast<std::uint16_t>(snd_.mss - options);
}

/// Header, window, timestamps and SACK blocks of any segment but SYN and RST. It carries our ACK, so none is
/// pending any more; but text doesn't count as the duplicate ACK that a peer without SACK waits for (RFC
/// 5681 2).
/// RFC 9293 3.7.1, MUST-65: and never an MSS. 3.10.7.4, MUST-58: text takes the ACK with it.
OutSegment Connection::make_segment(wire::SeqNum seq, std::uint8_t flags, bool with_text,
                                    const Environment& env) {
    OutSegment out;
    out.seq = seq;
    out.ack = rcv_.nxt;
    out.flags = {echo_congestion_ ? static_cast<std::uint8_t>(flags | TcpFlags::kEce) : flags};
    out.window = advertise_window(env);
    if (timestamps_) out.options.timestamps = {own_timestamp(env), recent_timestamp_};
    if (const std::uint8_t blocks = sack_blocks(with_text); blocks > 0)
        sack_report_.take(out.options, blocks);
    rcv_.acked = rcv_.nxt;
    if (!with_text && duplicate_acks_owed_ > 0) --duplicate_acks_owed_;
    ack_pending_ = duplicate_acks_owed_ > 0;
    deadlines_.cancel(Timer::DelayedAck);
    leg_stats(env).segments_sent.add();
    return out;
}

/// RFC 9293 3.10.1 and figure 8: the SYN, or the SYN-ACK of a simultaneous open.
OutSegment Connection::make_syn(const Environment& env) {
    const bool with_ack = state_ == State::SynReceived;
    TERMINUS_ASSERT(with_ack || state_ == State::SynSent,
                    "a SYN is pending only before the handshake is complete");
    OutSegment out;
    out.seq = snd_.iss;
    // RFC 3168 6.1.1.1: a SYN asks once; the next copy doesn't, for what drops such SYNs would drop that,
    // too.
    if (retransmits_ > 0 && !with_ack) ecn_ = false;
    const unsigned asks = ecn_ ? TcpFlags::kEce | (with_ack ? 0u : TcpFlags::kCwr) : 0u;
    out.flags = {static_cast<std::uint8_t>(TcpFlags::kSyn | (with_ack ? TcpFlags::kAck : 0) | asks)};
    if (with_ack) out.ack = rcv_.acked = rcv_.nxt;
    out.window = unscaled_window(rcv_.wnd());
    out.options.mss = rcv_.advertised_mss;  // RFC 9293 3.7.1, MUST-14, SHLD-5, MAY-3: always
    if (window_scaling_) out.options.window_scale = rcv_.scale;
    out.options.sack_permitted = sack_;
    if (timestamps_) out.options.timestamps = {own_timestamp(env), with_ack ? recent_timestamp_ : 0};
    syn_pending_ = false;
    ack_pending_ = false;
    leg_stats(env).segments_sent.add();
    if (const std::uint16_t most = std::exchange(syn_text_max_, std::uint16_t{0}); most > 0 && !with_ack) {
        out.payload_length = std::min<std::uint32_t>(send_queue_.size_bytes(), most);
        snd_.nxt = snd_.iss + 1 + out.payload_length;
    }
    if (retransmits_ > 0 || handshake_repeated_) {
        leg_stats(env).retransmits[with_ack ? RetransmitCause::SynAck : RetransmitCause::Syn].add();
    } else {
        text_sent_at_ = env.now;
    }
    // What others made us send again is no reason to wait longer.
    if (!handshake_repeated_)
        deadlines_.arm(Timer::Establishment, within_user_timeout(env.now + rtt_.rto(), env));
    return out;
}

/// RFC 9293 3.10.5: what tells the peer that the connection is gone. RFC 7323 3.2: with timestamps, like any
/// other segment of a connection that agreed on them.
OutSegment Connection::make_reset(const Environment& env) {
    OutSegment out;
    out.seq = acceptable_seq();
    out.ack = rcv_.nxt;
    out.flags = {TcpFlags::kRst | TcpFlags::kAck};
    if (timestamps_) out.options.timestamps = {own_timestamp(env), recent_timestamp_};
    reset_pending_ = false;
    leg_stats(env).segments_sent.add();
    leg_stats(env).resets_sent[reset_reason_].add();
    return out;
}

/// RFC 9293 3.8.6.3: whether text that goes out now answers text: a delayed ACK of that would go with it.
bool Connection::is_answering(const Environment& env) const {
    return rcv_.nxt != rcv_.irs + 1 && env.now - text_received_at_ < env.tunables.delack_min;
}

/// RFC 5681 4.1: whether what the path could take a while ago is not known any more.
bool Connection::is_restarting(const Environment& env) const {
    return snd_.flight() == 0 && env.now - text_sent_at_ > rtt_.rto() && env.tunables.slow_start_after_idle;
}

OutSegment Connection::make_text(const Plan& plan, const Environment& env) {
    // Here and not when it is looked for text: while a closed window holds it back that happens often.
    if (plan.length > 0 && is_restarting(env))
        recovery_.restart_after_idle(initial_window(snd_.mss), env.now - text_sent_at_);
    const std::uint32_t offset = plan.seq - snd_.una;
    std::uint8_t flags = TcpFlags::kAck;
    if (plan.length > 0 && plan.push) flags |= TcpFlags::kPsh;
    if (plan.fin) flags |= TcpFlags::kFin;
    // RFC 3168 6.1.2, 6.1.5: new text alone is ECN-capable, and tells once of a reduced window.
    const bool is_new = !plan.seq.before(snd_.nxt);
    if (is_new && plan.length > 0) {
        marks_.sent(plan.text_end(), plan.length >= text_max());
        interactive_ = interactive_ || is_answering(env);
    }
    const bool is_capable = ecn_ && plan.length > 0 && is_new;
    if (is_capable && recovery_.take_window_reduced()) flags |= TcpFlags::kCwr;
    OutSegment out = make_segment(plan.seq, flags, plan.length > 0, env);
    out.payload_offset = plan.length > 0 ? offset : 0;
    out.payload_length = plan.length;
    if (plan.segments > 1) {
        out.segment_length = static_cast<std::uint16_t>(plan.length / plan.segments);
        leg_stats(env).segments_sent.add(plan.segments - 1);
    }
    out.ecn_capable = is_capable;
    note_sent(plan, env);
    return out;
}

/// The books after text or FIN has gone out: counters, records, the timers.
void Connection::note_sent(const Plan& plan, const Environment& env) {
    const wire::SeqNum end = plan.seq + plan.length + (plan.fin ? 1u : 0u);
    const bool is_probe = plan.kind == Plan::Kind::TailProbe;
    const bool again = plan.seq.before(snd_.nxt);
    if (again) {
        leg_stats(env).retransmits[is_probe ? RetransmitCause::TailLossProbe : recovery_.cause()].add();
        leg_stats(env).segments_retransmitted_bytes.add(plan.length);
        recovery_.resent(sending(env), plan.seq, end);
    } else {
        snd_.nxt = end;
        if (plan.push) marks_.pushed = plan.text_end();
        recovery_.sent(sending(env), plan.seq, end, plan.push);
        // What has gone out makes room, too, where what waits is limited.
        const std::uint32_t mark = env.tunables.notsent_lowat;
        if (mark != UINT32_MAX && plan.length > 0 && unsent_bytes() < mark) events_ |= Events::kSendRoom;
    }
    if (plan.kind == Plan::Kind::MtuProbe) recovery_.mtu_probe_sent(plan.seq, end);
    if (is_probe) {
        tail_probe_pending_ = false;
        recovery_.tail_probe_sent(sending(env), again);
    }
    fin_sent_ = fin_sent_ || plan.fin;
    text_sent_at_ = env.now;
    probe_pending_ = false;
    deadlines_.cancel(Timer::Persist);
    sync_retransmission(env);
}

/// Zero-window and keepalive probes (RFC 9293 3.8.6.1, 3.8.4, SHLD-12): no text, and a number that calls for
/// an answer. Neither starts the retransmission timer nor a measurement.
OutSegment Connection::make_probe(const Plan& plan, const Environment& env) {
    if (plan.kind == Plan::Kind::KeepaliveProbe) {
        keepalive_pending_ = false;
    } else {
        probe_pending_ = false;
        leg_stats(env).zero_window_probes_sent.add();
    }
    return make_segment(plan.seq, wire::TcpFlags::kAck, false, env);
}

}  // namespace terminus::tcp
