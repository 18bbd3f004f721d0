#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "base/time.hpp"
#include "capture/file_port.hpp"
#include "capture/reader.hpp"
#include "capture/recorded_conversations.hpp"
#include "common/buffers.hpp"
#include "config/config.hpp"
#include "pcap_device.hpp"
#include "proxy/service_table.hpp"
#include "replay/stage.hpp"
#include "replay/stage_port.hpp"
#include "worker/worker.hpp"

namespace terminus::app {

/// Captures of clients with some other server, and the stage on which their two sides are played.
class Foreign final : public replay::Sessions {
 public:
    /// A port of the configuration and what its capture is written by.
    struct Port {
        const PcapDevice* device = nullptr;
        capture::FilePort* files = nullptr;  ///< reads nothing
    };

    /// Throws std::runtime_error: captures, memory.
    Foreign(const Arguments& arguments, const config::Config& config, const dpdk::Sizing& sizing,
            const Pools& pools, const proxy::ServiceTable& services, const std::vector<Port>& ports,
            base::Instant starts);

    /// The workers whose sessions are asked for; they outlive the last turn().
    void serve(const std::vector<std::unique_ptr<worker::Worker>>& workers) { workers_ = &workers; }

    [[nodiscard]] replay::StagePort& port(std::size_t index) { return *ports_[index]; }
    [[nodiscard]] const replay::StagePort& port(std::size_t index) const { return *ports_[index]; }
    /// nullptr: the port has no capture.
    [[nodiscard]] const capture::RecordedConversations* recorded(std::size_t port) const {
        return recorded_[port] ? &*recorded_[port] : nullptr;
    }
    /// Of the port's capture; what the recording tells better is 0.
    [[nodiscard]] const capture::Reader::Counters& reader_counters(std::size_t port) const {
        return read_[port];
    }
    [[nodiscard]] const replay::Stage& stage() const { return *stage_; }
    /// The backends' turn.
    void turn(base::Instant now) { stage_->turn(now, *this); }
    /// The run is over. Throws std::runtime_error when a file could not be written.
    void close();

    [[nodiscard]] std::optional<wire::FourTuple> client_behind(
        const wire::FourTuple& backend_leg) const override;

 private:
    void load(const std::vector<Port>& ports, const std::vector<replay::ServiceEndpoint>& services);

    std::deque<std::optional<capture::RecordedConversations>> recorded_;  // by port
    std::vector<capture::Reader::Counters> read_;                         // by port
    Pools pools_;                                                         // the backends'
    std::unique_ptr<replay::Stage> stage_;
    std::vector<std::unique_ptr<replay::StagePort>> ports_;
    const std::vector<std::unique_ptr<worker::Worker>>* workers_ = nullptr;
};

}  // namespace terminus::app
