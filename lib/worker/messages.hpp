#pragma once

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "proxy/service_table.hpp"
#include "stats/reasons.hpp"
#include "tcp/connection.hpp"
#include "tcp/tunables.hpp"
#include "wire/address.hpp"

namespace terminus::worker {

class Recorder;

/// One line of `ss`: a copy, so that the control thread may look at it as long as it likes.
struct ConnectionRow {
    wire::FourTuple tuple;
    tcp::State state = tcp::State::Closed;
    stats::Leg leg = stats::Leg::Client;
    proxy::ServiceId service = 0;
    std::uint32_t receive_queue_bytes = 0;
    std::uint32_t send_queue_bytes = 0;
    bool has_timer = false;
    stats::Timer timer = stats::Timer::Retransmission;
    base::Duration timer_left{};
    std::uint8_t retransmits = 0;
    std::uint8_t backoff = 0;
    base::Duration smoothed_rtt{};
    base::Duration rtt_variation{};
    base::Duration rto{};
    base::Duration receive_rtt{};
    std::uint32_t receive_space_bytes = 0;
    std::uint32_t congestion_window_bytes = 0;
    std::uint32_t slow_start_threshold_bytes = UINT32_MAX;  ///< tcp::kCongestionWindowMax or more: none yet
    std::uint64_t delivered_bytes = 0;
    base::Duration since_sent{};      ///< since text went out
    base::Duration since_received{};  ///< since text came in
    base::Duration busy{};            ///< with something on the way or to be sent, altogether
    base::Duration window_limited{};  ///< of that, held back by the peer's window
    base::Duration buffer_limited{};  ///< of that, by a full send buffer
    std::uint16_t send_mss = 0;       ///< 0: a state without these figures
    tcp::CongestionAlgorithm congestion_control = tcp::CongestionAlgorithm::Cubic;
};

/// A bounded piece of a listing. The asker allocates it, the worker fills it and gives it back.
struct RowPage {
    static constexpr std::size_t kRowsMax = 128;  // what a worker copies in one turn without hurting latency
    std::uint64_t request = 0;                    ///< the asker's own number, returned as it was
    std::uint64_t cursor = 0;                     ///< 0 to begin; as returned to go on
    bool done = false;
    std::vector<ConnectionRow> rows;  ///< reserve(kRowsMax) before posting: the worker allocates nothing
};

/// The source ports towards one backend, as one worker has them.
struct SourcePortRow {
    proxy::BackendId backend = 0;
    proxy::SourcePortUse use;
};

/// A bounded piece of a listing of those, as RowPage.
struct SourcePortPage {
    static constexpr std::size_t kRowsMax = 64;  // a row costs a walk over the redirection table
    std::uint64_t cursor = 0;                    ///< 0 to begin; as returned to go on
    bool done = false;
    std::vector<SourcePortRow> rows;  ///< reserve(kRowsMax) before posting: the worker allocates nothing
};

// What the control thread asks of a worker; each is answered by one Reply of the matching kind.
struct SetTunables {
    tcp::Tunables tunables;      ///< process-wide limits already divided by the number of workers
    std::uint32_t revision = 0;  ///< of the configuration: for a recording
};
struct SetServices {
    const proxy::ServiceTable* table;  ///< stays valid until every worker has replied to a newer one
};
struct ListConnections {
    std::unique_ptr<RowPage> page;
};
struct ListSourcePorts {
    std::unique_ptr<SourcePortPage> page;
};
struct SetDraining {
    bool draining;  ///< new SYNs are answered with RST
};
struct AbortAll {
    stats::CloseReason reason;  ///< every connection is reset
};
/// The port's device is going. From the reply on this worker touches it no more: nothing is received through
/// the port, and what is sent through it is counted as lost. For good; once a port.
struct GivePortUp {
    std::uint16_t port;
};
struct SetRecorder {
    /// Takes down all turns after this one, until a newer one is acknowledged; or nullptr.
    Recorder* recorder;
};
struct Stop {};  ///< the worker's loop ends after flushing what it can

using Command = std::variant<std::monostate, SetTunables, SetServices, ListConnections, ListSourcePorts,
                             SetDraining, AbortAll, GivePortUp, SetRecorder, Stop>;

struct TunablesSet {};
struct ServicesSet {
    std::uint64_t version;
};
struct ConnectionsListed {
    std::unique_ptr<RowPage> page;
};
struct SourcePortsListed {
    std::unique_ptr<SourcePortPage> page;
};
struct DrainingSet {};
struct AllAborted {};
struct PortGivenUp {};
struct RecorderSet {
    std::vector<std::uint8_t>
        snapshot;           ///< Worker::save() before the first turn recorded; empty: none will be
    base::Duration took{};  ///< what the worker stood still for
};
struct Stopped {};

using Reply = std::variant<std::monostate, TunablesSet, ServicesSet, ConnectionsListed, SourcePortsListed,
                           DrainingSet, AllAborted, PortGivenUp, RecorderSet, Stopped>;

}  // namespace terminus::worker
