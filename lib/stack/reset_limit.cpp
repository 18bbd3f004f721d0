#include "stack/reset_limit.hpp"

namespace terminus::stack {

bool ResetLimit::admit(const wire::IpAddress& to, base::Instant now) {
    if (now - second_ >= std::chrono::seconds(1)) {
        second_ = now;
        sent_ = 0;
        sent_to_.fill(0);
    }
    std::uint16_t& sent_to = sent_to_[base::siphash(key_, to.bytes()) % kParts];
    if (sent_ >= kPerSecond || sent_to >= kPerSecondAndAddress) return false;
    ++sent_;
    ++sent_to;
    return true;
}

}  // namespace terminus::stack
