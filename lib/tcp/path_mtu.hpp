#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace terminus::tcp {

/// How large segments to the peer may be: what the peer takes, what our way out carries, and what routers on
/// the path have said (RFC 1191, 8201). Sizes are MSS values, options not subtracted (RFC 9293 3.7.1), except
/// where text is named.
class PathMtu {
 public:
    /// `mss`: what the way out carries.
    explicit PathMtu(std::uint16_t mss) : clamp_(mss), limit_(mss) {}

    /// The handshake says what the peer takes at most, and how many bytes of options each segment has from
    /// now on.
    void agree_on(std::uint16_t peer_mss, std::uint16_t options);
    /// The text that fits into a segment.
    [[nodiscard]] std::uint16_t text_max() const { return static_cast<std::uint16_t>(limit_ - options_); }

    /// A router says that what quotes a segment of ours needs `mtu` or less; 0: it is too old to say. False
    /// when that is nothing new. It only ever lowers, and not below the family's floor (RFC 5927 7.2).
    [[nodiscard]] bool lower(std::uint16_t mtu, bool ipv6, base::Instant now);
    /// Forgets what routers have said when the last word of it is old. True when it was.
    [[nodiscard]] bool forget_lowered(base::Instant now);

 private:
    std::uint16_t clamp_;                      // what peer and way out allow
    std::uint16_t limit_;                      // that, or less when a router says so
    std::uint16_t options_ = 0;                // bytes of each segment
    base::Instant lowered_at_ = base::kNever;  // by a router, the last time
};

}  // namespace terminus::tcp
