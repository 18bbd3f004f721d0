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

std::optional<OutSegment> Connection::poll_transmit(const Environment& env, std::uint32_t segments_max) {
    Plan next = plan(env);
    if (next.kind == Plan::Kind::Data) extend(next, segments_max, env);
    switch (next.kind) {
        case Plan::Kind::Nothing:
            note_limits(env);
            return std::nullopt;
        case Plan::Kind::Reset:
            return make_reset(env);
        case Plan::Kind::Syn:
            return make_syn(env);
        case Plan::Kind::Retransmit:
        case Plan::Kind::Data:
        case Plan::Kind::MtuProbe:
        case Plan::Kind::TailProbe:
            return make_text(next, env);
        case Plan::Kind::WindowProbe:
        case Plan::Kind::KeepaliveProbe:
            return make_probe(next, env);
        case Plan::Kind::Ack:
            return make_segment(acceptable_seq(), wire::TcpFlags::kAck, false, env);
    }
    TERMINUS_ASSERT(false, "the switch names every kind");
    return std::nullopt;
}

/// What goes out next: RST, SYN, probe of the tail, retransmission, text, probe, ACK.
Connection::Plan Connection::plan(const Environment& env) const {
    if (reset_pending_) return {Plan::Kind::Reset};
    if (state_ == State::Closed) return {};
    if (syn_pending_) return {Plan::Kind::Syn};
    if (is_in(state_, kSending) || is_fast_opened()) {
        if (tail_probe_pending_) {
            if (const Plan probe = plan_tail_probe(env); probe.kind != Plan::Kind::Nothing) return probe;
        }
        if (recovery_.paced_until() <= env.now) {
            const bool new_first = recovery_.prefers_new_text(snd_);
            const Plan first = new_first ? plan_text(env) : plan_retransmission(env);
            if (first.kind != Plan::Kind::Nothing) return first;
            const Plan second = new_first ? plan_retransmission(env) : plan_text(env);
            if (second.kind != Plan::Kind::Nothing) return second;
        }
        if (probe_pending_) {
            if (const Plan probe = plan_window_probe(); probe.kind != Plan::Kind::Nothing) return probe;
        }
        if (keepalive_pending_) return {Plan::Kind::KeepaliveProbe, false, snd_.nxt - 1};
    }
    if (ack_pending_ && state_ != State::SynSent) return {Plan::Kind::Ack};
    return {};
}

/// RFC 6675 5 (C): what is lost goes before what is new, as far as the congestion window has room.
/// RFC 9293 3.8.6, SHLD-16: also where the window has shrunk, as far as it reaches.
Connection::Plan Connection::plan_retransmission(const Environment& env) const {
    if (is_parked_ || recovery_.records().to_resend_bytes() == 0) return {};
    const auto lost = recovery_.next_lost(sending(env));
    if (!lost) return {};
    Plan next = again(*lost);
    if (next.length == 0 && !next.fin) return {};
    if (!recovery_.may_send(snd_, next.length)) return {};
    next.kind = Plan::Kind::Retransmit;
    return next;
}

/// New text or FIN at snd_.nxt, as far as window, congestion window, Nagle and silly-window avoidance let it.
/// A lone FIN has no text that could congest anything, and goes whatever the congestion window says, as in
/// Linux.
Connection::Plan Connection::plan_text(const Environment& env) const {
    if (is_parked_ || !snd_.nxt.before(transmit_end())) return {};
    if (const auto probe = plan_mtu_probe(env)) return *probe;
    const std::uint32_t by_window = window_room_at(snd_.nxt);
    const std::uint32_t by_congestion = recovery_.room(snd_);

    Plan next = segment_at(snd_.nxt, std::min(by_window, by_congestion), by_window);
    if (next.length == 0 && !next.fin) return {};
    const std::uint32_t ahead = snd_.flight();
    const std::uint32_t available = send_queue_.size_bytes() - std::min(send_queue_.size_bytes(), ahead);
    // RFC 9293 3.8.6.2.1, MUST-38: (1) a full segment, (2) all there is, (3) half the largest window the peer
    // ever offered, (2) and (3) only when they need not wait for more (3.7.4). (4), the override, is the
    // persist timer. 3.9.1.2, SHLD-28, MUST-60: so nothing small goes out early, and nothing waits for ever.
    const bool full = next.length == text_max() || next.ends_record;
    const bool all = next.length == available;
    const bool half_window = by_window < by_congestion && next.length >= std::max(snd_.max_wnd / 2, 1u);
    if (!full && ((!all && !half_window) || waits_for_more(next.text_end(), env))) return {};
    next.push = next.ends_record || marks_.wants_push(next.text_end(), snd_.max_wnd, snd_.mss);
    next.kind = Plan::Kind::Data;
    return next;
}

