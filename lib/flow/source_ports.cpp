#include "flow/source_ports.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>

#include "base/assert.hpp"

namespace terminus::flow {

namespace {

// Pairs are named by the config, not by strangers: no secret needed.
std::uint64_t hash_of(std::uint16_t source_id, const wire::Endpoint& backend) {
    std::uint64_t halves[2];
    std::memcpy(halves, backend.address.bytes().data(), sizeof halves);
    std::uint64_t hash = (std::uint64_t{source_id} << 16) | backend.port;
    for (const std::uint64_t half : halves) {
        hash = (hash ^ half) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 32;
    }
    return hash;
}

std::size_t round_up_to_line(std::size_t bytes) {
    return (bytes + 63) / 64 * 64;
}

}  // namespace

SourcePorts::SourcePorts(const Steering& steering, std::uint16_t worker, std::uint32_t pairs_max,
                         PortRange range)
    : steering_(&steering),
      v4_(steering, true, range),
      v6_(steering, false, range),
      pair_bytes_(round_up_to_line(std::max(v4_.words(), v6_.words()) * sizeof(std::uint64_t) +
                                   steering.entries() * sizeof(std::uint16_t))),
      memory_(pair_bytes_ * pairs_max),
      slots_(pairs_max),
      chains_(std::bit_ceil(std::max(2u, pairs_max)), kNone) {
    for (std::uint32_t index = 0; index < steering.entries(); ++index) {
        if (steering.owner_of_index(index) == worker) own_.push_back(index);
    }
    for (std::uint32_t pair = pairs_max; pair-- > 0;) {
        slots_[pair].next = free_head_;
        free_head_ = pair;
    }
}

void SourcePorts::release(std::uint16_t source_id, const wire::Endpoint& backend, std::uint16_t port) {
    const std::uint32_t pair = find(source_id, backend);
    TERMINUS_ASSERT(pair != kNone, "only ports that were given out come back");
    const PortBuckets& ports = buckets(backend);
    TERMINUS_ASSERT(ports.contains(port), "only ports that were given out come back");
    const std::uint32_t bucket = ports.bucket_of(port);
    const std::uint32_t rank = ports.rank_of(port);
    std::uint64_t& word = bitmap(pair)[ports.first_word(bucket) + rank / 64];
    const std::uint64_t bit = std::uint64_t{1} << (rank % 64);
    TERMINUS_ASSERT((word & bit) != 0, "a port comes back once");
    word &= ~bit;
    --bucket_used(pair)[bucket];
    --slots_[pair].used;
    --used_;
    drop_if_unused(pair);
}

std::uint32_t SourcePorts::used(std::uint16_t source_id, const wire::Endpoint& backend) const {
    const std::uint32_t pair = find(source_id, backend);
    return pair == kNone ? 0 : slots_[pair].used;
}

std::uint32_t SourcePorts::total(const wire::IpAddress& source, const wire::Endpoint& backend) const {
    const std::uint32_t base = base_index(source, backend);
    std::uint32_t sum = 0;
    for (const std::uint32_t index : own_)
        sum += buckets(backend).size(base ^ index);
    return sum;
}

SourcePorts::Search SourcePorts::begin(std::uint16_t source_id, const wire::IpAddress& source,
                                       const wire::Endpoint& backend, base::Rng& rng) {
    TERMINUS_ASSERT(source.is_v4() == backend.address.is_v4(), "both ends of a connection are of one family");
    std::uint32_t pair = find(source_id, backend);
    if (pair == kNone && free_head_ != kNone) {
        pair = free_head_;
        free_head_ = slots_[pair].next;
        std::uint32_t& chain = chain_of(source_id, backend);
        slots_[pair] = {backend, source_id, base_index(source, backend), 0, chain};
        chain = pair;
        ++pairs_;
    }
    return {.pair = pair, .rng = &rng};
}

// The next free port of a walk: buckets from a random one by a random stride, words and bits of each from
// random ones.
std::optional<std::uint16_t> SourcePorts::next(Search& search) {
    if (search.pair == kNone) return std::nullopt;
    const PortBuckets& ports = buckets(slots_[search.pair].backend);
    while (search.unseen == 0) {
        if (search.words_left == 0 && !enter_next_bucket(search)) return std::nullopt;
        const std::uint32_t size = ports.size(search.bucket);
        --search.words_left;
        if (++search.word >= (size + 63) / 64) search.word = 0;
        const std::uint32_t here = std::min(64u, size - search.word * 64);
        search.unseen = ~bitmap(search.pair)[ports.first_word(search.bucket) + search.word] &
                        (~std::uint64_t{0} >> (64 - here));
    }
    const auto start = static_cast<int>(search.rng->below(64));
    const int bit = (std::countr_zero(std::rotr(search.unseen, start)) + start) % 64;
    search.unseen &= ~(std::uint64_t{1} << bit);
    return ports.port(search.bucket, search.word * 64 + static_cast<std::uint32_t>(bit));
}

// The next bucket with a free port; false when each has been walked.
bool SourcePorts::enter_next_bucket(Search& search) {
    const Pair& pair = slots_[search.pair];
    const PortBuckets& ports = buckets(pair.backend);
    const auto count = static_cast<std::uint32_t>(own_.size());
    while (search.step < count) {
        if (search.step == 0) {
            search.at = search.rng->below(count);
        } else {
            if (search.step == 1) {
                // Without a common divisor the walk meets every bucket once.
                search.stride = 1 + search.rng->below(count);
                if (std::gcd(search.stride, count) != 1) search.stride = 1;
            }
            search.at += search.stride;
            if (search.at >= count) search.at -= count;
        }
        ++search.step;
        search.bucket = pair.base_index ^ own_[search.at];
        const std::uint32_t size = ports.size(search.bucket);
        if (bucket_used(search.pair)[search.bucket] == size) continue;
        search.words_left = (size + 63) / 64;
        search.word = search.rng->below(search.words_left);
        return true;
    }
    return false;
}

void SourcePorts::end(const Search& search, std::optional<std::uint16_t> taken) {
    if (search.pair == kNone) return;
    if (taken) {
        const PortBuckets& ports = buckets(slots_[search.pair].backend);
        const std::uint32_t rank = ports.rank_of(*taken);
        bitmap(search.pair)[ports.first_word(search.bucket) + rank / 64] |= std::uint64_t{1} << (rank % 64);
        ++bucket_used(search.pair)[search.bucket];
        ++slots_[search.pair].used;
        ++used_;
    }
    drop_if_unused(search.pair);
}

std::uint64_t* SourcePorts::bitmap(std::uint32_t pair) const {
    return reinterpret_cast<std::uint64_t*>(static_cast<std::uint8_t*>(memory_.data()) + pair_bytes_ * pair);
}

std::uint16_t* SourcePorts::bucket_used(std::uint32_t pair) const {
    return reinterpret_cast<std::uint16_t*>(bitmap(pair) + std::max(v4_.words(), v6_.words()));
}

std::uint32_t SourcePorts::base_index(const wire::IpAddress& source, const wire::Endpoint& backend) const {
    return steering_->index({.local = {source, 0}, .remote = backend});
}

std::uint32_t& SourcePorts::chain_of(std::uint16_t source_id, const wire::Endpoint& backend) {
    return chains_[hash_of(source_id, backend) & (chains_.size() - 1)];
}

std::uint32_t SourcePorts::find(std::uint16_t source_id, const wire::Endpoint& backend) const {
    std::uint32_t pair = chains_[hash_of(source_id, backend) & (chains_.size() - 1)];
    while (pair != kNone && (slots_[pair].source_id != source_id || slots_[pair].backend != backend)) {
        pair = slots_[pair].next;
    }
    return pair;
}

// A pair without ports out has an empty bitmap, so that its place can be given to another as it is.
void SourcePorts::drop_if_unused(std::uint32_t pair) {
    if (slots_[pair].used > 0) return;
    std::uint32_t* link = &chain_of(slots_[pair].source_id, slots_[pair].backend);
    while (*link != pair)
        link = &slots_[*link].next;
    *link = slots_[pair].next;
    slots_[pair].next = free_head_;
    free_head_ = pair;
    --pairs_;
}

// Of what was read: every link leads to a pair.
bool SourcePorts::is_sound() const {
    const auto is_pair = [this](std::uint32_t pair) { return pair == kNone || pair < slots_.size(); };
    return is_pair(free_head_) && std::all_of(chains_.begin(), chains_.end(), is_pair) &&
           std::all_of(slots_.begin(), slots_.end(), [&](const Pair& pair) { return is_pair(pair.next); });
}

}  // namespace terminus::flow
