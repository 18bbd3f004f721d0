#include "generator.hpp"

#include <time.h>

#include <chrono>

namespace terminus::app {

std::atomic<bool> stop_wanted{false};

namespace {

/// Bursts that a side may fill in one turn: then its port is looked at again.
constexpr int kBurstsATurn = 4;
/// After the end a last acknowledgement may still lie in a ring that goes when we go, or be lost: longer than
/// the least time after which a peer repeats its FIN.
constexpr base::Duration kLinger = std::chrono::milliseconds(300);

base::Instant read_clock() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return base::instant_from_ns(std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec);
}

base::Duration span_of(double seconds) {
    return base::Duration(static_cast<std::int64_t>(seconds * 1e9));
}

double seconds_of(base::Duration span) {
    return std::chrono::duration<double>(span).count();
}

}  // namespace

Generator::Generator(const Arguments& arguments, std::vector<dpdk::Device>& devices, const dpdk::Pool& pool)
    : arguments_(arguments), splitter_(arguments.clients) {
    for (dpdk::Device& device : devices) {
        ends_.push_back(std::make_unique<End>());
        ends_.back()->port = &device.port(0);
    }
    End& front = *ends_.front();
    End& back = *ends_.back();
    if (arguments.speaks_first()) {
        speaker_ = make_speaker(arguments, *front.port, pool.get());
        front.sides.push_back(speaker_.get());
    }
    if (arguments.has_backend()) backend_ = make_backend(arguments, *back.port, pool.get());
    if (arguments.role == Role::Reflector) backend_ = make_reflector(*back.port, pool.get());
    if (backend_) back.sides.push_back(backend_.get());
}

base::Result<Measured, std::string> Generator::run() {
    if (auto ready = get_ready(); !ready) return base::Failure{ready.error()};
    Measured measured;
    started_ = read_clock();
    if (speaker_) play_for(arguments_.warm_up_seconds, measured);
    const double seconds_to_open = measured.seconds_to_open;
    measured = Measured();
    measured.seconds_to_open = seconds_to_open;
    if (speaker_) speaker_->clear_latencies();
    if (speaker_) measured.client_before = speaker_->numbers();
    if (backend_) measured.backend_before = backend_->numbers();
    play_for(arguments_.duration_seconds > 0 ? arguments_.duration_seconds : 1e9, measured);
    if (speaker_) measured.client_after = speaker_->numbers();
    if (backend_) measured.backend_after = backend_->numbers();
    if (speaker_) drain();
    return measured;
}

// Backends and reflectors wait for whoever comes.
base::Result<void, std::string> Generator::get_ready() {
    if (!speaker_) return {};
    const base::Instant end = read_clock() + span_of(arguments_.grace_seconds);
    const auto are_up = [&] {
        for (const auto& one : ends_) {
            if (!one->port->link_is_up()) return false;
        }
        return true;
    };
    while (!are_up()) {
        if (stop_wanted) return base::Failure{std::string("stopped before the links were up")};
        if (read_clock() > end) return base::Failure{std::string("not all links came up")};
        nap_if_idle(turn(read_clock()));
    }
    while (!speaker_->is_ready()) {
        if (stop_wanted) return base::Failure{std::string("stopped before the next hop had answered")};
        if (read_clock() > end) {
            const wire::IpAddress hop = arguments_.gateway.value_or(arguments_.target->addresses.first);
            return base::Failure{"nobody answers for " + hop.to_string()};
        }
        nap_if_idle(turn(read_clock()));
    }
    return {};
}

bool Generator::has_done_all() const {
    if (!speaker_ || !speaker_->has_done_all()) return false;
    // What is between may take a client's connection long before it has one to a backend.
    const bool awaits_backends = backend_ && arguments_.scenario == load::Scenario::Idle;
    return !awaits_backends || backend_->numbers().connections_established >= arguments_.count;
}

void Generator::play_for(double seconds, Measured& measured) {
    const base::Instant begin = read_clock();
    const base::Instant end = begin + span_of(seconds);
    base::Instant now = begin;
    while (now < end && !stop_wanted && !has_done_all()) {
        const bool was_busy = turn(now);
        const base::Instant after = read_clock();
        if (was_busy) measured.busy_seconds += seconds_of(after - now);
        if (speaker_ && measured.seconds_to_open <= 0 &&
            speaker_->numbers().connections_established >= arguments_.concurrency)
            measured.seconds_to_open = seconds_of(after - started_);
        nap_if_idle(was_busy);
        now = arguments_.idle == Idle::Nap ? read_clock() : after;
    }
    measured.seconds = seconds_of(now - begin);
}

void Generator::drain() {
    speaker_->stop();
    const base::Instant end = read_clock() + span_of(arguments_.grace_seconds);
    const auto is_closed = [&] {
        return speaker_->is_done() && (!backend_ || backend_->numbers().open == 0);
    };
    while (!is_closed() && read_clock() < end)
        nap_if_idle(turn(read_clock()));
    if (!speaker_->is_done()) speaker_->give_up();
    const base::Instant gone = read_clock() + kLinger;
    while (read_clock() < gone)
        nap_if_idle(turn(read_clock()));
}

bool Generator::turn(base::Instant now) {
    bool was_busy = false;
    for (const auto& one : ends_)
        was_busy |= turn(*one, now);
    return was_busy;
}

bool Generator::turn(End& end, base::Instant now) {
    packet::Batch in;
    end.port->receive(in);
    bool was_busy = !in.empty();
    if (was_busy) receive(end, in, now);
    for (int burst = 0; burst < kBurstsATurn; ++burst) {
        for (Side* side : end.sides)
            side->run(now, end.out);
        const bool is_more = end.out.full();
        was_busy |= !end.out.empty();
        if (!end.out.empty()) end.port->transmit(end.out);
        if (!is_more || !end.out.empty()) break;
    }
    return was_busy;
}

void Generator::receive(End& end, packet::Batch& frames, base::Instant now) {
    if (end.sides.size() == 1) {
        end.sides.front()->receive(frames, now);
        return;
    }
    packet::Batch first;
    packet::Batch second;
    splitter_.split(frames, first, second);
    if (!first.empty()) end.sides[0]->receive(first, now);
    if (!second.empty()) end.sides[1]->receive(second, now);
}

void Generator::nap_if_idle(bool was_busy) const {
    if (was_busy || arguments_.idle == Idle::Poll) return;
    const timespec span{.tv_sec = 0, .tv_nsec = 20'000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &span, nullptr);
}

}  // namespace terminus::app