/// As many full segments behind the first as windows and PSH let go out with it. One alone where there is
/// more to be asked for each (the pace, SACK blocks that take room, the end of a record, CWR), and where the
/// first changes the windows.
void Connection::extend(Plan& next, std::uint32_t segments_max, const Environment& env) const {
    const std::uint32_t mss = text_max();
    if (segments_max < 2 || next.length != mss || next.push || next.fin || marks_.records) return;
    if (recovery_.is_paced() || recovery_.has_window_reduced() || !sack_report_.empty()) return;
    if (is_restarting(env)) return;
    // A FIN goes with the last text there is.
    const std::uint32_t queued = send_queue_.size_bytes() - snd_.flight() - (fin_queued_ ? 1u : 0u);
    const std::uint32_t room = std::min({window_room_at(snd_.nxt), recovery_.room(snd_), queued});
    const std::uint32_t unpushed_max = PushMarks::unpushed_max(snd_.max_wnd, snd_.mss);
    while (next.segments < segments_max && next.length + mss <= room && !next.push) {
        next.length += mss;
        ++next.segments;
        next.push = marks_.wants_push(next.text_end(), unpushed_max);
    }
}

/// RFC 8985 7.3: one segment of new text, whatever the congestion window, or the last one again.
Connection::Plan Connection::plan_tail_probe(const Environment& env) const {
    const std::uint32_t window = window_room_at(snd_.nxt);
    if (snd_.nxt.before(transmit_end()) && window > 0) {
        Plan text = segment_at(snd_.nxt, window, window);
        text.kind = Plan::Kind::TailProbe;
        text.push = text.ends_record || marks_.wants_push(text.text_end(), snd_.max_wnd, snd_.mss);
        if (text.length > 0 || text.fin) return text;
    }
    const auto last = recovery_.tail_probe(sending(env));
    if (!last) return {};
    Plan probe = again(*last);
    probe.kind = probe.length > 0 || probe.fin ? Plan::Kind::TailProbe : Plan::Kind::Nothing;
    return probe;
}

/// What fits into a window that is merely too small to be worth it, RFC 9293 3.8.6.2.1 (4); a segment without
/// text below snd.una for a closed one: it takes no room and calls for an answer, as Linux does it
/// (docs/rfc/9293.md).
/// RFC 9293 3.8.6.1, MUST-36.
Connection::Plan Connection::plan_window_probe() const {
    if (snd_.una == transmit_end()) return {};
    const std::uint32_t window = window_room_at(snd_.nxt);
    if (window > 0 && !is_parked_ && snd_.nxt.before(transmit_end())) {
        Plan text = segment_at(snd_.nxt, window, window);
        text.kind = text.length > 0 || text.fin ? Plan::Kind::Data : Plan::Kind::Nothing;
        text.push = true;  // what is sent to be answered, as in Linux
        return text;
    }
    return {Plan::Kind::WindowProbe, false, snd_.una - 1};
}

/// What of `range`, which was sent before, fits into one segment and the window. A FIN that was never sent
/// doesn't join.
Connection::Plan Connection::again(LossRecovery::Range range) const {
    const std::uint32_t window = window_room_at(range.begin);
    Plan result = segment_at(range.begin, std::min(window, range.end - range.begin), window);
    result.fin = result.fin && result.text_end().before(range.end);
    result.push = range.push && result.text_end() + (result.fin ? 1u : 0u) == range.end;
    return result;
}

/// The segment that begins at `seq`, with at most `room` bytes of text; a FIN when it fits the window too.
Connection::Plan Connection::segment_at(wire::SeqNum seq, std::uint32_t room, std::uint32_t window) const {
    Plan result;
    result.seq = seq;
    if (!seq.before(transmit_end())) return result;
    const std::uint32_t offset = seq - snd_.una;
    const std::uint32_t available = send_queue_.size_bytes() - std::min(offset, send_queue_.size_bytes());
    result.length = std::min({available, room, std::uint32_t{text_max()}});
    if (marks_.records && result.length > 0) {
        const std::uint32_t most =
            std::exchange(result.length, send_queue_.of_one_record(offset, result.length));
        result.ends_record = result.length < most;
    }
    result.fin =
        fin_queued_ && result.length == available && window > result.length && state_ != State::SynReceived;
    return result;
}

/// Bytes from `seq` to the right edge of the peer's window; it may have moved left (RFC 9293 MUST-34).
std::uint32_t Connection::window_room_at(wire::SeqNum seq) const {
    // RFC 9293 3.8.6, SHLD-15: nothing new beyond an edge that has moved left.
    const std::uint32_t ahead = seq - snd_.una;
    return snd_.wnd > ahead ? snd_.wnd - ahead : 0;
}

