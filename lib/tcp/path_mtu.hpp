#pragma once

#include <cstdint>

#include "base/time.hpp"
#include "tcp/tunables.hpp"

namespace terminus::tcp {

/// Linux's tcp_mtu_probing: when segments are sent that may be too large, to learn what the path carries.
enum class MtuProbing : std::uint8_t {
    Off = 0,
    AfterBlackHole = 1,  ///< once segments had to become smaller because nothing got through
    Always = 2,
};

/// How large segments to the peer may be: what the peer takes, what our way out carries, what routers on the
/// path have said (RFC 1191, 8201), and what has got through where routers say nothing (RFC 4821). Sizes are
/// MSS values, options not subtracted (RFC 9293 3.7.1), except where text is named.
///
///     base_mss, halved down to mtu_probe_floor                       clamp: peer and way out
///         |                low              next probe          high            |
///     ----|-----------------|-------------------|-----------------|-------------|----
///                  known to get through                 lost, or more than a router carries (limit)
class PathMtu {
 public:
    /// `mss`: what the way out carries.
    explicit PathMtu(std::uint16_t mss) : clamp_(mss), limit_(mss) {}

    /// The handshake says what the peer takes at most, and whether each segment has timestamps from now on.
    /// With mtu_probing 2 the search begins.
    void agree_on(std::uint16_t peer_mss, bool timestamps, const Tunables& tunables, base::Instant now);
    /// The text that fits into a segment.
    [[nodiscard]] std::uint16_t text_max() const;

    /// A router says that what quotes a segment of ours needs `mtu` or less; 0: it is too old to say. False
    /// when that is nothing new. It only ever lowers, and not below the family's floor (RFC 5927 7.2).
    [[nodiscard]] bool lower(std::uint16_t mtu, bool ipv6, base::Instant now);
    /// Whether text of `length` bytes is more than routers carry.
    [[nodiscard]] bool is_too_big(std::uint16_t length) const { return length + options_ > limit_; }
    /// What is old is tried again: what routers have said, and sizes whose probes were lost.
    void forget_old(const Tunables& tunables, base::Instant now);

    // ---- RFC 4821

    /// Segments sent again and again find no answer. True when they become smaller.
    [[nodiscard]] bool shrink(const Tunables& tunables, base::Instant now);
    /// The text of the next probe, more than text_max(); 0 when there is nothing to search for.
    [[nodiscard]] std::uint16_t probe_text(const Tunables& tunables) const;
    /// A probe with so much text was acknowledged.
    void probe_arrived(std::uint16_t length);
    /// It was lost, and nothing beside it.
    void probe_lost(std::uint16_t length);

 private:
    void begin_search(const Tunables& tunables, base::Instant now);

    base::Instant lowered_at_ = base::kNever;   // by a router, the last time
    base::Instant searched_at_ = base::kNever;  // since when the search goes on, or was over; kNever: none
    std::uint16_t clamp_;                       // what peer and way out allow
    std::uint16_t limit_;                       // that, or less when a router says so
    std::uint16_t low_ = 0;                     // while there is a search; low_ <= high_ <= limit_
    std::uint16_t high_ = 0;
    std::uint16_t options_ = 0;  // bytes of each segment
};

}  // namespace terminus::tcp
