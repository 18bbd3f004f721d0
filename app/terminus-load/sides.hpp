#pragma once

#include <memory>

#include "arguments.hpp"
#include "base/time.hpp"
#include "load/numbers.hpp"
#include "packet/batch.hpp"
#include "packet/port.hpp"
#include "stats/histogram.hpp"

namespace terminus::app {

/// What plays on a port: one indirect call a burst, as packet::Port.
class Side {
 public:
    virtual ~Side() = default;
    virtual void receive(packet::Batch& frames, base::Instant now) = 0;
    virtual void run(base::Instant now, packet::Batch& out) = 0;
    [[nodiscard]] virtual const load::Numbers& numbers() const = 0;
};

/// One that speaks first, and whose end is the run's end.
class SpeakingSide : public Side {
 public:
    [[nodiscard]] virtual bool is_ready() const = 0;
    virtual void stop() = 0;
    [[nodiscard]] virtual bool is_done() const = 0;
    [[nodiscard]] virtual bool has_done_all() const = 0;
    virtual void give_up() = 0;
    virtual void clear_latencies() = 0;
    /// nullptr of one that has no connections.
    [[nodiscard]] virtual const stats::Histogram* connect_latency() const = 0;
    [[nodiscard]] virtual const stats::Histogram& response_latency() const = 0;
};

/// A client or a probe, on a port of its family.
[[nodiscard]] std::unique_ptr<SpeakingSide> make_speaker(const Arguments& arguments, const packet::Port& port,
                                                         rte_mempool* pool);
[[nodiscard]] std::unique_ptr<Side> make_backend(const Arguments& arguments, const packet::Port& port,
                                                 rte_mempool* pool);
[[nodiscard]] std::unique_ptr<Side> make_reflector(const packet::Port& port, rte_mempool* pool);

}  // namespace terminus::app
