#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace terminus::tcp {

/// RFC 5961 7, per connection: a limit that all connections shared would tell an off-path attacker about
/// other connections (CVE-2016-5696).
class ChallengeLimiter {
 public:
    /// Whether one more may be sent in the second that began with the first of them.
    [[nodiscard]] bool admit(base::Instant now, std::uint32_t per_second) {
        const auto now_ms = static_cast<std::uint32_t>(now.time_since_epoch() / std::chrono::milliseconds(1));
        if (count_ == 0 || now_ms - began_ms_ >= 1000) {
            began_ms_ = now_ms;
            count_ = 0;
        }
        if (count_ >= per_second) return false;
        ++count_;
        return true;
    }

 private:
    std::uint32_t began_ms_ = 0;  // wraps after 49.7 days; at worst one second's allowance comes late
    std::uint32_t count_ = 0;
};

}  // namespace terminus::tcp
