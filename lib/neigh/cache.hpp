#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/archive.hpp"
#include "base/siphash.hpp"
#include "base/time.hpp"
#include "wire/address.hpp"

namespace terminus::neigh {

/// RFC 4861 7.3.2, for ARP and neighbour discovery alike; Failed is ours: nobody answered, don't ask again
/// yet.
///
///                 answer                 30 s               used            5 s
///     Incomplete ───────► Reachable ────────────► Stale ───────────► Delay ─────► Probe
///         │ 3 × 1 s           ▲                     ▲                  │ answer     │ 3 × 1 s
///         ▼                   └─────────────────────┼──────────────────┴────────────┤
///       Failed ── 3 s ──► forgotten      new address, unsolicited              forgotten
enum class NeighbourState : std::uint8_t { Incomplete, Reachable, Stale, Delay, Probe, Failed };

struct NeighbourLimits {
    std::uint32_t entries_max = 4096;
    std::uint8_t probes = 3;                             ///< MAX_MULTICAST_SOLICIT, MAX_UNICAST_SOLICIT
    base::Duration retransmit{std::chrono::seconds(1)};  ///< RETRANS_TIMER
    base::Duration reachable{std::chrono::seconds(30)};  ///< REACHABLE_TIME, not randomised: replays repeat
    base::Duration delay{std::chrono::seconds(5)};       ///< DELAY_FIRST_PROBE_TIME
    base::Duration hold_down{std::chrono::seconds(3)};  ///< a failed neighbour is not asked again for so long
};

/// Names an entry while it is Incomplete, until its event has been polled.
using NeighbourId = std::uint32_t;

struct Lookup {
    enum class Kind : std::uint8_t {
        Resolved,  ///< send to `mac`
        Pending,   ///< keep the frame under `entry` until poll_resolved() names it
        Failed,    ///< nobody there, or no room to ask: drop and count
    };
    Kind kind = Kind::Failed;
    wire::MacAddress mac;
    NeighbourId entry = 0;
};

/// A question that wants to be sent.
struct Solicitation {
    wire::IpAddress target;
    std::uint16_t port = 0;
    std::optional<wire::MacAddress> unicast_to;  ///< a probe of a known neighbour; otherwise ask everybody
};

/// What became of a Pending entry.
struct Resolution {
    NeighbourId entry = 0;
    wire::IpAddress address;
    std::uint16_t port = 0;
    std::optional<wire::MacAddress> mac;  ///< nothing: it failed, drop what waits
};

/// What an advertisement claims (RFC 4861 4.4). An ARP reply is one that is solicited and overrides.
struct Advertised {
    wire::IpAddress address;
    std::uint16_t port = 0;
    std::optional<wire::MacAddress> mac;
    bool solicited = false;
    bool override = false;
};

struct NeighbourCounters {
    std::uint64_t solicitations = 0;
    std::uint64_t failures = 0;   ///< nobody answered
    std::uint64_t evictions = 0;  ///< a stale or failed entry made room
    std::uint64_t refused = 0;    ///< no room, and nothing that might go
};

/// Next hop → Ethernet address. Sans-IO: questions are polled by poll_transmit(), answers reported by the two
/// functions below, waiting frames are the stack's. All memory is taken at construction.
class NeighbourCache {
 public:
    /// Entries whose deadline is handled by one call of advance() and list: bounds a turn's work.
    static constexpr int kAdvanceMax = 64;

    explicit NeighbourCache(const base::SipKey& key, const NeighbourLimits& limits = {});

    /// Asks when nothing is known. A stale address is still given, and checked in the background. O(1).
    Lookup lookup(const wire::IpAddress& next_hop, std::uint16_t port, base::Instant now);

    /// A neighbour asked: an ARP request, or a solicitation with its source's address. `asked_us`: makes an
    /// entry where there was none; otherwise only an existing one learns (RFC 826; RFC 4861 7.2.3).
    void solicited_by(const wire::IpAddress& address, const wire::MacAddress& mac, std::uint16_t port,
                      bool asked_us, base::Instant now);

    /// RFC 4861 7.2.5. Only existing entries learn.
    void advertised(const Advertised& claim, base::Instant now);

    /// The transport got an answer from beyond this neighbour (RFC 4861 7.3.1): no probe needed.
    void confirm(const wire::IpAddress& next_hop, std::uint16_t port, base::Instant now);

    void advance(base::Instant now);
    [[nodiscard]] base::Instant next_deadline() const;

