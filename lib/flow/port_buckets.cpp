#include "flow/port_buckets.hpp"

#include "base/assert.hpp"

namespace terminus::flow {

PortBuckets::PortBuckets(const Steering& steering, bool is_v4, PortRange range)
    : toeplitz_(&steering.toeplitz()),
      is_v4_(is_v4),
      range_(range),
      buckets_(steering.entries() + 1),
      ports_(std::size_t{range.last} - range.first + 1),
      ranks_(65536) {
    TERMINUS_ASSERT(range.first > 0 && range.first <= range.last,
                    "the config was validated; port 0 is no port");
    std::vector<std::uint16_t> filled(count());
    for (std::uint32_t port = range.first; port <= range.last; ++port) {
        ranks_[port] = filled[bucket_of(static_cast<std::uint16_t>(port))]++;
    }
    for (std::uint32_t bucket = 0; bucket < count(); ++bucket) {
        buckets_[bucket + 1].first_port = buckets_[bucket].first_port + filled[bucket];
        buckets_[bucket + 1].first_word = buckets_[bucket].first_word + (filled[bucket] + 63u) / 64u;
    }
    for (std::uint32_t port = range.first; port <= range.last; ++port) {
        const auto narrow = static_cast<std::uint16_t>(port);
        ports_[buckets_[bucket_of(narrow)].first_port + ranks_[port]] = narrow;
    }
}

}  // namespace terminus::flow
