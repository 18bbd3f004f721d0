#pragma once

#include <emmintrin.h>

#include <cstdint>
#include <type_traits>

#include "base/archive.hpp"
#include "base/memory.hpp"
#include "base/siphash.hpp"
#include "flow/handle.hpp"
#include "wire/address.hpp"

namespace terminus::flow {

/// What the table is asked by: a 4-tuple with the local address as its interned id (DESIGN 3.2). Bytes only,
/// no padding, so that it can be hashed as it lies.
struct Key {
    wire::IpAddress remote;
    std::uint16_t remote_port = 0;
    std::uint16_t local_port = 0;
    std::uint16_t local_id = 0;
    std::uint16_t zero = 0;

    friend constexpr bool operator==(const Key&, const Key&) = default;
};
static_assert(sizeof(Key) == 24 && std::has_unique_object_representations_v<Key>);

/// 4-tuple → handle, for one worker. A bucketised cuckoo table of partial keys (Fan et al. 2014): a cache
/// line holds eight entries of a 16-bit tag and a handle, an entry has two buckets to be in, and either
/// follows from the other and the tag. Keys are not stored: whoever owns the slot knows its 4-tuple and is
/// asked to compare, wrongly once in about 4000 lookups. The hash is keyed, so that nobody outside can make
/// entries collide.
///
/// Never grows and never rehashes: an insertion displaces a few entries or is refused.
class Table {
 public:
    /// Room for at least `capacity` entries at a load that insertion reaches reliably; more may fit.
    Table(std::uint32_t capacity, const base::SipKey& secret);

    [[nodiscard]] std::uint64_t hash(const Key& key) const {
        return base::siphash_of<sizeof key, 1, 3>(secret_, reinterpret_cast<const std::uint8_t*>(&key));
    }

    /// Both cache lines that an operation on `hash` may touch.
    void prefetch(std::uint64_t hash) const {
        const Place place = place_of(hash);
        __builtin_prefetch(&buckets_[place.first]);
        __builtin_prefetch(&buckets_[place.second]);
    }

    /// The entry whose owner says equals(Handle, const Key&), or Handle::none().
    template <typename Equals>
    [[nodiscard]] Handle find(const Key& key, std::uint64_t hash, Equals&& equals) const {
        const Place place = place_of(hash);
        for (const std::uint32_t index : {place.first, place.second}) {
            const Bucket& bucket = buckets_[index];
            for (std::uint32_t match = matches(bucket, place.tag); match != 0; match &= match - 1) {
                const Handle handle = Handle::from_raw(bucket.handles[__builtin_ctz(match)]);
                if (equals(handle, key)) return handle;
            }
        }
        return Handle::none();
    }

    /// Any handle of this hash's tag in its buckets, for a prefetch of the slot behind it; it may be
    /// another's.
    [[nodiscard]] Handle candidate(std::uint64_t hash) const;

    /// Adds an entry that the caller knows is not there yet. False, with nothing changed, when no place is
    /// found within kSearchNodes buckets.
    [[nodiscard]] bool insert(std::uint64_t hash, Handle handle);

    /// Removes the entry; false when there is none.
    bool erase(std::uint64_t hash, Handle handle);

    /// Gives the entry another handle (a half-open becomes a connection, a connection a TIME_WAIT); false
    /// when there is no such entry.
    bool replace(std::uint64_t hash, Handle from, Handle to);

    [[nodiscard]] std::uint32_t size() const { return size_; }
    /// What was asked for: insertion is expected to succeed up to here.
    [[nodiscard]] std::uint32_t capacity() const { return capacity_; }
    /// Entries that the memory could hold.
    [[nodiscard]] std::uint32_t slots() const { return (mask_ + 1) * kEntries; }

    /// Where each entry lies is kept too, but not the secret.
    template <typename Archive>
    void archive(Archive& a) {
        a.layout(sizeof(Bucket));
        a.same(mask_);
        a(size_);
        std::uint32_t used = a.count(used_buckets(), std::size_t{mask_} + 1);
        for (std::uint32_t index = 0; used > 0 && a.ok(); ++index) {
            if constexpr (Archive::kReads) {
                a(index);
                a.require(index <= mask_);
            } else {
                if (is_empty(buckets_[index])) continue;
                a(index);
            }
            if (a.ok()) a(buckets_[index].tags, buckets_[index].handles);
            --used;
        }
    }

 private:
    static constexpr unsigned kEntries = 8;  // eight tags are one 128-bit compare
    /// A search that has looked at this many buckets without finding room ends: about 10 µs, and past 95 %
    /// load.
    static constexpr std::uint32_t kSearchNodes = 512;
    static constexpr std::uint16_t kEmpty = 0;

    struct alignas(64) Bucket {
        std::uint16_t tags[kEntries];  // kEmpty where there is no entry
        std::uint32_t handles[kEntries];
    };
    static_assert(sizeof(Bucket) == 64);

    struct Place {
        std::uint32_t first;
        std::uint32_t second;
        std::uint16_t tag;
    };
    struct Entry {
        Bucket* bucket;
        unsigned index;
    };

    [[nodiscard]] Place place_of(std::uint64_t hash) const {
        std::uint16_t tag = static_cast<std::uint16_t>(hash >> 48);
        if (tag == kEmpty) tag = 1;
        const std::uint32_t first = static_cast<std::uint32_t>(hash) & mask_;
        return {first, alternative(first, tag), tag};
    }
    // Its own inverse. An odd step, so that the two buckets always differ.
    [[nodiscard]] std::uint32_t alternative(std::uint32_t bucket, std::uint16_t tag) const {
        const auto spread = static_cast<std::uint32_t>((tag * 0x9e3779b97f4a7c15u) >> 32);
        return (bucket ^ (spread | 1)) & mask_;
    }
    // One bit for each entry with this tag.
    [[nodiscard]] static std::uint32_t matches(const Bucket& bucket, std::uint16_t tag) {
        const __m128i tags = _mm_load_si128(reinterpret_cast<const __m128i*>(bucket.tags));
        const __m128i equal = _mm_cmpeq_epi16(tags, _mm_set1_epi16(static_cast<short>(tag)));
        return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(equal, _mm_setzero_si128())));
    }
    [[nodiscard]] static bool is_empty(const Bucket& bucket) { return matches(bucket, kEmpty) == 0xff; }
    [[nodiscard]] std::uint32_t used_buckets() const;
    [[nodiscard]] Entry entry_of(std::uint64_t hash, Handle handle) const;
    [[nodiscard]] Entry make_room(const Place& place);

    base::SipKey secret_;
    base::Memory memory_;
    Bucket* buckets_;
    std::uint32_t mask_;
    std::uint32_t capacity_;
    std::uint32_t size_ = 0;
};

}  // namespace terminus::flow
