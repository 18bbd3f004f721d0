#include "table_bench.hpp"

#include <rte_errno.h>
#include <rte_hash.h>

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>

#include "base/memory.hpp"
#include "base/rng.hpp"
#include "flow/table.hpp"

namespace terminus::bench {
namespace {

constexpr std::uint32_t kBurst = 32;

// A connection as lookups see it: the first cache line, which has its key, and which whoever found it reads.
struct alignas(64) Slot {
    flow::Key key;
    std::uint32_t state = 0;
};

flow::Key key_of(std::uint32_t number) {
    return {wire::IpAddress::v4(0x0a000000u + number / 50000),
            static_cast<std::uint16_t>(1024 + number % 50000), 443, 1};
}

// Both kinds of table over the same connections, keys and orders.
class Bench {
 public:
    Bench(std::uint32_t entries, std::uint32_t operations);

    void lookups(bool hits, Report& report);
    void churn(Report& report);

 private:
    using RteHash = std::unique_ptr<rte_hash, decltype(&rte_hash_free)>;

    [[nodiscard]] flow::Handle find(const flow::Key& key, std::uint64_t hash) const {
        return table_.find(key, hash, [this](flow::Handle handle, const flow::Key& other) {
            return slots_[handle.index()].key == other;
        });
    }
    // rte_hash keeps 32 bits of it, and has the same keyed hash: nothing less keeps clients from collisions.
    [[nodiscard]] hash_sig_t sig(const flow::Key& key) const {
        return static_cast<hash_sig_t>(table_.hash(key));
    }
    void insert(std::uint32_t number);
    void erase(std::uint32_t number);
    void rte_insert(std::uint32_t number);
    void rte_erase(std::uint32_t number);
    void find_one_by_one(const std::vector<flow::Key>& keys);
    void find_bursts(const std::vector<flow::Key>& keys);
    void rte_find_one_by_one(const std::vector<flow::Key>& keys);
    void rte_find_bursts(const std::vector<flow::Key>& keys);

