#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "load/address_map.hpp"
#include "load/frame_writer.hpp"
#include "load/neighbours.hpp"
#include "load/numbers.hpp"
#include "load/ring.hpp"
#include "load/schedule.hpp"
#include "load/segment_reader.hpp"
#include "load/settings.hpp"
#include "stats/histogram.hpp"

namespace terminus::load {

struct ProbeSettings {
    SideSettings side;                ///< as a client's
    std::uint32_t text_bytes = 0;     ///< in each probe, at most mss_of()
    std::uint32_t concurrency = 256;  ///< probes on their way at once, at most
    std::uint64_t rate = 0;           ///< a second; 0: the next when one is back
    std::uint64_t count = 0;          ///< probes in all; 0: as many as there is time for
};

/// Sends frames to a Reflector and counts those that come back: what a device carries when nobody thinks
/// about what it carries. Frames look like a client's segments, but belong to no connection.
class ProbeSide {
 public:
    explicit ProbeSide(const ProbeSettings& settings);

    void receive(packet::Batch& frames, base::Instant now);
    void run(base::Instant now, packet::Batch& out);
    [[nodiscard]] bool is_ready() const { return neighbours_.peer().has_value(); }
    void stop() { is_stopping_ = true; }
    /// What is lost is waited for until its time is out.
    [[nodiscard]] bool is_done() const { return is_stopping_ && numbers_.open == 0; }
    /// Whether all of `count` are sent and back, or lost.
    [[nodiscard]] bool has_done_all() const {
        return settings_.count > 0 && sent_ >= settings_.count && numbers_.open == 0;
    }
    void give_up();
    /// From when a probe was to be sent to its return.
    [[nodiscard]] const stats::Histogram& response_latency() const { return latency_; }
    void clear_latencies() { latency_.clear(); }
    [[nodiscard]] const Numbers& numbers() const { return numbers_; }

 private:
    struct Probe {
        base::Instant intended{};
        base::Instant sent{};
        std::uint32_t seq = 0;  ///< of the last one sent from these ports
        bool is_open = false;
    };
    void arrives(const packet::Buffer& frame);
    void expire();
    void send(base::Instant intended, packet::Batch& out);

    ProbeSettings settings_;
    AddressMap map_;
    SegmentReader reader_;
    FrameWriter writer_;
    Neighbours neighbours_;
    Numbers numbers_;
    std::vector<Probe> probes_;
    IndexRing free_;
    std::uint32_t swept_ = 0;  ///< where expire() goes on
    std::optional<Schedule> schedule_;
    base::Instant now_{};
    std::uint64_t sent_ = 0;
    bool is_stopping_ = false;
    stats::Histogram latency_;
};

}  // namespace terminus::load
