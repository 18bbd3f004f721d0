#include "tcp/path_mtu.hpp"

#include <algorithm>

namespace terminus::tcp {

using namespace std::chrono_literals;

// Below these an announcement of a router is not believed further (Linux's min_pmtu; RFC 8200 5): smaller
// packets are an attack on our packet rate more often than a path (HARDENING 16).
constexpr std::uint16_t kMtuFloorV4 = 552;
constexpr std::uint16_t kMtuFloorV6 = 1280;
constexpr std::uint16_t kHeadersV4 = 20 + 20;
constexpr std::uint16_t kHeadersV6 = 40 + 20;

// An MSS that a peer forces on us never leaves less text than this (CVE-2019-11479), whatever min_snd_mss
// says.
constexpr std::uint16_t kTextMin = 8;
// What timestamps cost every segment: RFC 7323 appendix A.
constexpr std::uint16_t kOptionsMax = 12;

// Linux's mtu_expires, and the least that RFC 1191 6.3 allows after a lowering.
constexpr base::Duration kPathAge = 10min;

// RFC 9293 3.7.1 and MUST-16: the effective MSS is the lesser of the peer's option and the path's, less our
// options.
void PathMtu::agree_on(std::uint16_t peer_mss, std::uint16_t options) {
    options_ = options;
    clamp_ = std::max<std::uint16_t>(std::min(clamp_, peer_mss), kOptionsMax + kTextMin);
    limit_ = std::min(limit_, clamp_);
}

// RFC 1191, 8201, 5927 7.2; 0 is a router older than RFC 1191.
bool PathMtu::lower(std::uint16_t mtu, bool ipv6, base::Instant now) {
    const std::uint16_t believed = std::max(mtu, ipv6 ? kMtuFloorV6 : kMtuFloorV4);
    const std::uint16_t limit = static_cast<std::uint16_t>(believed - (ipv6 ? kHeadersV6 : kHeadersV4));
    if (limit >= limit_) return false;
    limit_ = limit;
    lowered_at_ = now;
    return true;
}

// RFC 1191 6.3, RFC 8201 4: the path may have grown again, or the router may have lied (HARDENING 16). Ten
// minutes after the last lowering the old size is tried once more; a router that still can't says so again.
bool PathMtu::forget_lowered(base::Instant now) {
    if (lowered_at_ == base::kNever || now - lowered_at_ < kPathAge) return false;
    lowered_at_ = base::kNever;
    limit_ = clamp_;
    return true;
}

}  // namespace terminus::tcp
