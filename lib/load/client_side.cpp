#include "load/client_side.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace terminus::load {
namespace {

/// Connections that one turn looks at for closing when all are to be closed: the frames of a burst, so that
/// neither the queues run over nor the turn gets long.
constexpr std::uint32_t kClosedATurn = packet::Batch::kCapacity;
constexpr std::uint32_t kLookedAtATurn = 4096;

std::int64_t ns_of(base::Instant instant) {
    return instant.time_since_epoch().count();
}

}  // namespace

ClientSide::ClientSide(const ClientSettings& settings)
    : settings_(settings), set_(settings.side), free_(set_.map().size()), rested_(set_.map().size()) {
    TERMINUS_ASSERT(settings.side.next_hop.has_value(), "a client speaks first, so it knows to whom");
    TERMINUS_ASSERT(settings.scenario != Scenario::Connects || settings.exchanges > 0,
                    "such connections end by themselves");
    for (std::uint32_t index = 0; index < set_.map().size(); ++index)
        free_.push(index);
}

void ClientSide::receive(packet::Batch& frames, base::Instant now) {
    now_ = now;
    set_.read(frames, now);
    for (const Arrival& arrival : set_.arrivals())
        happened(arrival.index, set_.arrives(arrival));
    set_.release();
}

void ClientSide::happened(std::uint32_t index, const Outcome& outcome) {
    if (outcome.established) established(index);
    if (outcome.text > 0) text_arrived(index, outcome.text);
    const Connection& connection = set_.at(index);
    const bool is_answer = outcome.all_acked && settings_.response_bytes == 0 && connection.has(kAwaiting) &&
                           connection.to_send == 0 && !outcome.established && !connection.has(kFinWanted);
    if (is_answer) answered(index);
    if (outcome.finished && !connection.has(kResetDue)) peer_finished(index);
}

void ClientSide::established(std::uint32_t index) {
    Connection& connection = set_.at(index);
    ++set_.numbers().connections_established;
    connect_latency_.record(static_cast<std::uint64_t>(ns_of(now_) - connection.intended_ns));
    connection.exchanges = settings_.exchanges;
    switch (settings_.scenario) {
        case Scenario::Connects:
            ask(index, connection.intended_ns);
            break;
        case Scenario::Requests:
            ask_again(index);
            break;
        case Scenario::Bulk:
            ask(index, ns_of(now_));
            break;
        case Scenario::Idle:
            break;
    }
}

void ClientSide::ask(std::uint32_t index, std::int64_t intended_ns) {
    Connection& connection = set_.at(index);
    ++asked_;
    connection.intended_ns = intended_ns;
    connection.to_send = settings_.request_bytes;
    connection.to_receive = settings_.response_bytes;
    if (settings_.request_bytes > 0) set_.want_to_send(index);
    if (settings_.request_bytes > 0 || settings_.response_bytes > 0) {
        // Of endless text only what comes is awaited: what goes has time-outs of its own.
        if (settings_.request_bytes != kEndless || settings_.response_bytes > 0) set_.await(index);
    } else {
        answered(index);
    }
}

void ClientSide::text_arrived(std::uint32_t index, std::uint32_t bytes) {
    Connection& connection = set_.at(index);
    if (connection.to_receive == kEndless) return;
    if (bytes > connection.to_receive) {
        // What a peer without end had on its way when we stopped is no fault.
        if (settings_.response_bytes != kEndless) set_.fail(index, Failure::UnexpectedText);
        return;
    }
    connection.to_receive -= bytes;
    if (connection.to_receive == 0) answered(index);
}

void ClientSide::answered(std::uint32_t index) {
    Connection& connection = set_.at(index);
    connection.clear(kAwaiting);
    ++set_.numbers().responses;
    response_latency_.record(static_cast<std::uint64_t>(ns_of(now_) - connection.intended_ns));
    if (connection.exchanges > 0 && --connection.exchanges == 0) {
        close(index);
    } else if (is_stopping_) {
        connection.set(kFinWanted);
        set_.want_to_send(index);
    } else {
        ask_again(index);
    }
}

void ClientSide::ask_again(std::uint32_t index) {
    if (asks_by_schedule()) {
        rest(index);
    } else if (may_ask()) {
        ask(index, ns_of(now_));
    }
}

// One that was reset while it rested is still in the ring when it is open again.
void ClientSide::rest(std::uint32_t index) {
    if (set_.at(index).has(kIsRested)) return;
    set_.at(index).set(kIsRested);
    rested_.push(index);
}

