#include "load/backend_side.hpp"

namespace terminus::load {

BackendSide::BackendSide(const BackendSettings& settings) : settings_(settings), set_(settings.side) {}

void BackendSide::receive(packet::Batch& frames, base::Instant now) {
    set_.read(frames, now);
    for (const Arrival& arrival : set_.arrivals()) {
        const wire::TcpFlags flags = arrival.segment.flags;
        const bool is_syn = flags.syn() && !flags.ack() && !flags.rst();
        if (is_syn && set_.at(arrival.index).phase == Phase::Closed) {
            set_.accept(arrival);
        } else {
            happened(arrival.index, set_.arrives(arrival));
        }
    }
    set_.release();
}

void BackendSide::happened(std::uint32_t index, const Outcome& outcome) {
    if (outcome.established) established(index);
    if (outcome.text > 0) text_arrived(index, outcome.text);
    if (outcome.finished && !set_.at(index).has(kResetDue)) client_finished(index);
}

void BackendSide::established(std::uint32_t index) {
    Connection& connection = set_.at(index);
    ++set_.numbers().connections_established;
    connection.exchanges = settings_.exchanges;
    connection.to_receive = settings_.request_bytes;
    if (settings_.request_bytes == 0) answer(index);
}

void BackendSide::text_arrived(std::uint32_t index, std::uint32_t bytes) {
    Connection& connection = set_.at(index);
    if (connection.to_receive == kEndless) {
        if (settings_.response_bytes == kEndless && connection.to_send == 0) answer(index);
        return;
    }
    while (bytes >= connection.to_receive) {  // requests that came together
        if (connection.to_receive == 0) {
            set_.fail(index, Failure::UnexpectedText);
            return;
        }
        bytes -= connection.to_receive;
        connection.to_receive = settings_.request_bytes;
        answer(index);
        if (bytes == 0) return;
    }
    connection.to_receive -= bytes;
}

void BackendSide::answer(std::uint32_t index) {
    Connection& connection = set_.at(index);
    ++set_.numbers().responses;
    if (settings_.response_bytes == kEndless) {
        connection.to_send = kEndless;
    } else {
        connection.to_send += settings_.response_bytes;
    }
    const bool is_last = connection.exchanges > 0 && --connection.exchanges == 0;
    if (is_last) connection.to_receive = 0;
    if (is_last && settings_.closes_first == ClosesFirst::Backend) connection.set(kFinWanted);
    set_.want_to_send(index);
}

void BackendSide::client_finished(std::uint32_t index) {
    Connection& connection = set_.at(index);
    const bool is_between = connection.to_receive == settings_.request_bytes || connection.to_receive == 0 ||
                            connection.to_receive == kEndless;
    if (!is_between) {
        set_.fail(index, Failure::EarlyClose);
        return;
    }
    if (connection.to_send == kEndless) connection.to_send = 0;
    connection.set(kFinWanted);
    set_.want_to_send(index);
}

void BackendSide::run(base::Instant now, packet::Batch& out) {
    set_.expire(now);
    set_.transmit(now, out);
    while (set_.poll_ended()) {
    }
}

}  // namespace terminus::load