    /// Whether one of the two below has something.
    [[nodiscard]] bool has_news() const { return transmit_.count + events_.count > 0; }
    [[nodiscard]] std::optional<Solicitation> poll_transmit();
    /// To be polled empty each turn: the slot of an unpolled failure is not reused.
    [[nodiscard]] std::optional<Resolution> poll_resolved();

    [[nodiscard]] std::optional<NeighbourState> state(const wire::IpAddress& address,
                                                      std::uint16_t port) const;
    [[nodiscard]] std::uint32_t size() const { return size_; }
    /// Changes whenever an address that lookup() may have given has become another one or is forgotten, so
    /// that whoever keeps a copy knows when to ask again.
    [[nodiscard]] std::uint32_t version() const { return version_; }
    [[nodiscard]] const NeighbourCounters& counters() const { return counters_; }

    template <typename Archive>
    void archive(Archive& a) {
        base::archive_fixed(a, entries_);
        base::archive_fixed(a, buckets_);
        base::archive_vector(a, free_, entries_.size());
        for (Queue* queue : {&transmit_, &events_}) {
            base::archive_fixed(a, queue->ring);
            a(queue->head, queue->count);
        }
        a(recent_, lists_, size_, version_, counters_);
        if constexpr (Archive::kReads) a.require(is_sound());
    }

 private:
    static constexpr std::uint32_t kNone = UINT32_MAX;
    /// A router and a few backends are next hops again and again, and often differ in their last byte.
    static constexpr std::size_t kRecent = 16;

    // Every state waits for one constant time, so each list is in the order of its deadlines. Incomplete and
    // Probe share one; Stale waits for nothing and is in the order of ageing, for eviction.
    enum class List : std::uint8_t { Asking, Reachable, Delay, Stale, Failed };
    static constexpr std::size_t kLists = 5;

    struct Entry {
        wire::IpAddress address;
        std::uint16_t port = 0;
        wire::MacAddress mac;
        NeighbourState state = NeighbourState::Incomplete;
        std::uint8_t probes_sent = 0;
        bool wants_transmit = false;
        bool in_transmit_ring = false;  // outlives the entry: it is the slot's
        bool event_queued = false;
        base::Instant entered;  // this state, for eviction
        base::Instant deadline;
        std::uint32_t next_in_bucket = kNone;
        std::uint32_t previous = kNone;
        std::uint32_t next = kNone;
    };
    struct Ends {
        std::uint32_t first = kNone;
        std::uint32_t last = kNone;
    };

    // A ring of entry indices, each in it at most once, so it can't overflow.
    struct Queue {
        std::vector<std::uint32_t> ring;
        std::size_t head = 0;
        std::size_t count = 0;
        void push(std::uint32_t index);
        std::uint32_t pop();
    };

    static List list_of(NeighbourState state);
    [[nodiscard]] Ends& ends(NeighbourState state) {
        return lists_[static_cast<std::size_t>(list_of(state))];
    }
    [[nodiscard]] std::uint32_t find(const wire::IpAddress& address, std::uint16_t port) const;
    [[nodiscard]] std::uint32_t find_recent(const wire::IpAddress& address, std::uint16_t port);
    [[nodiscard]] std::size_t bucket_index(const wire::IpAddress& address, std::uint16_t port) const;
    [[nodiscard]] bool make_room();
    std::uint32_t create(const wire::IpAddress& address, std::uint16_t port);
    void forget(std::uint32_t index);
    void enter(std::uint32_t index, NeighbourState next, base::Instant now);
    void link(std::uint32_t index);
    void unlink(std::uint32_t index);
    void learn(std::uint32_t index, const wire::MacAddress& mac, NeighbourState next, base::Instant now);
    void update(std::uint32_t index, const Advertised& claim, base::Instant now);
    void ask(std::uint32_t index, base::Instant now);
    void deadline_reached(std::uint32_t index, base::Instant now);
    [[nodiscard]] base::Duration wait_of(NeighbourState state) const;
    [[nodiscard]] bool is_sound() const;

    base::SipKey key_;
    NeighbourLimits limits_;
    std::vector<Entry> entries_;
    std::vector<std::uint32_t> buckets_;
    std::vector<std::uint32_t> free_;
    std::array<std::uint32_t, kRecent> recent_{};  // where lookup() found what had this last byte
    std::array<Ends, kLists> lists_;
    Queue transmit_;
    Queue events_;
    std::uint32_t size_ = 0;
    std::uint32_t version_ = 0;
    NeighbourCounters counters_;
};

}  // namespace terminus::neigh