/// Why nothing more goes out: the congestion window proves itself only where it was the limit (RFC 7661), and
/// a rate only where the application had text (draft-ietf-ccwg-bbr 4.1.2.4).
void Connection::note_limits(const Environment& env) {
    if (!is_in(state_, kSending) && !is_fast_opened()) return;
    is_paced_ = recovery_.paced_until() > env.now &&
                (snd_.nxt.before(transmit_end()) || recovery_.next_lost(sending(env)));
    if (!snd_.nxt.before(transmit_end())) {
        note_times(false, true, env);
        // A flight that just fills the window has used all of it, though nothing was held back (as Linux
        // counts).
        recovery_.window_limits(!recovery_.may_send(snd_, snd_.mss));
        recovery_.application_limits(sending(env));
        return;
    }
    const std::uint32_t length = std::min<std::uint32_t>(snd_.mss, transmit_end() - snd_.nxt);
    const bool has_window = window_room_at(snd_.nxt) >= length;
    note_times(true, has_window, env);
    recovery_.window_limits(has_window && !recovery_.may_send(snd_, length));
}

/// What the time from now on is counted as: `has_text` to be sent, and `has_window` for it.
void Connection::note_times(bool has_text, bool has_window, const Environment& env) {
    using enum SendTimes::Doing;
    SendTimes::Doing doing = snd_.flight() > 0 ? Sending : Nothing;
    if (has_text) {
        doing = has_window ? Sending : WaitingForWindow;
    } else if (doing == Sending && !fin_queued_ && send_room(env) < snd_.mss &&
               window_room_at(snd_.nxt) >= snd_.mss && recovery_.may_send(snd_, snd_.mss)) {
        doing = WaitingForRoom;
    }
    send_times_.turn_to(doing, env.now);
}

/// One past the last number that we have to send: text, and the FIN.
wire::SeqNum Connection::transmit_end() const {
    if (is_fin_acknowledged()) return snd_.una;
    return snd_.una + send_queue_.size_bytes() + (fin_queued_ ? 1u : 0u);
}

/// One past the last byte of text that we have to send.
wire::SeqNum Connection::queue_end() const {
    const bool is_syn_outstanding =
        is_in(state_, mask(State::SynSent) | mask(State::SynReceived)) && !is_fast_opened();
    return snd_.una + (is_syn_outstanding ? 1u : 0u) + send_queue_.size_bytes();
}

/// The number of a segment without text: snd_.nxt, or the window's edge when that has moved left of it (or a
/// probe has gone past it), because the peer ignores the ACK in what lies outside its window.
wire::SeqNum Connection::acceptable_seq() const {
    const wire::SeqNum edge = snd_.una + snd_.wnd;
    return snd_.nxt.after(edge) ? edge : snd_.nxt;
}

void Connection::send(packet::ByteQueue&& bytes, const Environment& env, bool more, bool ends_record) {
    if (bytes.empty()) return;
    TERMINUS_ASSERT(!fin_queued_, "callers ask send_room(), which is 0 after finish()");
    if (!is_in(state_, mask(State::SynSent) | mask(State::SynReceived) | mask(State::Established) |
                           mask(State::CloseWait))) {
        packet::ByteQueue lost = std::move(bytes);  // closed meanwhile; the event tells
        return;
    }
    if (snd_.flight() == 0 && send_queue_.empty()) progress_at_ = env.now;
    if (ends_record) {
        bytes.end_record();
        marks_.records = true;
    }
    send_queue_.append(std::move(bytes));
    // RFC 9293 3.9.1.2, MUST-61, SHLD-27, MAY-15, MAY-16: a write ends with a push, unless its writer says
    // that it goes on.
    marks_.more = more;
    if (!more) marks_.written = queue_end();
    update_persist(env);
}

std::uint32_t Connection::send_room(const Environment& env) const {
    if (fin_queued_ || !is_in(state_, mask(State::SynSent) | mask(State::SynReceived) |
                                          mask(State::Established) | mask(State::CloseWait))) {
        return 0;
    }
    const std::uint32_t queued = send_queue_.size_bytes();
    const std::uint32_t buffer = send_buffer(env);
    const std::uint32_t room = buffer > queued ? buffer - queued : 0;
    const std::uint32_t unsent = unsent_bytes();
    const std::uint32_t mark = env.tunables.notsent_lowat;
    // Never crumbs: below the mark there is room for a segment, as in Linux.
    return unsent < mark ? std::min(room, std::max<std::uint32_t>(mark - unsent, snd_.mss)) : 0;
}

std::uint32_t Connection::send_buffer(const Environment& env) const {
    // While a loss is repaired more is on the way than the window would let out.
    return env.tunables.wmem.grown_to(2 * std::uint64_t{std::max(recovery_.window(), snd_.flight())});
}

std::uint32_t Connection::unsent_bytes() const {
    const wire::SeqNum end = queue_end();
    return end.after(snd_.nxt) ? end - snd_.nxt : 0;
}

}  // namespace terminus::tcp
