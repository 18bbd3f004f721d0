#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "tcp/connection.hpp"

namespace terminus::tcp {

using stats::Timer;

// States in which text and FIN of ours may be on the way.
constexpr StateMask kSending = mask(State::Established) | mask(State::FinWait1) | mask(State::FinWait2) |
                               mask(State::CloseWait) | mask(State::Closing) | mask(State::LastAck);

bool Connection::wants_transmit(const Environment& env) const {
    return plan(env).kind != Plan::Kind::Nothing;
}

std::optional<OutSegment> Connection::poll_transmit(const Environment& env) {
    // RFC 5681 4.1: what the path could take a while ago is not known any more.
    if (snd_.flight() == 0 && env.now - text_sent_at_ > rtt_.rto()) {
        congestion_.restart_after_idle(initial_window(snd_.mss));
    }
    const Plan next = plan(env);
    switch (next.kind) {
        case Plan::Kind::Nothing:
            return std::nullopt;
        case Plan::Kind::Reset:
            return make_reset(env);
        case Plan::Kind::Syn:
            return make_syn(env);
        case Plan::Kind::Retransmit:
        case Plan::Kind::Data:
            return make_text(next, env);
        case Plan::Kind::Probe:
        case Plan::Kind::KeepaliveProbe:
            return make_probe(next, env);
        case Plan::Kind::Ack:
            return make_segment(acceptable_seq(), wire::TcpFlags::kAck, false, env);
    }
    TERMINUS_ASSERT(false, "the switch names every kind");
    return std::nullopt;
}

/// What goes out next: RST, SYN, retransmission, text, probe, ACK.
Connection::Plan Connection::plan(const Environment& env) const {
    if (reset_pending_) return {Plan::Kind::Reset};
    if (state_ == State::Closed) return {};
    if (syn_pending_) return {Plan::Kind::Syn};
    if (is_in(state_, kSending)) {
        if (fast_retransmit_pending_) {
            Plan again = segment_at(snd_.una, snd_.wnd, snd_.wnd);
            again.kind = Plan::Kind::Retransmit;
            if (again.length > 0 || again.fin) return again;
        }
        if (const Plan text = plan_data(env); text.kind != Plan::Kind::Nothing) return text;
        if (probe_pending_) {
            if (const Plan probe = plan_probe(); probe.kind != Plan::Kind::Nothing) return probe;
        }
        if (keepalive_pending_) return {Plan::Kind::KeepaliveProbe, false, snd_.nxt - 1};
    }
    if (ack_pending_ && state_ != State::SynSent) return {Plan::Kind::Ack};
    return {};
}

/// Text or FIN at snd_.resend, as far as window, congestion window, Nagle and silly-window avoidance let it.
Connection::Plan Connection::plan_data(const Environment& env) const {
    if (!snd_.resend.before(transmit_end())) return {};
    const std::uint32_t ahead = snd_.resend - snd_.una;
    const std::uint32_t by_window = window_room();
    std::uint32_t congestion = congestion_.window();
    // RFC 3042: the first two duplicates let a new segment out each, so that a third can come.
    if (!in_recovery_ && dup_acks_ > 0) congestion += std::min<std::uint32_t>(dup_acks_, 2) * snd_.mss;
    const std::uint32_t by_congestion = congestion > ahead ? congestion - ahead : 0;

    Plan next = segment_at(snd_.resend, std::min(by_window, by_congestion), by_window);
    if (next.length == 0 && !next.fin) return {};
    const std::uint32_t available = send_queue_.size_bytes() - std::min(send_queue_.size_bytes(), ahead);
    const bool again = snd_.resend.before(snd_.nxt) && !probe_outstanding_;
    const bool idle = snd_.flight() == 0 || probe_outstanding_;
    // RFC 9293 3.8.6.2.1: (1) a full segment, (2) all there is (with Nagle: only when nothing is on the way),
    // (3) half the largest window the peer ever offered. (4), the override, is the persist timer.
    const bool full = next.length == text_max();
    const bool all = next.length == available;
    const bool nagle_allows = env.tunables.nodelay || idle || fin_queued_;
    const bool half_window = by_window < by_congestion && next.length >= std::max(snd_.max_wnd / 2, 1u);
    const bool send =
        full || (again && (all || ahead == 0)) || (all && nagle_allows) || (half_window && nagle_allows);
    if (!send) return {};
    next.kind = Plan::Kind::Data;
    return next;
}

/// RFC 9293 3.8.6.1: one octet of new text (or the FIN) into a closed window; what fits into one that is
/// merely too small to be worth it, 3.8.6.2.1 (4).
Connection::Plan Connection::plan_probe() const {
    if (snd_.una == transmit_end()) return {};
    if (window_room() > 0) {
        Plan text = segment_at(snd_.resend, window_room(), window_room());
        text.kind = text.length > 0 || text.fin ? Plan::Kind::Data : Plan::Kind::Nothing;
        return text;
    }
    Plan probe = segment_at(snd_.una, 1, 1);
    probe.kind = Plan::Kind::Probe;
    return probe;
}

/// The segment that begins at `seq`, with at most `room` bytes of text; a FIN when it fits the window too.
Connection::Plan Connection::segment_at(wire::SeqNum seq, std::uint32_t room, std::uint32_t window) const {
    Plan result;
    result.seq = seq;
    if (!seq.before(transmit_end())) return result;
    const std::uint32_t offset = seq - snd_.una;
    const std::uint32_t available = send_queue_.size_bytes() - std::min(offset, send_queue_.size_bytes());
    result.length = std::min({available, room, std::uint32_t{text_max()}});
    result.fin = fin_queued_ && result.length == available && window > result.length;
    return result;
}

/// Bytes from resend to the right edge of the peer's window; it may have moved left (RFC 9293 MUST-34).
std::uint32_t Connection::window_room() const {
    const std::uint32_t ahead = snd_.resend - snd_.una;
    return snd_.wnd > ahead ? snd_.wnd - ahead : 0;
}

/// One past the last number that we have to send: text, and the FIN.
wire::SeqNum Connection::transmit_end() const {
    if (is_fin_acknowledged()) return snd_.una;
    return snd_.una + send_queue_.size_bytes() + (fin_queued_ ? 1u : 0u);
}

/// The number of a segment without text: snd_.nxt, or the window's edge when that has moved left of it (or a
/// probe has gone past it), because the peer ignores the ACK in what lies outside its window.
wire::SeqNum Connection::acceptable_seq() const {
    const wire::SeqNum edge = snd_.una + snd_.wnd;
    return snd_.nxt.after(edge) ? edge : snd_.nxt;
}

void Connection::send(packet::ByteQueue&& bytes, const Environment& env) {
    if (bytes.empty()) return;
    TERMINUS_ASSERT(!fin_queued_, "callers ask send_room(), which is 0 after finish()");
    if (!is_in(state_, mask(State::SynSent) | mask(State::SynReceived) | mask(State::Established) |
                           mask(State::CloseWait))) {
        packet::ByteQueue lost = std::move(bytes);  // closed meanwhile; the event tells
        return;
    }
    if (snd_.flight() == 0 && send_queue_.empty()) progress_at_ = env.now;
    send_queue_.append(std::move(bytes));
    update_persist(env);
}

std::uint32_t Connection::send_room(const Environment& env) const {
    if (fin_queued_ || !is_in(state_, mask(State::SynSent) | mask(State::SynReceived) |
                                          mask(State::Established) | mask(State::CloseWait))) {
        return 0;
    }
    const std::uint32_t queued = send_queue_.size_bytes();
    return env.tunables.wmem > queued ? env.tunables.wmem - queued : 0;
}

}  // namespace terminus::tcp
