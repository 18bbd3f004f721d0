#include "tcp/fast_open_cache.hpp"

#include <algorithm>
#include <utility>

namespace terminus::tcp {

FastOpenCache::FastOpenCache(std::uint32_t peers_max, const base::SipKey& key)
    : key_(key), entries_(std::max<std::size_t>((peers_max + kWays - 1) / kWays, 1) * kWays) {}

std::size_t FastOpenCache::bucket_of(const wire::IpAddress& peer) const {
    const std::uint64_t hash = base::siphash(key_, peer.bytes());
    return hash % (entries_.size() / kWays) * kWays;
}

const FastOpenCache::Entry* FastOpenCache::find(const wire::IpAddress& peer) const {
    const std::size_t first = bucket_of(peer);
    for (std::size_t i = first; i < first + kWays; ++i)
        if (entries_[i].is_used && entries_[i].peer == peer) return &entries_[i];
    return nullptr;
}

FastOpenCache::Entry* FastOpenCache::find(const wire::IpAddress& peer) {
    return const_cast<Entry*>(std::as_const(*this).find(peer));
}

FastOpenCache::Entry& FastOpenCache::find_or_make(const wire::IpAddress& peer, base::Instant now) {
    if (Entry* const known = find(peer)) return *known;
    const auto first = entries_.begin() + static_cast<std::ptrdiff_t>(bucket_of(peer));
    const auto place = std::min_element(first, first + kWays, [](const Entry& a, const Entry& b) {
        return a.is_used != b.is_used ? b.is_used : a.asked_at < b.asked_at;
    });
    *place = Entry{};
    place->peer = peer;
    place->is_used = true;
    place->asked_at = now;
    return *place;
}

std::optional<FastOpenCache::Offer> FastOpenCache::offer(const wire::IpAddress& peer,
                                                         base::Instant now) const {
    const Entry* const known = find(peer);
    if (known == nullptr) return Offer{};
    if (now < known->blocked_until) return std::nullopt;
    return Offer{known->cookie, known->mss};
}

void FastOpenCache::used(const wire::IpAddress& peer, base::Instant now) {
    if (Entry* const known = find(peer)) known->asked_at = now;
}

void FastOpenCache::learned(const wire::IpAddress& peer, const std::optional<wire::FastOpenCookie>& cookie,
                            std::uint16_t mss, base::Instant now) {
    Entry* const entry = cookie ? &find_or_make(peer, now) : find(peer);
    if (entry == nullptr) return;
    entry->mss = mss;
    if (cookie) entry->cookie = *cookie;
}

void FastOpenCache::worked(const wire::IpAddress& peer) {
    if (Entry* const known = find(peer)) known->losses = 0;
}

void FastOpenCache::lost(const wire::IpAddress& peer, base::Duration span, base::Instant now) {
    constexpr std::uint8_t kDoublingsMax = 6;
    Entry& entry = find_or_make(peer, now);
    entry.blocked_until = now + span * (1 << std::min(entry.losses, kDoublingsMax));
    if (entry.losses < UINT8_MAX) ++entry.losses;
}

void FastOpenCache::clear() {
    std::fill(entries_.begin(), entries_.end(), Entry{});
}

}  // namespace terminus::tcp
