#pragma once

#include <cstdint>
#include <vector>

#include "flow/rss.hpp"

namespace terminus::flow {

/// Local ports that may be given out, both ends included.
struct PortRange {
    std::uint16_t first = 1024;
    std::uint16_t last = 65535;
};

/// The ports of a range, in buckets by what they add to the index into a redirection table (DESIGN 3.4).
/// Toeplitz is linear, so for any addresses
///
///     index(tuple) = index(tuple with local port 0) ^ bucket(local port)
///
/// and all ports of a bucket lead to the same worker. A bucket has a place in a bitmap that begins with a
/// word.
class PortBuckets {
 public:
    PortBuckets(const Steering& steering, bool is_v4, PortRange range);

    [[nodiscard]] std::uint32_t count() const { return static_cast<std::uint32_t>(buckets_.size()) - 1; }
    [[nodiscard]] std::uint32_t size(std::uint32_t bucket) const {
        return buckets_[bucket + 1].first_port - buckets_[bucket].first_port;
    }
    [[nodiscard]] std::uint16_t port(std::uint32_t bucket, std::uint32_t rank) const {
        return ports_[buckets_[bucket].first_port + rank];
    }
    [[nodiscard]] bool contains(std::uint16_t port) const {
        return port >= range_.first && port <= range_.last;
    }
    [[nodiscard]] std::uint32_t bucket_of(std::uint16_t port) const {
        return toeplitz_->port_contribution(is_v4_, port) & (count() - 1);
    }
    /// The port's place in its bucket.
    [[nodiscard]] std::uint32_t rank_of(std::uint16_t port) const { return ranks_[port]; }

    /// Where a bucket's bits begin in a bitmap of words() words.
    [[nodiscard]] std::uint32_t first_word(std::uint32_t bucket) const { return buckets_[bucket].first_word; }
    [[nodiscard]] std::uint32_t words() const { return buckets_.back().first_word; }

 private:
    struct Bucket {
        std::uint32_t first_port;
        std::uint32_t first_word;
    };

    const Toeplitz* toeplitz_;
    bool is_v4_;
    PortRange range_;
    std::vector<Bucket> buckets_;       // and one behind the last
    std::vector<std::uint16_t> ports_;  // by bucket
    std::vector<std::uint16_t> ranks_;  // by port
};

}  // namespace terminus::flow
