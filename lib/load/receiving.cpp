#include <algorithm>

#include "load/connection_set.hpp"
#include "load/pattern.hpp"

namespace terminus::load {

// RFC 9293 3.10.7, in its order; what it has for each state is in phases and flags here.
Outcome ConnectionSet::arrives(const Arrival& arrival) {
    const std::uint32_t index = arrival.index;
    const Segment& segment = arrival.segment;
    Outcome outcome;
    if (at(index).has(kResetDue)) return outcome;  // it is over, and the peer is about to hear so
    switch (at(index).phase) {
        case Phase::Closed:
            closed_arrives(index, segment);
            return outcome;
        case Phase::SynSent:
            return syn_sent_arrives(index, segment);
        case Phase::SynReceived:
        case Phase::Open:
            break;
    }
    if (check_reset(index, segment) == Checked::Done) return outcome;
    if (check_sequence(index, segment) == Checked::Done) return outcome;
    if (check_ack(index, segment, outcome) == Checked::Done) return outcome;
    take_text(index, segment, outcome);
    Connection& connection = at(index);
    if (connection.is_finished() && !connection.has(kAckDue)) {
        ++numbers_.connections_ended;
        end(index);
    }
    return outcome;
}

// RFC 9293 3.10.7.1. The last acknowledgement may have been lost or late: there is no TIME_WAIT, but it is
// said again, and what repeats the connection that was here is not refused.
void ConnectionSet::closed_arrives(std::uint32_t index, const Segment& segment) {
    if (segment.flags.rst()) return;  // crossed ours, or answers what is gone
    if (!at(index).is_finished() || !has_come_before(at(index), segment)) {
        numbers_.fail(Failure::NoConnection);
        refuse(segment);
        return;
    }
    ++numbers_.duplicates;
    if (segment.length() > 0) acknowledge_again(index);
}

// Whether a segment says nothing that its connection has not heard.
bool ConnectionSet::has_come_before(const Connection& connection, const Segment& segment) {
    return segment.flags.ack() && (segment.seq + segment.length()).at_or_before(connection.rcv_nxt) &&
           segment.ack.at_or_before(connection.snd_nxt);
}

// RFC 9293 3.10.7.3
Outcome ConnectionSet::syn_sent_arrives(std::uint32_t index, const Segment& segment) {
    Outcome outcome;
    Connection& connection = at(index);
    const bool ack_is_good = segment.flags.ack() && segment.ack == connection.snd_nxt;
    if (!ack_is_good) {
        numbers_.fail(Failure::BadAck);
        if (!segment.flags.rst()) refuse(segment);
        return outcome;
    }
    if (segment.flags.rst()) {
        numbers_.fail(Failure::Refused);
        end(index);
        return outcome;
    }
    if (!segment.flags.syn()) {
        numbers_.fail(Failure::BadAck);
        return outcome;
    }
    take_options(connection, segment);
    connection.snd_una = segment.ack;
    connection.phase = Phase::Open;
    connection.clear(kResendDue | kRecovering);
    connection.retries = 0;
    connection.set(kAckDue);
    mark_ready(index);
    outcome.established = true;
    return outcome;
}

// Of a SYN or SYN-ACK: RFC 7323 2.2, 3.2 for the options.
void ConnectionSet::take_options(Connection& connection, const Segment& segment) const {
    const wire::TcpOptions options = wire::parse_tcp_options(segment.options);
    connection.rcv_nxt = segment.seq + 1;
    connection.text_from = static_cast<std::uint8_t>(segment.seq.value() + 1);
    if (options.mss) connection.mss = std::max<std::uint16_t>(64, std::min(connection.mss, *options.mss));
    connection.snd_wnd = segment.window;  // RFC 7323 2.2: a SYN's window is never scaled
    connection.touched = tick_;
    if (!options.timestamps || !options.window_scale) return;  // the plain shapes have neither
    connection.snd_scale = std::min<std::uint8_t>(*options.window_scale, 14);
    connection.ts_recent = options.timestamps->value;
    connection.mss = static_cast<std::uint16_t>(connection.mss - 12);
    connection.set(kTimestamps);
}

ConnectionSet::Checked ConnectionSet::complain(std::uint32_t index, Failure kind) {
    numbers_.fail(kind);
    acknowledge_again(index);
    return Checked::Done;
}

// Not a failure: a peer repeats what it believes to be lost.
ConnectionSet::Checked ConnectionSet::came_again(std::uint32_t index) {
    ++numbers_.duplicates;
    acknowledge_again(index);
    return Checked::Done;
}

void ConnectionSet::acknowledge_again(std::uint32_t index) {
    at(index).set(kAckDue);
    mark_ready(index);
}

// RFC 9293 3.10.7.4, second; RFC 5961 3.2: only the next number resets.
ConnectionSet::Checked ConnectionSet::check_reset(std::uint32_t index, const Segment& segment) {
    if (!segment.flags.rst()) return Checked::GoOn;
    if (segment.seq != at(index).rcv_nxt) return complain(index, Failure::OutOfWindow);
    numbers_.fail(Failure::Reset);
    end(index);
    return Checked::Done;
}

// RFC 9293 3.10.7.4, first and fourth; RFC 7323 5.3.
ConnectionSet::Checked ConnectionSet::check_sequence(std::uint32_t index, const Segment& segment) {
    Connection& connection = at(index);
    if (segment.flags.syn()) {
        // Text may have come since: of the SYN's number only the last eight bits are kept.
        const bool is_again = segment.seq.before(connection.rcv_nxt) &&
                              static_cast<std::uint8_t>(segment.seq.value() + 1) == connection.text_from;
        if (is_again && connection.phase == Phase::SynReceived) connection.set(kResendDue);
        return is_again ? came_again(index) : complain(index, Failure::UnexpectedSyn);
    }
    const bool has_timestamps = connection.has(kTimestamps) && segment.has_timestamps;
    const bool is_old =
        has_timestamps && static_cast<std::int32_t>(segment.ts_value - connection.ts_recent) < 0;
    if (is_old) {
        const bool is_late = has_come_before(connection, segment);
        return is_late ? came_again(index) : complain(index, Failure::OldTimestamp);
    }
    if (!segment.flags.ack()) {
        numbers_.fail(Failure::Malformed);
        return Checked::Done;
    }
    if (has_timestamps && segment.seq.at_or_before(connection.rcv_nxt))
        connection.ts_recent = segment.ts_value;
    return Checked::GoOn;
}

// RFC 9293 3.10.7.4, fifth
ConnectionSet::Checked ConnectionSet::check_ack(std::uint32_t index, const Segment& segment,
                                                Outcome& outcome) {
    Connection& connection = at(index);
    if (segment.ack.after(connection.snd_nxt)) return complain(index, Failure::BadAck);
    if (segment.ack.before(connection.snd_una)) return Checked::GoOn;  // an old one; its text may be new
    connection.snd_wnd = std::uint32_t{segment.window} << connection.snd_scale;
    const std::uint32_t acked = segment.ack - connection.snd_una;
    if (acked > 0) {
        const std::uint32_t text_before = connection.outstanding_text();
        connection.snd_una = segment.ack;
        connection.retries = 0;
        connection.touched = tick_;
        outcome.all_acked = connection.outstanding() == 0;
        if (connection.phase == Phase::SynReceived) {
            connection.phase = Phase::Open;
            connection.clear(kResendDue | kRecovering);
            outcome.established = true;
        } else {
            numbers_.text_sent += std::min(acked, text_before);
        }
        if (connection.has(kFinSent) && outcome.all_acked) connection.set(kFinAcked);
        if (connection.has(kRecovering)) {
            if (outcome.all_acked) {
                connection.clear(kRecovering | kResendDue);
            } else {
                connection.set(kResendDue);
            }
            mark_ready(index);
        }
    } else if (connection.phase == Phase::SynReceived) {
        return Checked::Done;  // does not acknowledge our SYN
    } else if (connection.outstanding() == 0) {
        connection.retries = 0;  // answers a probe of its window, or keeps alive
    }
    if (connection.to_send > 0) mark_ready(index);
    return Checked::GoOn;
}

// RFC 9293 3.10.7.4, seventh and eighth
void ConnectionSet::take_text(std::uint32_t index, const Segment& segment, Outcome& outcome) {
    Connection& connection = at(index);
    const std::uint32_t length = segment.length();
    base::Bytes text = segment.text;
    if (segment.seq.before(connection.rcv_nxt)) {
        const std::uint32_t known = connection.rcv_nxt - segment.seq;
        if (length == 0 && known == 1) {  // RFC 9293 3.8.4: only asks whether we are alive
            connection.set(kAckDue);
            mark_ready(index);
        }
        if (length == 0) return;
        came_again(index);
        if (length <= known) return;
        text = text.subspan(known);
    } else if (segment.seq.after(connection.rcv_nxt)) {
        if (length == 0) return;
        ++numbers_.out_of_order;
        acknowledge_again(index);
        return;
    }
    if (length == 0) return;
    connection.set(kAckDue);
    connection.touched = tick_;
    mark_ready(index);
    if (!text.empty()) {
        if (connection.has(kFinReceived)) {
            complain(index, Failure::OutOfWindow);
            return;
        }
        const auto place = static_cast<std::uint8_t>(connection.rcv_nxt.value() - connection.text_from);
        if (!is_text(text, place)) {
            fail(index, Failure::WrongText);
            return;
        }
        outcome.text = static_cast<std::uint32_t>(text.size());
        connection.rcv_nxt += outcome.text;
        connection.retries = 0;
        numbers_.text_received += outcome.text;
    }
    if (segment.flags.fin()) {
        connection.rcv_nxt += 1;
        connection.set(kFinReceived);
        outcome.finished = true;
        watch(index);
    }
}

// RFC 9293 3.10.7.1: what the peer believes in does not exist.
void ConnectionSet::refuse(const Segment& segment) {
    if (segment.flags.rst() || refusals_.full() || !is_ready()) return;
    Outgoing outgoing;
    outgoing.tuple = segment.tuple;
    if (segment.flags.ack()) {
        outgoing.seq = segment.ack;
        outgoing.flags = wire::TcpFlags::kRst;
    } else {
        outgoing.ack = segment.seq + segment.length();
        outgoing.flags = wire::TcpFlags::kRst | wire::TcpFlags::kAck;
    }
    refusals_.push_back(writer_.write(Shape::PlainText, outgoing));
}

}  // namespace terminus::load