    std::uint32_t entries_;
    std::uint32_t operations_;
    base::Memory memory_;
    Slot* slots_;
    flow::Table table_;
    RteHash rte_;
    std::vector<flow::Key> present_;  // what is asked for, in order
    std::vector<flow::Key> absent_;
    std::vector<std::uint32_t> leaving_;
    std::uint64_t found_ = 0;
};

Bench::Bench(std::uint32_t entries, std::uint32_t operations)
    : entries_(entries),
      operations_(operations),
      memory_(std::size_t{entries} * sizeof(Slot)),
      slots_(static_cast<Slot*>(memory_.data())),
      table_(entries, base::SipKey::from_seed(1)),
      rte_(nullptr, rte_hash_free) {
    rte_hash_parameters parameters{};
    parameters.name = "bench";
    parameters.entries = entries;
    parameters.key_len = sizeof(flow::Key);
    parameters.socket_id = SOCKET_ID_ANY;
    // Both must take all that their capacity says; rte_hash does so only with buckets chained behind.
    parameters.extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE;
    rte_.reset(rte_hash_create(&parameters));
    if (!rte_) throw std::runtime_error(std::string("rte_hash_create: ") + rte_strerror(rte_errno));

    base::Rng rng(entries);
    for (const std::uint32_t number : shuffled(entries, entries, rng)) {
        slots_[number].key = key_of(number);
        insert(number);
        rte_insert(number);
    }
    const std::vector<std::uint32_t> order = shuffled(entries, entries, rng);
    for (std::uint32_t i = 0; i < operations; ++i) {
        const std::uint32_t number = order[i % entries];
        present_.push_back(key_of(number));
        absent_.push_back(key_of(number));
        absent_.back().local_port = 444;
    }
    leaving_ = shuffled(entries, std::min(entries, operations), rng);
}

void Bench::insert(std::uint32_t number) {
    if (!table_.insert(table_.hash(slots_[number].key), {flow::HandleKind::Connection, number}))
        throw std::runtime_error("flow::Table refused an entry below its capacity");
}

void Bench::erase(std::uint32_t number) {
    if (!table_.erase(table_.hash(slots_[number].key), {flow::HandleKind::Connection, number}))
        throw std::runtime_error("flow::Table lost an entry");
}

void Bench::rte_insert(std::uint32_t number) {
    Slot& slot = slots_[number];
    if (rte_hash_add_key_with_hash_data(rte_.get(), &slot.key, sig(slot.key), &slot) != 0)
        throw std::runtime_error("rte_hash refused an entry below its capacity");
}

void Bench::rte_erase(std::uint32_t number) {
    const flow::Key& key = slots_[number].key;
    if (rte_hash_del_key_with_hash(rte_.get(), &key, sig(key)) < 0)
        throw std::runtime_error("rte_hash lost an entry");
}

void Bench::find_one_by_one(const std::vector<flow::Key>& keys) {
    for (const flow::Key& key : keys) {
        const flow::Handle handle = find(key, table_.hash(key));
        if (handle) found_ += slots_[handle.index()].state + 1;
    }
}

// As ingress does it: all hashes, then the buckets, then the slots, then one by one.
void Bench::find_bursts(const std::vector<flow::Key>& keys) {
    std::array<std::uint64_t, kBurst> hashes;
    for (std::size_t at = 0; at < keys.size(); at += kBurst) {
        const std::size_t count = std::min<std::size_t>(kBurst, keys.size() - at);
        for (std::size_t i = 0; i < count; ++i) {
            hashes[i] = table_.hash(keys[at + i]);
            table_.prefetch(hashes[i]);
        }
        for (std::size_t i = 0; i < count; ++i) {
            const flow::Handle candidate = table_.candidate(hashes[i]);
            if (candidate) __builtin_prefetch(&slots_[candidate.index()]);
        }
        for (std::size_t i = 0; i < count; ++i) {
            const flow::Handle handle = find(keys[at + i], hashes[i]);
            if (handle) found_ += slots_[handle.index()].state + 1;
        }
    }
}

void Bench::rte_find_one_by_one(const std::vector<flow::Key>& keys) {
    for (const flow::Key& key : keys) {
        void* data = nullptr;
        if (rte_hash_lookup_with_hash_data(rte_.get(), &key, sig(key), &data) >= 0)
            found_ += static_cast<const Slot*>(data)->state + 1;
    }
}

void Bench::rte_find_bursts(const std::vector<flow::Key>& keys) {
    std::array<const void*, kBurst> asked;
    std::array<hash_sig_t, kBurst> sigs;
    std::array<void*, kBurst> data;
    for (std::size_t at = 0; at < keys.size(); at += kBurst) {
        const std::size_t count = std::min<std::size_t>(kBurst, keys.size() - at);
        for (std::size_t i = 0; i < count; ++i) {
            asked[i] = &keys[at + i];
            sigs[i] = sig(keys[at + i]);
        }
        std::uint64_t hits = 0;
        rte_hash_lookup_with_hash_bulk_data(rte_.get(), asked.data(), sigs.data(),
                                            static_cast<std::uint32_t>(count), &hits, data.data());
        for (std::uint64_t left = hits; left != 0; left &= left - 1)
            __builtin_prefetch(data[static_cast<std::size_t>(__builtin_ctzll(left))]);
        for (; hits != 0; hits &= hits - 1)
            found_ +=
                static_cast<const Slot*>(data[static_cast<std::size_t>(__builtin_ctzll(hits))])->state + 1;
    }
}

void Bench::lookups(bool hits, Report& report) {
    const std::vector<flow::Key>& keys = hits ? present_ : absent_;
    const auto checked = [&](auto&& look) {
        return [this, hits, look] {
            const std::uint64_t before = found_;
            look();
            if (found_ - before != (hits ? operations_ : 0))
                throw std::runtime_error("lookups found the wrong number");
        };
    };
    const std::string suffix = hits ? ", hit" : ", miss";
    report.measure("lookup" + suffix, entries_, operations_,
                   {{"flow::Table", checked([&] { find_one_by_one(keys); })},
                    {"rte_hash", checked([&] { rte_find_one_by_one(keys); })}});
    report.measure("lookup of 32" + suffix, entries_, operations_,
                   {{"flow::Table", checked([&] { find_bursts(keys); })},
                    {"rte_hash", checked([&] { rte_find_bursts(keys); })}});
}

// Connections end, in random order, and as many begin: the load is that of the capacity before and after.
void Bench::churn(Report& report) {
    const auto each = [this](void (Bench::*does)(std::uint32_t)) {
        return [this, does] {
            for (const std::uint32_t number : leaving_)
                (this->*does)(number);
        };
    };
    report.measure_both_ways("erase", "insert", entries_, leaving_.size(),
                             {{"flow::Table", each(&Bench::erase), each(&Bench::insert),
                               [this] { return table_.size() == entries_; }},
                              {"rte_hash", each(&Bench::rte_erase), each(&Bench::rte_insert), [this] {
                                   return rte_hash_count(rte_.get()) == static_cast<std::int32_t>(entries_);
                               }}});
}

}  // namespace

void bench_table(std::uint32_t entries, std::uint32_t operations, Report& report) {
    Bench bench(entries, operations);
    bench.lookups(true, report);
    bench.lookups(false, report);
    bench.churn(report);
}

// rte_hash: a key and its data in 32 bytes, an index in the ring of free ones, buckets of 64 bytes for eight,
// and as many again to chain behind.
std::uint32_t table_megabytes(std::uint32_t entries) {
    return 64 + static_cast<std::uint32_t>(std::uint64_t{entries} * 96 / (1 << 20));
}

}  // namespace terminus::bench
