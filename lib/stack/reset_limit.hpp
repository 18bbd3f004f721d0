#pragma once

#include <array>
#include <cstdint>

#include "base/siphash.hpp"
#include "base/time.hpp"
#include "wire/address.hpp"

namespace terminus::stack {

/// How many RSTs answer segments of no connection: so many a second in all, and a part of them to one address
/// (HARDENING 17, 18). The second bound keeps one address from being what others are measured with: who
/// forges a peer's address uses up that address's part, whatever he learns from his own (as CVE-2016-5696 did
/// from a count that all shared). Addresses share a part by a keyed hash, so that nobody can choose whose.
class ResetLimit {
 public:
    /// Per worker: enough for a restart's worth of stale clients, little enough not to be a reflector.
    static constexpr std::uint32_t kPerSecond = 1000;
    static constexpr std::uint32_t kPerSecondAndAddress = 250;

    explicit ResetLimit(const base::SipKey& key) : key_(key) {}

    /// Whether one more may go to `to` now; counts it if so.
    [[nodiscard]] bool admit(const wire::IpAddress& to, base::Instant now);

    template <typename Archive>
    void archive(Archive& a) {
        a(second_, sent_, sent_to_);
    }

 private:
    static constexpr std::size_t kParts = 256;

    base::SipKey key_;
    base::Instant second_{};
    std::uint32_t sent_ = 0;
    std::array<std::uint16_t, kParts> sent_to_{};
};

}  // namespace terminus::stack
