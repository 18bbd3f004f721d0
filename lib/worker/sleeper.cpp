#include "worker/sleeper.hpp"

#include <algorithm>
#include <cerrno>

#include "worker/worker.hpp"

namespace terminus::worker {

Sleeper::Sleeper(const std::vector<packet::Port*>& ports, Bell& bell) : bell_(bell) {
    for (std::size_t index = 0; index < ports.size(); ++index) {
        packet::Port* const port = ports[index];
        if (!port->receives()) continue;
        ports_.push_back({port, index});
        polled_.push_back({.fd = port->wake_descriptor(), .events = POLLIN, .revents = 0});
        if (port->wake_descriptor() < 0) is_able_ = false;
    }
    if (is_able_ && !bell_.hang()) is_able_ = false;
    polled_.push_back({.fd = bell_.descriptor(), .events = POLLIN, .revents = 0});
}

bool Sleeper::arm() {
    bell_.falls_asleep();
    bool all = true;
    for (const Told& one : ports_) {
        if (!one.port->arm()) all = false;
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
    return note_told() ? stats::Wake::Frame : stats::Wake::Mail;
}

void Sleeper::disarm() {
    for (const Told& one : ports_)
        one.port->disarm();
    bell_.wakes_up();
}

bool Sleeper::is_told(std::uint64_t received) {
    if (poll_all(base::Duration::zero()) > 0) static_cast<void>(note_told());
    bool all = true;
    for (std::size_t i = 0; i < ports_.size(); ++i) {
        if ((received >> ports_[i].index & 1) == 0 || (polled_[i].revents & POLLIN) != 0) continue;
        all = false;
        if (++ports_[i].missed == kMissedMax) is_able_ = false;
    }
    return all;
}

int Sleeper::poll_all(base::Duration span) {
    const timespec longest{.tv_sec = span.count() / 1'000'000'000, .tv_nsec = span.count() % 1'000'000'000};
    return ppoll(polled_.data(), polled_.size(), &longest, nullptr);
}

// A descriptor that is in error for good (a TAP whose interface was deleted) would end every sleep at once.
bool Sleeper::note_told() {
    bool any = false;
    for (std::size_t i = 0; i < ports_.size(); ++i) {
        if ((polled_[i].revents & POLLIN) != 0) {
            any = true;
            ports_[i].missed = 0;
        } else if (polled_[i].revents != 0) {
            is_able_ = false;
        }
    }
    return any;
}

}  // namespace terminus::worker
