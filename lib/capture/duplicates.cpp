#include "capture/duplicates.hpp"

#include <algorithm>
#include <functional>
#include <string_view>

namespace terminus::capture {

bool Duplicates::is_copy(base::Bytes packet, std::size_t length, const SeenAt& seen_at,
                         base::Duration stamp) {
    while (!recent_.empty() && stamp - recent_.front().stamp > kWindow)
        recent_.pop_front();
    const std::size_t hash =
        std::hash<std::string_view>{}({reinterpret_cast<const char*>(packet.data()), packet.size()});
    for (Seen& seen : recent_) {  // the oldest first: equal ones have their copies in their own order
        if (seen.hash != hash || seen.length != length ||
            !std::equal(packet.begin(), packet.end(), seen.packet.begin(), seen.packet.end()))
            continue;
        if (std::find(seen.places.begin(), seen.places.end(), seen_at) != seen.places.end()) continue;
        seen.places.push_back(seen_at);
        return true;
    }
    if (recent_.size() == kRememberedMax) recent_.pop_front();
    recent_.push_back({stamp, hash, length, {packet.begin(), packet.end()}, {seen_at}});
    return false;
}

}  // namespace terminus::capture
