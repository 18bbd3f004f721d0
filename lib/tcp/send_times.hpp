#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace terminus::tcp {

/// For how long a sender had something on the way or to send, and what was in its way meanwhile, where it was
/// neither the network nor the congestion window: Linux's chronographs, `busy`, `rwnd_limited` and
/// `sndbuf_limited` of `ss -i`.
class SendTimes {
 public:
    enum class Doing : std::uint8_t {
        Nothing,
        Sending,
        WaitingForWindow,  ///< there is text that the peer's window keeps back
        WaitingForRoom,    ///< all that the send buffer holds is on the way, and it takes no more
    };

    void turn_to(Doing doing, base::Instant now) {
        if (doing == doing_) return;
        busy_ = busy(now);
        window_limited_ = window_limited(now);
        buffer_limited_ = buffer_limited(now);
        doing_ = doing;
        since_ = now;
    }

    /// All the time that was not spent on Nothing, up to `now`.
    [[nodiscard]] base::Duration busy(base::Instant now) const {
        return busy_ + (doing_ != Doing::Nothing ? now - since_ : base::Duration::zero());
    }
    /// Of that, what the peer's window took.
    [[nodiscard]] base::Duration window_limited(base::Instant now) const {
        return window_limited_ + running(Doing::WaitingForWindow, now);
    }
    /// Of that, what the send buffer took.
    [[nodiscard]] base::Duration buffer_limited(base::Instant now) const {
        return buffer_limited_ + running(Doing::WaitingForRoom, now);
    }

 private:
    [[nodiscard]] base::Duration running(Doing doing, base::Instant now) const {
        return doing_ == doing ? now - since_ : base::Duration::zero();
    }

    Doing doing_ = Doing::Nothing;
    base::Instant since_{};
    base::Duration busy_{0};
    base::Duration window_limited_{0};
    base::Duration buffer_limited_{0};
};

}  // namespace terminus::tcp
