#include "lossy_port.hpp"

#include <utility>

namespace terminus::vdev {

LossyPort::LossyPort(packet::Port& inner, wire::MacAddress mac, const Settings& settings)
    : Port(inner.capabilities(), mac, inner.mtu()), inner_(inner), settings_(settings), rng_(settings.seed) {}

void LossyPort::receive(packet::Batch& into) {
    for (Late& late : late_) {
        if (late.polls_left > 0) --late.polls_left;
    }
    release_late();
    pass_on();
    inner_.receive(into);
}

void LossyPort::transmit(packet::Batch& frames) {
    pass_on();
    std::uint16_t taken = 0;
    for (; taken < frames.size() && !ready_.full(); ++taken) {
        packet::Buffer frame = frames.take(taken);
        ++sent_;
        for (Late& late : late_) {
            if (late.frames_left > 0) --late.frames_left;
        }
        const std::uint32_t lot = rng_.below(1000);
        if (lot < settings_.loss_permille) {
            ++lost_;
        } else if (lot < settings_.loss_permille + settings_.late_permille) {
            ++delayed_;
            late_.push_back({std::move(frame), 1 + rng_.below(kOvertakingMax), kPollsMax});
        } else {
            ready_.push_back(std::move(frame));
        }
        release_late();
    }
    frames.sent(taken);
    pass_on();
}

// The first may still wait for more frames than those behind it: they overtake it too.
void LossyPort::release_late() {
    for (auto late = late_.begin(); late != late_.end() && !ready_.full();) {
        if (late->frames_left > 0 && late->polls_left > 0) {
            ++late;
            continue;
        }
        ready_.push_back(std::move(late->frame));
        late = late_.erase(late);
    }
}

void LossyPort::pass_on() {
    if (!ready_.empty()) inner_.transmit(ready_);
}

}  // namespace terminus::vdev
