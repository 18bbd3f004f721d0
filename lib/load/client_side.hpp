#pragma once

#include <cstdint>
#include <optional>

#include "load/connection_set.hpp"
#include "load/schedule.hpp"
#include "load/settings.hpp"
#include "stats/histogram.hpp"

namespace terminus::load {

enum class Scenario : std::uint8_t {
    Connects,  ///< connect, so many requests and responses, close; again
    Requests,  ///< on connections that are kept
    Bulk,      ///< text without end, one way or both
    Idle,      ///< connections that are opened and kept
};

/// Who sends the first FIN of a connection that has done what it was for.
enum class ClosesFirst : std::uint8_t { Client, Backend };

/// What a client does; see docs/load.md.
struct ClientSettings {
    SideSettings side;  ///< `remote` and `remote_ports` are the one destination, next_hop is set
    Scenario scenario = Scenario::Connects;
    ClosesFirst closes_first = ClosesFirst::Client;
    std::uint32_t request_bytes = 64;   ///< kEndless for bulk
    std::uint32_t response_bytes = 64;  ///< likewise; 0: a request is done when it is acknowledged
    /// Requests after which a connection closes; 0: it is kept. Never 0 for Scenario::Connects.
    std::uint32_t exchanges = 1;
    std::uint32_t concurrency = 1;  ///< connections open at once, at most
    /// Connects: connections to begin a second, Requests: requests. 0: the next when one is done (closed
    /// loop). Idle and Bulk: connections to open a second, 0 for as fast as it goes.
    std::uint64_t rate = 0;
    /// What is done in all: connections (Connects, Idle), requests (Requests), 10^6 bytes of text (Bulk,
    /// about). 0: as much as there is time for.
    std::uint64_t count = 0;
};

/// Plays clients: opens connections to one destination, and asks. Connections close from the moment that
/// stop() is called; is_done() says when all have.
class ClientSide {
 public:
    explicit ClientSide(const ClientSettings& settings);

    /// Takes all frames of a burst.
    void receive(packet::Batch& frames, base::Instant now);
    /// Appends frames as far as there is room. A full `out` means that there may be more.
    void run(base::Instant now, packet::Batch& out);

    /// Whether the next hop has answered: before that nothing begins.
    [[nodiscard]] bool is_ready() const { return set_.is_ready(); }
    /// No new connections or requests; those under way end, and all connections are closed.
    void stop() { is_stopping_ = true; }
    [[nodiscard]] bool is_done() const { return is_stopping_ && numbers().open == 0; }
    /// Whether all of `count` is done: Connects' connections are closed, Idle's are open.
    [[nodiscard]] bool has_done_all() const;
    /// Counts what is still open as unfinished.
    void give_up();

    /// From a connection's intended begin to its SYN-ACK, nanoseconds.
    [[nodiscard]] const stats::Histogram& connect_latency() const { return connect_latency_; }
    /// From a request's intended begin to the last byte of its response; Scenario::Connects' first one from
    /// the connection's.
    [[nodiscard]] const stats::Histogram& response_latency() const { return response_latency_; }
    /// Forgets what was measured while things warmed up. Counts stay.
    void clear_latencies();
    [[nodiscard]] const Numbers& numbers() const { return set_.numbers(); }

 private:
    void happened(std::uint32_t index, const Outcome& outcome);
    void established(std::uint32_t index);
    void text_arrived(std::uint32_t index, std::uint32_t bytes);
    void peer_finished(std::uint32_t index);
    void ask(std::uint32_t index, std::int64_t intended_ns);
    void answered(std::uint32_t index);
    void ask_again(std::uint32_t index);
    void rest(std::uint32_t index);
    void close(std::uint32_t index);
    void recycle();
    void begin_connections(packet::Batch& out);
    void begin_requests(packet::Batch& out);
    void close_some();
    [[nodiscard]] bool may_connect() const;
    [[nodiscard]] bool may_ask() const {
        return settings_.scenario != Scenario::Requests || settings_.count == 0 || asked_ < settings_.count;
    }
    [[nodiscard]] bool opens_by_schedule() const {
        return settings_.rate > 0 && settings_.scenario != Scenario::Requests;
    }
    [[nodiscard]] bool asks_by_schedule() const {
        return settings_.rate > 0 && settings_.scenario == Scenario::Requests;
    }

    ClientSettings settings_;
    ConnectionSet set_;
    IndexRing free_;
    IndexRing rested_;  ///< established and without a request: those that the schedule may use
    std::optional<Schedule> schedule_;
    base::Instant now_{};
    std::uint32_t closing_ = 0;  ///< where close_some() goes on
    std::uint64_t asked_ = 0;
    bool is_stopping_ = false;
    stats::Histogram connect_latency_;
    stats::Histogram response_latency_;
};

}  // namespace terminus::load
