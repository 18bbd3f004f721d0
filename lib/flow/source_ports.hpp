#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/archive.hpp"
#include "base/memory.hpp"
#include "base/rng.hpp"
#include "flow/port_buckets.hpp"
#include "flow/rss.hpp"
#include "wire/address.hpp"

namespace terminus::flow {

/// The source ports of one worker's active opens through one device: each is such that the device (or
/// Steering, where it has one queue) brings the replies to this worker, and none is in use twice towards the
/// same backend.
///
/// What is given out is kept for each (source address, backend) from its first port to its last; when no port
/// of a pair is out, its place is free for another pair. All memory is reserved at construction and committed
/// on use.
class SourcePorts {
 public:
    /// Ports that allocate_if() offers before it gives up: enough to pass over a table nine tenths full of
    /// TIME_WAITs, few enough for a turn.
    static constexpr std::uint32_t kOffersMax = 64;

    /// `steering` outlives this. At most `pairs_max` (source address, backend) have ports out at a time.
    SourcePorts(const Steering& steering, std::uint16_t worker, std::uint32_t pairs_max,
                PortRange range = {});

    /// A free port, by RFC 6056's simple randomisation; nothing when the pair's are all out, or when there
    /// are too many pairs. Bounded by the size of the redirection table, and that only when ports are nearly
    /// out.
    [[nodiscard]] std::optional<std::uint16_t> allocate(std::uint16_t source_id,
                                                        const wire::IpAddress& source,
                                                        const wire::Endpoint& backend, base::Rng& rng) {
        return allocate_if(source_id, source, backend, rng, [](std::uint16_t) { return true; });
    }

    /// The same for a caller that knows more: offers free ports, each once and at most kOffersMax of them,
    /// until accept(port) says yes.
    template <typename Accept>
    [[nodiscard]] std::optional<std::uint16_t> allocate_if(std::uint16_t source_id,
                                                           const wire::IpAddress& source,
                                                           const wire::Endpoint& backend, base::Rng& rng,
                                                           Accept&& accept) {
        Search search = begin(source_id, source, backend, rng);
        std::optional<std::uint16_t> port;
        for (std::uint32_t offers = 0; offers < kOffersMax; ++offers) {
            port = next(search);
            if (!port || accept(*port)) break;
            port.reset();
        }
        end(search, port);
        return port;
    }

    /// Takes back a port that was given out.
    void release(std::uint16_t source_id, const wire::Endpoint& backend, std::uint16_t port);

    /// Ports out, over all pairs.
    [[nodiscard]] std::uint32_t used() const { return used_; }
    /// Ports out for one pair.
    [[nodiscard]] std::uint32_t used(std::uint16_t source_id, const wire::Endpoint& backend) const;
    /// Ports that lead to this worker for one pair, free or out.
    [[nodiscard]] std::uint32_t total(const wire::IpAddress& source, const wire::Endpoint& backend) const;
    /// Ports that are still free for one pair.
    [[nodiscard]] std::uint32_t available(std::uint16_t source_id, const wire::IpAddress& source,
                                          const wire::Endpoint& backend) const {
        return total(source, backend) - used(source_id, backend);
    }
    /// Pairs with ports out.
    [[nodiscard]] std::uint32_t pairs() const { return pairs_; }

    template <typename Archive>
    void archive(Archive& a) {
        a.same(pair_bytes_);
        base::archive_fixed(a, slots_);
        base::archive_fixed(a, chains_);
        a(free_head_, pairs_, used_);
        if constexpr (Archive::kReads) a.require(is_sound());
        for (std::uint32_t pair = 0; pair < slots_.size() && a.ok(); ++pair) {
            if (slots_[pair].used > 0) a.bytes(bitmap(pair), pair_bytes_);
        }
    }

 private:
    static constexpr std::uint32_t kNone = UINT32_MAX;

    struct Pair {
        wire::Endpoint backend;
        std::uint16_t source_id = 0;
        std::uint32_t base_index = 0;  // the redirection table's entry for local port 0
        std::uint32_t used = 0;
        std::uint32_t next = kNone;  // in its chain, or of the free ones
    };
    /// A walk over a pair's free ports.
    struct Search {
        std::uint32_t pair;
        base::Rng* rng;
        std::uint32_t step = 0;  // buckets entered
        std::uint32_t at = 0;    // of own_, the bucket's
        std::uint32_t stride = 0;
        std::uint32_t bucket = 0;
        std::uint32_t words_left = 0;
        std::uint32_t word = 0;    // within the bucket
        std::uint64_t unseen = 0;  // its free bits not yet offered
    };

    Search begin(std::uint16_t source_id, const wire::IpAddress& source, const wire::Endpoint& backend,
                 base::Rng& rng);
    std::optional<std::uint16_t> next(Search& search);
    void end(const Search& search, std::optional<std::uint16_t> taken);
    bool enter_next_bucket(Search& search);
    [[nodiscard]] const PortBuckets& buckets(const wire::Endpoint& backend) const {
        return backend.address.is_v4() ? v4_ : v6_;
    }
    [[nodiscard]] std::uint64_t* bitmap(std::uint32_t pair) const;
    [[nodiscard]] std::uint16_t* bucket_used(std::uint32_t pair) const;
    [[nodiscard]] std::uint32_t base_index(const wire::IpAddress& source,
                                           const wire::Endpoint& backend) const;
    [[nodiscard]] std::uint32_t& chain_of(std::uint16_t source_id, const wire::Endpoint& backend);
    [[nodiscard]] std::uint32_t find(std::uint16_t source_id, const wire::Endpoint& backend) const;
    void drop_if_unused(std::uint32_t pair);
    [[nodiscard]] bool is_sound() const;

    const Steering* steering_;
    PortBuckets v4_;
    PortBuckets v6_;
    std::vector<std::uint32_t> own_;  // entries of the redirection table that lead here
    std::size_t pair_bytes_;          // a bitmap of the ports, then a count for each bucket
    base::Memory memory_;
    std::vector<Pair> slots_;
    std::vector<std::uint32_t> chains_;
    std::uint32_t free_head_ = kNone;
    std::uint32_t pairs_ = 0;
    std::uint32_t used_ = 0;
};

}  // namespace terminus::flow
