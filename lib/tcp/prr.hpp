#pragma once

#include <algorithm>
#include <cstdint>

namespace terminus::tcp {

/// Proportional Rate Reduction, RFC 9937: while the window comes down, what is sent follows what is
/// delivered, so that the pipe ends at the threshold without a pause or a burst. Bytes.
class Prr {
 public:
    /// `flight`: RecoverFS, what was outstanding when the reduction began.
    void begin(std::uint32_t flight) {
        delivered_ = 0;
        sent_ = 0;
        flight_ = std::max(flight, 1u);
    }
    void sent(std::uint32_t bytes) { sent_ += bytes; }

    /// RFC 9937 6: the window after an ACK. `newly_delivered` may be 0; `is_safe`: snd.una moved and nothing
    /// more was found lost.
    [[nodiscard]] std::uint32_t window(std::uint32_t newly_delivered, std::uint32_t pipe,
                                       std::uint32_t threshold, std::uint32_t mss, bool is_safe) {
        delivered_ += newly_delivered;
        std::uint64_t room = 0;
        if (pipe > threshold) {
            const std::uint64_t share =
                (std::uint64_t{delivered_} * threshold + flight_ - 1) / flight_;  // rounded up
            room = share > sent_ ? share - sent_ : 0;
            room = (room + mss - 1) / mss * mss;
        } else {
            const std::uint32_t owed = delivered_ > sent_ ? delivered_ - sent_ : 0;
            room = std::max(owed, newly_delivered);
            if (is_safe) room += mss;
            room = std::min<std::uint64_t>(room, threshold - pipe);
        }
        if (sent_ == 0) room = std::max<std::uint64_t>(room, mss);  // the fast retransmission itself
        return static_cast<std::uint32_t>(std::min<std::uint64_t>(pipe + room, UINT32_MAX));
    }

 private:
    std::uint32_t delivered_ = 0;
    std::uint32_t sent_ = 0;
    std::uint32_t flight_ = 1;
};

}  // namespace terminus::tcp
