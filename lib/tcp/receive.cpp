#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "tcp/connection.hpp"

namespace terminus::tcp {

using stats::DropReason;
using stats::Timer;

namespace {

/// Keeps the core's count of buffers held ahead of gaps while a connection's queue of them changes.
class HeldBuffers {
 public:
    HeldBuffers(const packet::OutOfOrder& queue, const Environment& env)
        : queue_(queue), gauge_(env.stats.out_of_order_buffers), before_(queue.count()) {}
    HeldBuffers(const HeldBuffers&) = delete;
    HeldBuffers& operator=(const HeldBuffers&) = delete;
    ~HeldBuffers() {
        const std::uint32_t after = queue_.count();
        if (after > before_) gauge_.add(after - before_);
        if (after < before_) gauge_.subtract(before_ - after);
    }

 private:
    const packet::OutOfOrder& queue_;
    stats::Counter& gauge_;
    std::uint32_t before_;
};

/// HARDENING 20, 27: what one connection may hold ahead of gaps, and all of a core.
packet::OutOfOrder::Limits out_of_order_limits(const packet::OutOfOrder& queue, const Environment& env) {
    const std::uint64_t all = env.stats.out_of_order_buffers.value();
    const std::uint64_t most = env.tunables.max_out_of_order;
    const std::uint64_t left =
        std::min<std::uint64_t>(most - std::min(most, all), UINT32_MAX - queue.count());
    return {std::min(env.tunables.out_of_order_segments, queue.count() + static_cast<std::uint32_t>(left)),
            env.tunables.out_of_order_holes, env.tunables.out_of_order_bytes};
}

}  // namespace

constexpr StateMask kReceiving = mask(State::Established) | mask(State::FinWait1) | mask(State::FinWait2);

/// RFC 3168 6.1.3: a mark is echoed on every ACK until the peer says that it has reduced its window.
void Connection::note_congestion(const wire::TcpSegment& segment, const Environment& env) {
    if (segment.flags.cwr()) echo_congestion_ = false;
    if (!segment.congestion_experienced || segment.payload_length == 0) return;
    leg_stats(env).congestion_marks.add();
    if (!echo_congestion_) ack_pending_ = true;  // the sooner the better
    echo_congestion_ = true;
}

// RFC 9293 3.10.7.4, seventh and eighth: text and FIN of an acceptable segment.
Disposition Connection::process_text(const wire::TcpSegment& segment, packet::Slice payload,
                                     const Environment& env) {
    bool fin = segment.flags.fin();
    if (payload.empty() && !fin) return Disposition::Accepted;
    if (!is_in(state_, kReceiving)) {
        // The peer's FIN has been taken: nothing can follow it (HARDENING 10).
        ack_pending_ = true;
        return drop(DropReason::TcpClosed, env);
    }
    wire::SeqNum seq = segment.seq;
    const wire::SeqNum end = seq + payload.length();

    // What reaches beyond the window is cut off; a FIN that text fills the window up to costs no room.
    const wire::SeqNum limit = fin_ahead_ && fin_seq_.before(rcv_.adv) ? fin_seq_ : rcv_.adv;
    if (end.after(limit)) {
        env.stats.drops[DropReason::TcpWindowFull].add();
        ack_pending_ = true;
        fin = false;
        payload.truncate(seq.before(limit) ? static_cast<std::uint16_t>(limit - seq) : std::uint16_t{0});
        if (payload.empty()) return Disposition::Dropped;
    }
    if (seq.before(rcv_.nxt) && !payload.empty()) {
        const std::uint32_t known = std::min<std::uint32_t>(rcv_.nxt - seq, payload.length());
        payload.trim_front(static_cast<std::uint16_t>(known));
        seq += known;
        note_duplicate(segment.seq, seq, env);
        if (payload.empty()) {
            leg_stats(env).duplicate_segments.add();
            env.stats.drops[DropReason::TcpDuplicate].add();
            acknowledge_quickly(env);
            if (!fin) return Disposition::Dropped;
        }
    }
    if (orphan_ && !payload.empty()) {
        // RFC 9293 SHLD-3: nobody will ever read this, and the peer is to know.
        reset_reason_ = stats::ResetReason::DataAfterClose;
        abort(stats::CloseReason::OrphanLimit, env);
        return drop(DropReason::TcpClosed, env);
    }
    if (!env.may_keep_payload && !payload.empty() && !gives_way_to(seq, seq + payload.length(), env))
        return drop(DropReason::BufferPressure, env);

    if (seq == rcv_.nxt) {
        if (!payload.empty()) {
            accept_text(std::move(payload), env);
            measure_arrival(segment, env);
        }
        if ((fin && end == rcv_.nxt) || (fin_ahead_ && fin_seq_ == rcv_.nxt)) process_fin(env);
        return Disposition::Accepted;
    }

    // A gap: RFC 5681 4.2 wants the duplicate ACK at once (RFC 9293 3.10.7.4, MAY-13).
    leg_stats(env).out_of_order_segments.add();
    ack_pending_ = true;
    // A peer without SACK counts these, however many came in one turn.
    if (!sack_ && duplicate_acks_owed_ < UINT8_MAX) ++duplicate_acks_owed_;
    const bool is_news = fin && !fin_ahead_;
    if (is_news) {
        fin_ahead_ = true;
        fin_seq_ = end;
    }
    if (!payload.empty()) {
        const std::optional<DropReason> refused = hold_text(seq, std::move(payload), env);
        if (is_news && refused == DropReason::TcpOutOfOrderLimit) fin_ahead_ = false;
        if (refused && (!fin || *refused == DropReason::TcpOutOfOrderLimit)) return drop(*refused, env);
    } else if (is_news && sack_) {
        sack_report_.held({fin_seq_, fin_seq_ + 1});
    }
    return Disposition::Accepted;
}

/// Text ahead of a gap, and what the SACK option will say of it; why it is not held.
/// RFC 9293 3.10.7.4, SHLD-31: kept for when the gap is filled.
std::optional<DropReason> Connection::hold_text(wire::SeqNum seq, packet::Slice payload,
                                                const Environment& env) {
    const HeldBuffers count(reassembly_, env);
    const auto inserted = reassembly_.insert(seq, std::move(payload), out_of_order_limits(reassembly_, env));
    // RFC 2018 3: only what is held is reported.
    if (inserted.verdict == packet::OutOfOrder::Verdict::Full) return DropReason::TcpOutOfOrderLimit;
    if (sack_) {
        // A FIN has a number, too: a sender whose last segment isn't reported to its end takes it for lost.
        const bool reaches_fin = fin_ahead_ && inserted.run.end == fin_seq_;
        sack_report_.held({inserted.run.begin, inserted.run.end + (reaches_fin ? 1u : 0u)});
        // RFC 2883 4: the first contiguous stretch that came again, whole or in part.
        if (env.tunables.dsack && !inserted.duplicate.empty()) sack_report_.duplicate(inserted.duplicate);
    }
    if (inserted.verdict == packet::OutOfOrder::Verdict::Held) return std::nullopt;
    leg_stats(env).duplicate_segments.add();
    return DropReason::TcpDuplicate;
}

/// RFC 2883 4.1: what lies below the cumulative ACK came again, the whole of a segment or its beginning.
void Connection::note_duplicate(wire::SeqNum seq, wire::SeqNum end, const Environment& env) {
    if (!sack_ || !env.tunables.dsack || !seq.before(rcv_.nxt)) return;
    sack_report_.duplicate({seq, end.before(rcv_.nxt) ? end : rcv_.nxt});
}

/// Whether [seq, end) is taken although no buffer is to spare: it fills the first gap, without which what is
/// held behind it could not leave. RFC 2018 8 lets a receiver renege; we do here and nowhere else, by the run
/// that is farthest away.
bool Connection::gives_way_to(wire::SeqNum seq, wire::SeqNum end, const Environment& env) {
    if (seq != rcv_.nxt || reassembly_.empty()) return false;
    if (reassembly_.run_count() == 1 && end.at_or_after(reassembly_.first_run().begin)) return true;
    const HeldBuffers count(reassembly_, env);
    sack_report_.dropped(reassembly_.drop_last_run());
    env.stats.drops[DropReason::BufferPressure].add();
    return true;
}

void Connection::clear_reassembly(const Environment& env) {
    const HeldBuffers count(reassembly_, env);
    reassembly_.clear();
    sack_report_.clear();
}

/// In-order text.
void Connection::accept_text(packet::Slice payload, const Environment& env) {
    const std::uint16_t length = payload.length();
    rcv_.largest = std::max(rcv_.largest, std::min(length, rcv_.advertised_mss));
    // RFC 5681 4.1: after so long a pause the peer begins with a small window again.
    if (env.now - text_received_at_ > rtt_.rto()) quick_acks_ = quick_acks_of(env);
    text_received_at_ = env.now;
    duplicate_acks_owed_ = 0;
    if (!reassembly_.empty()) [[unlikely]]
        return fill_gap(std::move(payload), env);
    deliver(std::move(payload), env);
    sack_report_.advanced(rcv_.nxt);
    acknowledge_later(env);
}

/// The same before a gap, with what it makes in-order.
void Connection::fill_gap(packet::Slice payload, const Environment& env) {
    const HeldBuffers count(reassembly_, env);
    deliver(std::move(payload), env);
    while (auto piece = reassembly_.pop_if_at_or_before(rcv_.nxt)) {
        const std::uint32_t known = rcv_.nxt - piece->seq;
        if (known >= piece->slice.length()) continue;  // overtaken by a longer segment
        piece->slice.trim_front(static_cast<std::uint16_t>(known));
        deliver(std::move(piece->slice), env);
    }
    sack_report_.advanced(rcv_.nxt);
    // RFC 5681 4.2: at once while a gap is there or has just been filled, in part or wholly.
    ack_pending_ = true;
}

/// What the segment says of the round trip that the receive buffer has to span.
void Connection::measure_arrival(const wire::TcpSegment& segment, const Environment& env) {
    if (!env.tunables.moderate_rcvbuf) return;
    if (!timestamps_ || !segment.options.timestamps) return receive_tuning_.arrived(rcv_, env.now);
    const std::uint32_t echo = segment.options.timestamps->echo_reply;
    if (segment.payload_length < rcv_.largest || !receive_tuning_.is_news(echo)) return;
    if (const Duration age = echoed_age(segment, env); age > Duration::zero())
        receive_tuning_.arrived(echo, age);
}

/// Appends text that begins at rcv_.nxt.
void Connection::deliver(packet::Slice text, const Environment& env) {
    if (fin_ahead_) {  // what lies beyond the peer's FIN is not part of the stream
        const std::uint32_t room = fin_seq_ - rcv_.nxt;
        if (room == 0) return;
        if (text.length() > room) text.truncate(static_cast<std::uint16_t>(room));
    }
    rcv_.nxt += text.length();
    leg_stats(env).bytes_received.add(text.length());
    receive_queue_.push_back(std::move(text));
    events_ |= Events::kReadable;
}

std::uint8_t Connection::quick_acks_of(const Environment& env) {
    return static_cast<std::uint8_t>(std::min<std::uint32_t>(env.tunables.quickack, UINT8_MAX));
}

/// RFC 9293 3.8.6.3, SHLD-18, SHLD-19: at once for every second full segment and for a peer that begins with
/// a small window, else delayed, by less than half a second (MUST-40). As in Linux, text that is answered
/// with text is left to that (pingpong mode).
void Connection::acknowledge_later(const Environment& env) {
    const std::uint32_t unacknowledged = rcv_.nxt - rcv_.acked;
    if (quick_acks_ > 0 && !interactive_) {
        --quick_acks_;
        ack_pending_ = true;
    } else if (unacknowledged >= std::uint64_t{env.tunables.delack_segments} * rcv_.largest) {
        ack_pending_ = true;
    } else if (!deadlines_.is_armed(Timer::DelayedAck)) {
        deadlines_.arm(Timer::DelayedAck,
                       env.now + std::min(env.tunables.delack_min, env.tunables.delack_max));
    }
}

/// The peer sends again what it has sent before: it repairs a loss with a small window.
void Connection::acknowledge_quickly(const Environment& env) {
    quick_acks_ = quick_acks_of(env);
    interactive_ = false;
    ack_pending_ = true;
}

// RFC 9293 3.10.7.4, eighth.
void Connection::process_fin(const Environment& env) {
    TERMINUS_ASSERT(!fin_received_, "the states that take a FIN are left when it comes");
    rcv_.nxt += 1;
    rcv_.adv = wire::latest(rcv_.adv, rcv_.nxt);
    fin_received_ = true;
    fin_ahead_ = false;
    clear_reassembly(env);
    ack_pending_ = true;
    events_ |= Events::kPeerFinished;
    switch (state_) {
        case State::Established:
            enter(State::CloseWait, env);
            return;
        case State::FinWait1:
            enter(State::Closing, env);
            return;
        case State::FinWait2:
            enter_time_wait(env);
            return;
        case State::Closed:
        case State::Listen:
        case State::SynSent:
        case State::SynReceived:
        case State::CloseWait:
        case State::Closing:
        case State::LastAck:
        case State::TimeWait:
            break;
    }
    TERMINUS_ASSERT(false, "process_text() has checked the state");
}

std::uint32_t Connection::readable_bytes() const {
    return receive_queue_.size_bytes();
}

bool Connection::peer_finished() const {
    return fin_received_ && receive_queue_.empty() && !unread_lost_;
}

/// An end that nobody has read up to is none that may be passed on as one.
void Connection::lose_unread() {
    if (!receive_queue_.empty()) unread_lost_ = true;
    receive_queue_.clear();
}

packet::ByteQueue Connection::take_received(std::uint32_t max_bytes, rte_mempool* pool,
                                            const Environment& env) {
    packet::ByteQueue taken =
        receive_queue_.split_front(std::min(max_bytes, receive_queue_.size_bytes()), pool);
    if (!is_in(state_, kReceiving) || taken.empty()) return taken;
    if (env.tunables.moderate_rcvbuf)
        receive_tuning_.taken(taken.size_bytes(), rcv_.advertised_mss, env.tunables.rmem, env.now);
    // RFC 9293 3.8.6.2.2 says when the edge may move; whether that is worth a segment of its own is another
    // question: at once from a window that holds the peer up, else when a good part of the buffer has come
    // free.
    const std::uint32_t free = free_window(env);
    const std::uint32_t remaining = rcv_.wnd();
    if (free <= remaining) return taken;
    const std::uint32_t growth = free - remaining;
    const std::uint32_t rmem = receive_buffer(env);
    const std::uint32_t mss = rcv_.advertised_mss;
    const bool starved = remaining < mss && growth >= std::min(rmem / 2, mss);
    const bool plenty = growth >= 2 * mss && (growth >= rmem / 4 || remaining <= rmem / 8);
    if (starved || plenty) ack_pending_ = true;
    return taken;
}

/// What rmem and the reader's pace make of it, or less while buffers are short.
std::uint32_t Connection::receive_buffer(const Environment& env) const {
    const BufferRange& rmem = env.tunables.rmem;
    return std::min(rmem.grown_to(receive_tuning_.bytes()), std::max(env.receive_limit_bytes, rmem.min));
}

/// Room for new text, in whole units of our scale.
std::uint32_t Connection::free_window(const Environment& env) const {
    const std::uint32_t queued = receive_queue_.size_bytes();
    const std::uint32_t limit = receive_buffer(env);
    const std::uint32_t free = limit > queued ? limit - queued : 0;
    const std::uint32_t most = std::uint32_t{UINT16_MAX} << rcv_.scale;
    return (std::min(free, most) >> rcv_.scale) << rcv_.scale;
}

/// The window field of a segment that is being sent; moves rcv_.adv, never to the left (RFC 9293 3.8.6,
/// SHLD-14).
std::uint16_t Connection::advertise_window(const Environment& env) {
    const std::uint32_t remaining = rcv_.wnd();
    const std::uint32_t free = free_window(env);
    std::uint32_t window = remaining;
    // RFC 9293 3.8.6.2.2, MUST-39: the right edge moves by a segment or half the buffer at least.
    if (free > remaining &&
        free - remaining >= std::min<std::uint32_t>(receive_buffer(env) / 2, rcv_.advertised_mss)) {
        window = free;
    }
    // The field counts units: rounding down would move the edge left, rounding up gives room that is not
    // there. Up, then, unless many tiny segments have already gained a sixteenth of the buffer that way; adv
    // stays in either case, so what was promised is taken (RFC 7323 2.4).
    std::uint32_t field = window >> rcv_.scale;
    const std::uint64_t buffer = env.tunables.rmem.grown_to(receive_tuning_.bytes());
    const std::uint64_t most = buffer + buffer / 16;
    const bool may_round_up = std::uint64_t{receive_queue_.size_bytes()} + window <= most;
    if (field << rcv_.scale != window && may_round_up) ++field;
    field = std::min<std::uint32_t>(field, UINT16_MAX);
    rcv_.adv = wire::latest(rcv_.adv, rcv_.nxt + (field << rcv_.scale));
    if (field == 0) leg_stats(env).zero_windows_advertised.add();
    return static_cast<std::uint16_t>(field);
}

}  // namespace terminus::tcp
