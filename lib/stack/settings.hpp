#pragma once

#include <cstdint>
#include <vector>

#include "base/time.hpp"
#include "flow/rss.hpp"
#include "neigh/interface.hpp"
#include "neigh/routes.hpp"
#include "packet/batch.hpp"
#include "packet/slice.hpp"
#include "tcp/environment.hpp"
#include "tcp/tunables.hpp"
#include "wire/address.hpp"

namespace terminus::stack {

/// Where buffers come from, and how many must stay free (DESIGN 3.6).
struct Buffers {
    rte_mempool* payload = nullptr;   ///< what devices receive into, and what copies are made in
    rte_mempool* header = nullptr;    ///< headers and small frames
    rte_mempool* indirect = nullptr;  ///< references to queued payload
    std::uint32_t reserve = 0;  ///< free buffers that connections leave: send descriptors, caches, two bursts
};

/// Which connections have their kilobyte at hand (stack/connections.hpp).
struct Resting {
    base::Duration after = std::chrono::seconds(10);  ///< without a turn; at most four minutes
    std::uint32_t samples = 8;  ///< so many of a kind are learnt from before any of it rests

    /// At the first opportunity: what tests find nothing different by.
    [[nodiscard]] static constexpr Resting at_once() { return {.after = {}, .samples = 1}; }
};

/// One core's share of everything. Limits are this worker's, already divided.
struct Settings {
    std::uint16_t worker = 0;
    std::uint16_t workers = 1;
    std::uint32_t connections_max = 65536;
    std::uint32_t half_open_max = 4096;
    std::uint32_t time_wait_max = 65536;
    std::uint32_t application_timers_max = 65536;  ///< what arm_timer() can have running at once
    std::uint32_t sent_records_spare = 65536;      ///< tcp::SentPool, beyond one for each connection
    std::uint32_t neighbours_max = 4096;
    std::uint32_t fast_open_peers_max = 1024;  ///< backends whose Fast Open cookies are kept
    std::uint16_t profiles_max = 0;            ///< sets of tunables beside the process's own
    std::uint64_t seed = 0;                    ///< of everything random that need not be secret
    tcp::Secrets secrets;                      ///< the same on every worker: a SYN may be answered by any
    base::SipKey table_key;
    tcp::Tunables tunables;
    Buffers buffers;
    Resting resting;
    std::vector<neigh::Interface> interfaces;      ///< by port index
    std::vector<neigh::Route> routes;              ///< connected prefixes included
    std::vector<wire::IpAddress> local_addresses;  ///< by local id
    std::vector<flow::Steering> steering;          ///< by port index
};

/// Expirations handled in one turn: a thousand timers in one tick must not keep frames waiting (HARDENING
/// 28).
inline constexpr std::uint32_t kTimerBudget = 256;
/// As long as none is late by more than kTimersLate: those of a tick that is crowded as usual (each request
/// leaves an entry or two that mean nothing any more) are spread over the turns that the tick lasts.
inline constexpr std::uint32_t kTimerBudgetInTime = 32;
inline constexpr base::Duration kTimersLate = std::chrono::milliseconds(1);

/// Segments a connection may send in one turn before the next has its chance: about a receive burst.
inline constexpr std::uint32_t kSegmentsPerTurn = 32;

/// Slots that one piece of a listing looks at, live or not: about 10 µs.
inline constexpr std::uint32_t kListVisitsMax = 4096;

/// What a listing shows for connections that no service owns any more.
inline constexpr std::uint16_t kNoService = UINT16_MAX;

/// A connection may hold at most this fraction of the free buffers, each way: with N greedy connections each
/// gets 1/(8+N) of the pool and 8/(8+N) stays free (dynamic thresholds, Choudhury and Hahne 1998), so readers
/// that never read can't starve those that do, and a lone one has an eighth of the pool.
inline constexpr std::uint32_t kBufferShareDivisor = 8;

/// The part of the share that is promised as window, so that what was promised still fits when others came
/// meanwhile; and the least that is promised, with which a connection that is read goes on while buffers are
/// short.
inline constexpr std::uint32_t kPromisedDivisor = 2;
inline constexpr std::uint32_t kPromisedMin = 8;

/// What a buffer of the share is worth as window: a full Ethernet segment. Smaller ones are copied together.
inline constexpr std::uint32_t kBytesPerBuffer = 1448;

/// What a connection whose bytes were all moved on in its last turn may receive in the next, whatever its
/// share, as long as buffers are not short: a burst. The reserve holds it.
inline constexpr std::uint32_t kFlowingMax = packet::Batch::kCapacity;

/// With less than this fraction of the pool free above the mark, connections that have not been read for so
/// long make room (RFC 6429, HARDENING 22): at most one a turn, the largest of so many slots. Those that flow
/// need what is left.
inline constexpr std::uint32_t kLowWaterDivisor = 32;
inline constexpr base::Duration kStalledFor = std::chrono::seconds(1);
inline constexpr std::uint32_t kPressureSlots = 256;

}  // namespace terminus::stack
