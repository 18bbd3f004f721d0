#pragma once

#include <cstdint>

#include "base/result.hpp"
#include "base/time.hpp"
#include "neigh/interface.hpp"
#include "stats/reasons.hpp"
#include "wire/frame.hpp"
#include "wire/icmp.hpp"

namespace terminus::neigh {

/// So many a second, evenly, and `burst` at once: a token bucket kept as the time at which it would be full
/// (the generic cell rate algorithm), in whole nanoseconds.
class RateLimit {
 public:
    /// `per_second` 0 allows nothing.
    RateLimit(std::uint32_t per_second, std::uint32_t burst);

    [[nodiscard]] bool allow(base::Instant now);

 private:
    base::Duration interval_;  // zero: nothing is allowed
    base::Duration tolerance_;
    base::Instant full_at_;
};

/// Answers echo requests for our own addresses, on every core for what arrives there.
class EchoResponder {
 public:
    static constexpr std::uint32_t kDefaultPerSecond = 1000;
    /// Enough for a few people's ping -f at once, and not for a flood.
    static constexpr std::uint32_t kBurst = 50;

    /// `locals` outlives this. `per_second` is this core's share.
    explicit EchoResponder(const LocalAddresses& locals, std::uint32_t per_second = kDefaultPerSecond);

    /// Writes the reply to `request` (the whole ICMP message, which parse_icmp() found to be an EchoRequest)
    /// and returns its length, which is the request's; it goes from frame.destination to frame.source.
    /// Faults: NotForUs; IcmpIgnored for one sent to many, by Ethernet or by IP (RFC 1122 3.2.2.6: no smurf),
    /// when `out` is too short, and over the limit.
    [[nodiscard]] base::Result<std::size_t, stats::DropReason> echo_arrives(const wire::Frame& frame,
                                                                            base::Bytes request,
                                                                            base::MutableBytes out,
                                                                            base::Instant now);

    template <typename Archive>
    void archive(Archive& a) {
        a(limit_);
    }

 private:
    const LocalAddresses& locals_;
    RateLimit limit_;
};

}  // namespace terminus::neigh