void ClientSide::close(std::uint32_t index) {
    if (settings_.closes_first == ClosesFirst::Client) {
        set_.at(index).set(kFinWanted);
        set_.want_to_send(index);
    } else if (!set_.at(index).has(kFinReceived)) {
        set_.await(index);
    }
}

void ClientSide::peer_finished(std::uint32_t index) {
    Connection& connection = set_.at(index);
    const bool has_all = connection.to_receive == 0 || connection.to_receive == kEndless;
    const bool is_due = connection.has(kFinWanted) || (settings_.closes_first == ClosesFirst::Backend &&
                                                       settings_.exchanges > 0 && connection.exchanges == 0);
    if (!has_all || !is_due) {
        set_.fail(index, Failure::EarlyClose);
        return;
    }
    connection.clear(kAwaiting);
    connection.set(kFinWanted);
    set_.want_to_send(index);
}

void ClientSide::run(base::Instant now, packet::Batch& out) {
    now_ = now;
    set_.expire(now);
    recycle();
    if (is_stopping_) {
        close_some();
    } else if (set_.is_ready()) {
        begin_connections(out);
        if (asks_by_schedule()) begin_requests(out);
    }
    set_.transmit(now, out);
    recycle();
}

void ClientSide::recycle() {
    while (const auto index = set_.poll_ended())
        free_.push(*index);
}

// As many as their frames have room beside what waits already: answers go first.
void ClientSide::begin_connections(packet::Batch& out) {
    if (opens_by_schedule() && !schedule_) schedule_.emplace(settings_.rate, now_);
    while (set_.waiting() < out.room() && may_connect()) {
        std::int64_t intended = ns_of(now_);
        if (opens_by_schedule()) {
            if (schedule_->due() > now_) return;
            intended = ns_of(schedule_->due());
            schedule_->advance();
        }
        set_.connect(free_.pop(), intended);
    }
}

bool ClientSide::may_connect() const {
    const bool is_counted = settings_.scenario == Scenario::Connects || settings_.scenario == Scenario::Idle;
    const bool are_all_begun =
        is_counted && settings_.count > 0 && numbers().connections_begun >= settings_.count;
    return !are_all_begun && numbers().open < settings_.concurrency && !free_.empty();
}

void ClientSide::begin_requests(packet::Batch& out) {
    if (!schedule_) {
        if (rested_.size() < std::min(settings_.concurrency, set_.map().size())) return;  // not all open yet
        schedule_.emplace(settings_.rate, now_);
    }
    while (set_.waiting() < out.room() && !rested_.empty() && may_ask() && schedule_->due() <= now_) {
        const std::uint32_t index = rested_.pop();
        Connection& connection = set_.at(index);
        connection.clear(kIsRested);
        if (connection.phase != Phase::Open || connection.has(kResetDue | kFinReceived)) continue;
        ask(index, ns_of(schedule_->due()));
        schedule_->advance();
    }
}

// Whatever has nothing under way, or something without end, gets its FIN.
void ClientSide::close_some() {
    const std::uint32_t size = set_.map().size();
    std::uint32_t closed = 0;
    for (std::uint32_t i = 0; i < std::min(kLookedAtATurn, size) && closed < kClosedATurn; ++i) {
        const std::uint32_t index = closing_;
        closing_ = closing_ + 1 == size ? 0 : closing_ + 1;
        Connection& connection = set_.at(index);
        if (connection.phase != Phase::Open || connection.has(kFinWanted | kResetDue)) continue;
        if (connection.to_send == kEndless) connection.to_send = 0;
        if (connection.to_receive == kEndless) connection.clear(kAwaiting);
        if (connection.has(kAwaiting) || connection.to_send > 0) continue;
        connection.set(kFinWanted);
        set_.want_to_send(index);
        ++closed;
    }
}

bool ClientSide::has_done_all() const {
    if (settings_.count == 0) return false;
    switch (settings_.scenario) {
        case Scenario::Connects:
            return numbers().connections_begun >= settings_.count && numbers().open == 0;
        case Scenario::Requests:
            return numbers().responses >= settings_.count;
        case Scenario::Bulk:
            return (numbers().text_sent + numbers().text_received) / 1'000'000 >= settings_.count;
        case Scenario::Idle:
            break;
    }
    return numbers().connections_established >= settings_.count;
}

void ClientSide::give_up() {
    for (std::uint64_t i = set_.numbers().open; i > 0; --i)
        set_.numbers().fail(Failure::Unfinished);
}

void ClientSide::clear_latencies() {
    connect_latency_.clear();
    response_latency_.clear();
}

}  // namespace terminus::load
