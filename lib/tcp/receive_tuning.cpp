#include "tcp/receive_tuning.hpp"

#include <algorithm>

namespace terminus::tcp {
namespace {

// Beside twice what came: room for a peer that begins anew with its first window while the last is still
// here.
constexpr std::uint32_t kSpareSegments = 16;

}  // namespace

void ReceiveTuning::arrived(std::uint32_t echo, base::Duration age) {
    echo_ = echo;
    // The peer may have had nothing to send for a while, so that many an echo is older than a round trip: an
    // eighth of each counts, as in RFC 6298 2.3.
    round_trip_ = round_trip_ == base::Duration::zero() ? age : round_trip_ + (age - round_trip_) / 8;
}

void ReceiveTuning::arrived(const ReceiveSpace& rcv, base::Instant now) {
    if (window_began_ != base::kNever) {
        if (rcv.nxt.before(window_end_)) return;
        // A window that came slowly was held up by the peer, not by the path.
        const base::Duration span = now - window_began_;
        round_trip_ = round_trip_ == base::Duration::zero() ? span : std::min(round_trip_, span);
    }
    window_end_ = rcv.adv;
    window_began_ = now;
}

void ReceiveTuning::taken(std::uint32_t bytes, std::uint16_t mss, const BufferRange& range,
                          base::Instant now) {
    taken_ += bytes;
    if (round_trip_ == base::Duration::zero() || now - round_began_ < round_trip_) return;
    if (taken_ > carried_) {
        // Twice as much for the next round trip, and in proportion to the growth again: a peer in slow start
        // has doubled by the time this is offered.
        std::uint64_t wanted = 2 * std::uint64_t{taken_} + std::uint64_t{kSpareSegments} * mss;
        wanted += 2 * (wanted * (taken_ - carried_) / carried_);
        bytes_ = std::max(bytes_, range.grown_to(wanted));
        carried_ = taken_;
    }
    taken_ = 0;
    round_began_ = now;
}

}  // namespace terminus::tcp
