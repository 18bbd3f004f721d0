#include <algorithm>
#include <utility>

#include "load/connection_set.hpp"
#include "load/pattern.hpp"

namespace terminus::load {
namespace {

using wire::TcpFlags;

/// Segments that one connection sends in its turn, so that others have theirs.
constexpr int kSegmentsMax = 16;

}  // namespace

void ConnectionSet::transmit(base::Instant now, packet::Batch& out) {
    set_time(now);
    neighbours_.run(now, out);
    while (!refusals_.empty() && !out.full()) {
        put(std::move(refusals_[refusals_.size() - 1]), out);
        refusals_.pop_back();
    }
    if (!is_ready()) return;
    for (std::uint32_t left = ready_.size(); left > 0 && !out.full(); --left) {
        const std::uint32_t index = ready_.pop();
        at(index).clear(kIsReady);
        if (send_some(index, out)) mark_ready(index);
    }
}

// Whether there is more to send that could be sent.
bool ConnectionSet::send_some(std::uint32_t index, packet::Batch& out) {
    Connection& connection = at(index);
    if (connection.has(kResetDue)) {
        send(connection, connection.snd_nxt, TcpFlags::kRst | TcpFlags::kAck, 0, out);
        end(index);
        return false;
    }
    switch (connection.phase) {
        case Phase::Closed:
            if (connection.has(kAckDue)) send(connection, connection.snd_nxt, TcpFlags::kAck, 0, out);
            connection.clear(kAckDue);
            return false;
        case Phase::SynSent:
        case Phase::SynReceived:
            if (connection.has(kResendDue)) send_syn(connection, out);
            connection.clear(kResendDue | kAckDue);
            watch(index);
            return false;
        case Phase::Open:
            break;
    }
    bool is_more = false;
    if (settings_.separate_acks && connection.has(kAckDue) && !connection.has(kFinReceived)) {
        send(connection, connection.snd_nxt, TcpFlags::kAck, 0, out);
        connection.clear(kAckDue);
    }
    if (connection.has(kResendDue) && !out.full()) resend(connection, out);
    if (connection.has(kProbeDue) && !out.full()) {
        // Below the window, so that it is answered and not taken (RFC 9293 3.8.6.1 has a byte sent; its place
        // would then have to be remembered).
        send(connection, connection.snd_una - 1, TcpFlags::kAck, 0, out);
        connection.clear(kProbeDue);
        ++numbers_.window_probes;
    }
    if (!connection.has(kRecovering)) is_more = send_text(connection, out);
    if (connection.has(kAckDue) && !out.full()) {
        send(connection, connection.snd_nxt, TcpFlags::kAck, 0, out);
        connection.clear(kAckDue);
    }
    if (is_watched(connection)) watch(index);
    if (connection.is_finished() && !connection.has(kAckDue)) {
        ++numbers_.connections_ended;
        end(index);
        return false;
    }
    return is_more || connection.has(kAckDue | kResendDue | kProbeDue);
}

void ConnectionSet::send_syn(Connection& connection, packet::Batch& out) {
    Outgoing outgoing;
    outgoing.tuple = connection.tuple;
    outgoing.seq = connection.snd_una;
    outgoing.flags = TcpFlags::kSyn;
    outgoing.ts_value = timestamp_;
    bool is_plain = false;
    if (connection.phase == Phase::SynReceived) {
        outgoing.flags |= TcpFlags::kAck;
        outgoing.ack = connection.rcv_nxt;
        outgoing.ts_echo = connection.ts_recent;
        is_plain = !connection.has(kTimestamps);
    }
    connection.touched = tick_;
    put(writer_.write(is_plain ? Shape::PlainSyn : Shape::Syn, outgoing), out);
}

// RFC 6298 5.4: the earliest that is not acknowledged; when that is, the next (check_ack()).
void ConnectionSet::resend(Connection& connection, packet::Batch& out) {
    connection.clear(kResendDue);
    const std::uint32_t text = std::min<std::uint32_t>(connection.outstanding_text(), connection.mss);
    std::uint8_t flags = TcpFlags::kAck;
    if (text > 0) flags |= TcpFlags::kPsh;
    if (text + 1 == connection.outstanding()) flags |= TcpFlags::kFin;
    send(connection, connection.snd_una, flags, text, out);
    connection.clear(kAckDue);
    connection.touched = tick_;
}

// Text as far as the window goes, and the FIN behind it. Whether more could be sent at once.
bool ConnectionSet::send_text(Connection& connection, packet::Batch& out) {
    for (int i = 0; i < kSegmentsMax && !out.full(); ++i) {
        const std::uint32_t wanted = std::min<std::uint32_t>(connection.to_send, connection.mss);
        const std::uint32_t window = std::min(connection.snd_wnd, settings_.in_flight_max);
        const std::uint32_t in_flight = connection.outstanding();
        const std::uint32_t room = window > in_flight ? window - in_flight : 0;
        const std::uint32_t length = std::min(wanted, room);
        // RFC 9293 3.8.6.2.1: nothing small while something is on its way.
        if (length < wanted && (length == 0 || in_flight > 0)) return false;
        const bool is_last = length == connection.to_send;
        const bool finishes = is_last && connection.has(kFinWanted) && !connection.has(kFinSent);
        if (length == 0 && !finishes) return false;
        std::uint8_t flags = TcpFlags::kAck;
        if (is_last && length > 0) flags |= TcpFlags::kPsh;
        if (finishes) flags |= TcpFlags::kFin;
        send(connection, connection.snd_nxt, flags, length, out);
        connection.snd_nxt += length + (finishes ? 1 : 0);
        if (connection.to_send != kEndless) connection.to_send -= length;
        if (finishes) connection.set(kFinSent);
        connection.clear(kAckDue);
        connection.touched = tick_;
    }
    return connection.to_send > 0 || (connection.has(kFinWanted) && !connection.has(kFinSent));
}

void ConnectionSet::send(const Connection& connection, wire::SeqNum seq, std::uint8_t flags,
                         std::uint32_t text_length, packet::Batch& out) {
    Outgoing outgoing;
    outgoing.tuple = connection.tuple;
    outgoing.seq = seq;
    outgoing.ack = connection.rcv_nxt;
    outgoing.flags = flags;
    outgoing.ts_value = timestamp_;
    outgoing.ts_echo = connection.ts_recent;
    outgoing.text_length = text_length;
    put(writer_.write(connection.has(kTimestamps) ? Shape::Text : Shape::PlainText, outgoing), out);
}

// A frame for which there is no buffer is as good as lost.
void ConnectionSet::put(packet::Buffer frame, packet::Batch& out) {
    if (!frame) {
        numbers_.fail(Failure::NoBuffer);
        return;
    }
    ++numbers_.frames_sent;
    numbers_.bytes_sent += frame.length();
    out.push_back(std::move(frame));
}

}  // namespace terminus::load
