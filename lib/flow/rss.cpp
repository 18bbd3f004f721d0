#include "flow/rss.hpp"

#include <algorithm>
#include <bit>

#include "base/assert.hpp"

namespace terminus::flow {

namespace {

constexpr std::array<std::uint8_t, Toeplitz::kKeyBytesMin> kDefaultKey = {
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
    0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
    0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

std::vector<std::uint16_t> owners_by_entry(const RssConfig& rss,
                                           const std::vector<std::uint16_t>& worker_of_queue,
                                           std::uint16_t workers) {
    TERMINUS_ASSERT(workers > 0, "somebody owns each flow");
    std::vector<std::uint16_t> owners;
    if (rss.queues <= 1 || rss.reta.empty()) {
        // Even to within one entry in 128; with more workers than entries the last would own none.
        const std::uint32_t entries =
            std::bit_ceil(std::max<std::uint32_t>(Steering::kSoftwareEntries, workers));
        for (std::uint32_t i = 0; i < entries; ++i)
            owners.push_back(static_cast<std::uint16_t>(i % workers));
        return owners;
    }
    TERMINUS_ASSERT(std::has_single_bit(rss.reta.size()),
                    "devices take their index from the low bits of the hash");
    for (const std::uint16_t queue : rss.reta) {
        TERMINUS_ASSERT(queue < worker_of_queue.size(), "each queue is polled by a worker");
        TERMINUS_ASSERT(worker_of_queue[queue] < workers, "queues were given to workers that exist");
        owners.push_back(worker_of_queue[queue]);
    }
    return owners;
}

}  // namespace

Toeplitz::Toeplitz(base::Bytes key) : tables_(kInputBytesMax) {
    TERMINUS_ASSERT(key.size() >= kKeyBytesMin, "drivers' keys cover an IPv6 tuple");
    for (std::size_t at = 0; at < kInputBytesMax; ++at) {
        // The 40 bits of key that this byte's bits meet: bit i, from the left, meets the 32 that begin at i.
        const std::uint64_t window = (std::uint64_t{base::load_be32(&key[at])} << 8) | key[at + 4];
        for (unsigned value = 0; value < 256; ++value) {
            std::uint32_t hash = 0;
            for (unsigned bit = 0; bit < 8; ++bit) {
                if ((value & (0x80u >> bit)) != 0) hash ^= static_cast<std::uint32_t>(window >> (8 - bit));
            }
            tables_[at][value] = hash;
        }
    }
}

std::uint32_t Toeplitz::hash(const wire::FourTuple& tuple) const {
    const bool is_v4 = tuple.local.address.is_v4();
    const std::size_t first = is_v4 ? 12 : 0;
    std::uint32_t hash = 0;
    std::size_t at = 0;
    for (std::size_t i = first; i < 16; ++i)
        hash ^= tables_[at++][tuple.remote.address.bytes()[i]];
    for (std::size_t i = first; i < 16; ++i)
        hash ^= tables_[at++][tuple.local.address.bytes()[i]];
    hash ^= tables_[at++][tuple.remote.port >> 8];
    hash ^= tables_[at++][tuple.remote.port & 255];
    return hash ^ port_contribution(is_v4, tuple.local.port);
}

Steering::Steering(const RssConfig& rss, const std::vector<std::uint16_t>& worker_of_queue,
                   std::uint16_t workers)
    : toeplitz_(rss.key.empty() ? default_rss_key() : base::Bytes(rss.key)),
      owners_(owners_by_entry(rss, worker_of_queue, workers)) {}

base::Bytes default_rss_key() {
    return kDefaultKey;
}

}  // namespace terminus::flow
