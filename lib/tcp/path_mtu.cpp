#include "tcp/path_mtu.hpp"

#include <algorithm>

namespace terminus::tcp {

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
constexpr std::uint16_t kTimestampsLength = 12;

namespace {

bool is_probing(const Tunables& tunables, MtuProbing how) {
    return static_cast<MtuProbing>(tunables.mtu_probing) == how;
}

}  // namespace

// RFC 9293 3.7.1 and MUST-16: the effective MSS is the lesser of the peer's option and the path's, less our
// options.
void PathMtu::agree_on(std::uint16_t peer_mss, bool timestamps, const Tunables& tunables, base::Instant now) {
    options_ = timestamps ? kTimestampsLength : 0;
    clamp_ = std::max<std::uint16_t>(std::min(clamp_, peer_mss), kTimestampsLength + kTextMin);
    limit_ = std::min(limit_, clamp_);
    if (is_probing(tunables, MtuProbing::Always)) begin_search(tunables, now);
}

std::uint16_t PathMtu::text_max() const {
    const std::uint16_t mss = searched_at_ == base::kNever ? limit_ : low_;
    return static_cast<std::uint16_t>(mss - options_);
}

// RFC 1191, 8201, 5927 7.2; 0 is a router older than RFC 1191.
bool PathMtu::lower(std::uint16_t mtu, bool ipv6, base::Instant now) {
    const std::uint16_t believed = std::max(mtu, ipv6 ? kMtuFloorV6 : kMtuFloorV4);
    const std::uint16_t limit = static_cast<std::uint16_t>(believed - (ipv6 ? kHeadersV6 : kHeadersV4));
    if (limit >= limit_) return false;
    limit_ = limit;
    high_ = std::min(high_, limit);
    low_ = std::min(low_, limit);
    lowered_at_ = now;
    return true;
}

// RFC 1191 6.3, RFC 8201 4: the path may have grown again, or the router may have lied (HARDENING 16). Some
// time after the last lowering the old size is tried once more; a router that still can't says so again. RFC
// 4821 7.3: a search that is over begins anew, upwards from what gets through.
void PathMtu::forget_old(const Tunables& tunables, base::Instant now) {
    if (lowered_at_ != base::kNever && now - lowered_at_ >= tunables.mtu_expires) {
        lowered_at_ = base::kNever;
        limit_ = high_ = clamp_;
    }
    if (searched_at_ == base::kNever || now - searched_at_ < tunables.probe_interval) return;
    if (probe_text(tunables) > 0) return;
    searched_at_ = now;
    high_ = limit_;
}

// RFC 4821 7.7: a full-stop time-out that no router explains. The first takes the size that nearly every path
// carries, each further one half of what did not help, as in Linux.
bool PathMtu::shrink(const Tunables& tunables, base::Instant now) {
    if (is_probing(tunables, MtuProbing::Off)) return false;
    const std::uint16_t before = text_max();
    if (searched_at_ == base::kNever) {
        begin_search(tunables, now);
    } else {
        const auto half = std::min<std::uint16_t>(before / 2, tunables.base_mss);
        const std::uint16_t text = std::max({half, tunables.mtu_probe_floor, tunables.min_snd_mss});
        low_ = std::min(low_, static_cast<std::uint16_t>(text + options_));
    }
    return text_max() < before;
}

// RFC 4821 7.2.
void PathMtu::begin_search(const Tunables& tunables, base::Instant now) {
    searched_at_ = now;
    high_ = limit_;
    low_ = std::min(limit_, static_cast<std::uint16_t>(tunables.base_mss + options_));
}

// RFC 4821 7.3: in the middle, until what is left to be gained is not worth a probe.
std::uint16_t PathMtu::probe_text(const Tunables& tunables) const {
    if (searched_at_ == base::kNever || high_ - low_ < std::max<int>(tunables.probe_threshold, 2)) return 0;
    return static_cast<std::uint16_t>((low_ + high_) / 2 - options_);
}

// RFC 4821 7.6.1.
void PathMtu::probe_arrived(std::uint16_t length) {
    low_ = std::clamp(static_cast<std::uint16_t>(length + options_), low_, high_);
}

// RFC 4821 7.6.2.
void PathMtu::probe_lost(std::uint16_t length) {
    high_ = std::clamp(static_cast<std::uint16_t>(length + options_ - 1), low_, high_);
}

}  // namespace terminus::tcp
