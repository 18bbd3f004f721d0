#include "worker/sleeper.hpp"

#include <algorithm>
#include <cerrno>

#include "worker/worker.hpp"

namespace terminus::worker {

Sleeper::Sleeper(const std::vector<packet::Port*>& ports, Bell& bell) : bell_(bell) {
    for (packet::Port* port : ports) {
        if (!port->receives()) continue;
        ports_.push_back(port);
        polled_.push_back({.fd = port->wake_descriptor(), .events = POLLIN, .revents = 0});
        if (port->wake_descriptor() < 0) is_able_ = false;
    }
    if (is_able_ && !bell_.hang()) is_able_ = false;
    polled_.push_back({.fd = bell_.descriptor(), .events = POLLIN, .revents = 0});
}

bool Sleeper::arm() {
    bell_.falls_asleep();
    bool all = true;
    for (packet::Port* port : ports_) {
        if (!port->arm()) all = false;
    }
    return all;
}

stats::Wake Sleeper::sleep(base::Duration span) {
    const base::Instant end = read_clock() + span;
    int ready = poll_all(span);
    // TAP's driver has the kernel send a signal for each frame, to any thread.
    while (ready < 0 && errno == EINTR)
        ready = poll_all(std::max(end - read_clock(), base::Duration::zero()));
    if (ready <= 0) return stats::Wake::Timeout;
    if (!has_port_told()) return stats::Wake::Mail;
    missed_ = 0;
    return stats::Wake::Frame;
}

void Sleeper::disarm() {
    for (packet::Port* port : ports_)
        port->disarm();
    bell_.wakes_up();
}

bool Sleeper::is_told() {
    if (poll_all(base::Duration::zero()) > 0 && has_port_told()) {
        missed_ = 0;
        return true;
    }
    if (++missed_ == kMissedMax) is_able_ = false;
    return false;
}

int Sleeper::poll_all(base::Duration span) {
    const timespec longest{.tv_sec = span.count() / 1'000'000'000, .tv_nsec = span.count() % 1'000'000'000};
    return ppoll(polled_.data(), polled_.size(), &longest, nullptr);
}

bool Sleeper::has_port_told() const {
    return std::any_of(polled_.begin(), polled_.end() - 1,
                       [](const pollfd& one) { return one.revents != 0; });
}

}  // namespace terminus::worker
