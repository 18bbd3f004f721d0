#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/archive.hpp"
#include "base/siphash.hpp"
#include "base/time.hpp"
#include "wire/address.hpp"
#include "wire/tcp.hpp"

namespace terminus::tcp {

/// What one core knows of peers that it opens connections to by TCP Fast Open (RFC 7413 4.1.3): the cookie
/// that each gave and the MSS that came with it, and with whom it didn't work. All memory is taken at
/// construction; of those that share a place the one that was asked for least lately gives way.
class FastOpenCache {
 public:
    /// Room for `peers_max`, at least four.
    FastOpenCache(std::uint32_t peers_max, const base::SipKey& key);

    /// What a SYN may have: a cookie (length 0: it asks for one), and text up to that of a segment of `mss`.
    struct Offer {
        wire::FastOpenCookie cookie;
        std::uint16_t mss = 0;
    };
    /// Nothing while it is left alone because of a loss.
    [[nodiscard]] std::optional<Offer> offer(const wire::IpAddress& peer, base::Instant now) const;
    /// A SYN is about to take the offer: who asks is used.
    void used(const wire::IpAddress& peer, base::Instant now);
    /// A SYN-ACK with `mss`, and perhaps with a cookie.
    void learned(const wire::IpAddress& peer, const std::optional<wire::FastOpenCookie>& cookie,
                 std::uint16_t mss, base::Instant now);
    /// The text of a SYN was acknowledged.
    void worked(const wire::IpAddress& peer);
    /// RFC 7413 4.1.3.1: a SYN with an option was lost and one without was answered. For `span`, and twice as
    /// long each time up to 64-fold, it gets none (Linux's tcp_fastopen_blackhole_timeout, there for all
    /// peers).
    void lost(const wire::IpAddress& peer, base::Duration span, base::Instant now);
    /// Nothing is known of anybody any more, neither cookies nor losses.
    void clear();

    template <typename Archive>
    void archive(Archive& a) {
        base::archive_fixed(a, entries_);
    }

 private:
    struct Entry {
        wire::IpAddress peer;
        wire::FastOpenCookie cookie;
        std::uint16_t mss = 0;
        std::uint8_t losses = 0;
        bool is_used = false;
        base::Instant asked_at{};
        base::Instant blocked_until{};
    };
    static constexpr std::uint32_t kWays = 4;

    [[nodiscard]] std::size_t bucket_of(const wire::IpAddress& peer) const;
    [[nodiscard]] const Entry* find(const wire::IpAddress& peer) const;
    [[nodiscard]] Entry* find(const wire::IpAddress& peer);
    Entry& find_or_make(const wire::IpAddress& peer, base::Instant now);

    base::SipKey key_;
    std::vector<Entry> entries_;  // buckets of kWays
};

}  // namespace terminus::tcp
