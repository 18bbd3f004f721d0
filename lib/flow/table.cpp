#include "flow/table.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "base/assert.hpp"

namespace terminus::flow {

namespace {

constexpr std::uint32_t kCapacityMax = 1u << 30;  // no kind of slot has more

// The smallest power of two of buckets that `capacity` fills to at most 7/8.
std::uint32_t buckets_for(std::uint32_t capacity, unsigned entries) {
    TERMINUS_ASSERT(capacity <= kCapacityMax, "a handle has 30 index bits");
    const std::uint64_t slots = std::uint64_t{capacity} * 8 / 7 + 1;
    return static_cast<std::uint32_t>(
        std::bit_ceil(std::max<std::uint64_t>(2, (slots + entries - 1) / entries)));
}

}  // namespace

Table::Table(std::uint32_t capacity, const base::SipKey& secret)
    : secret_(secret),
      memory_(std::size_t{buckets_for(capacity, kEntries)} * sizeof(Bucket)),
      buckets_(static_cast<Bucket*>(memory_.data())),
      mask_(buckets_for(capacity, kEntries) - 1),
      capacity_(capacity) {}

Handle Table::candidate(std::uint64_t hash) const {
    const Place place = place_of(hash);
    for (const std::uint32_t index : {place.first, place.second}) {
        const std::uint32_t match = matches(buckets_[index], place.tag);
        if (match != 0) return Handle::from_raw(buckets_[index].handles[std::countr_zero(match)]);
    }
    return Handle::none();
}

bool Table::insert(std::uint64_t hash, Handle handle) {
    TERMINUS_ASSERT(!handle.is_none(), "none is what a lookup says when nothing is there");
    const Place place = place_of(hash);
    const Entry entry = make_room(place);
    if (entry.bucket == nullptr) return false;
    entry.bucket->tags[entry.index] = place.tag;
    entry.bucket->handles[entry.index] = handle.raw();
    ++size_;
    return true;
}

bool Table::erase(std::uint64_t hash, Handle handle) {
    const Entry entry = entry_of(hash, handle);
    if (entry.bucket == nullptr) return false;
    entry.bucket->tags[entry.index] = kEmpty;
    --size_;
    return true;
}

bool Table::replace(std::uint64_t hash, Handle from, Handle to) {
    TERMINUS_ASSERT(!to.is_none(), "none is what a lookup says when nothing is there");
    const Entry entry = entry_of(hash, from);
    if (entry.bucket == nullptr) return false;
    entry.bucket->handles[entry.index] = to.raw();
    return true;
}

Table::Entry Table::entry_of(std::uint64_t hash, Handle handle) const {
    const Place place = place_of(hash);
    for (const std::uint32_t index : {place.first, place.second}) {
        Bucket& bucket = buckets_[index];
        for (std::uint32_t match = matches(bucket, place.tag); match != 0; match &= match - 1) {
            const auto at = static_cast<unsigned>(std::countr_zero(match));
            if (bucket.handles[at] == handle.raw()) return {&bucket, at};
        }
    }
    return {nullptr, 0};
}

// An empty entry in one of the two buckets. Breadth first, so that the fewest entries move: a node is a
// bucket that an entry of its parent could move to. Nothing moves before the whole way is known.
Table::Entry Table::make_room(const Place& place) {
    struct Node {
        std::uint32_t bucket;
        std::uint16_t parent;
        std::uint16_t entry;  // of the parent, that would come here
    };
    constexpr std::uint16_t kRoot = UINT16_MAX;
    static_assert(kSearchNodes < kRoot);
    std::array<Node, kSearchNodes> nodes;
    std::uint32_t count = 0;
    nodes[count++] = {place.first, kRoot, 0};
    nodes[count++] = {place.second, kRoot, 0};

    for (std::uint32_t at = 0; at < count; ++at) {
        const std::uint32_t room = matches(buckets_[nodes[at].bucket], kEmpty);
        if (room != 0) {
            auto free = static_cast<unsigned>(std::countr_zero(room));
            Node node = nodes[at];
            while (node.parent != kRoot) {
                const Node parent = nodes[node.parent];
                Bucket& from = buckets_[parent.bucket];
                Bucket& to = buckets_[node.bucket];
                to.tags[free] = from.tags[node.entry];
                to.handles[free] = from.handles[node.entry];
                free = node.entry;
                node = parent;
            }
            return {&buckets_[node.bucket], free};
        }
        for (std::uint16_t entry = 0; entry < kEntries && count < kSearchNodes; ++entry) {
            const std::uint32_t bucket = nodes[at].bucket;
            const std::uint32_t child = alternative(bucket, buckets_[bucket].tags[entry]);
            // A way must not cross itself: its moves would displace each other.
            bool crosses = false;
            for (std::uint16_t up = static_cast<std::uint16_t>(at); up != kRoot && !crosses;
                 up = nodes[up].parent) {
                crosses = nodes[up].bucket == child;
            }
            if (!crosses) nodes[count++] = {child, static_cast<std::uint16_t>(at), entry};
        }
    }
    return {nullptr, 0};
}

std::uint32_t Table::used_buckets() const {
    return static_cast<std::uint32_t>(std::count_if(buckets_, buckets_ + mask_ + 1,
                                                    [](const Bucket& bucket) { return !is_empty(bucket); }));
}

}  // namespace terminus::flow
