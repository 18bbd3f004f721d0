#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "packet/port.hpp"
#include "record/recording.hpp"
#include "worker/worker.hpp"

namespace terminus::worker {

/// Where a repetition first did something else than the recording says.
struct Divergence {
    std::uint16_t worker = 0;
    std::uint64_t turn = 0;  ///< of the recording, from 1
    base::Instant now{};
    std::uint16_t port = 0;
    /// What was sent through that port in the turn, in order: then, and now.
    std::vector<std::vector<std::uint8_t>> recorded;
    std::vector<std::vector<std::uint8_t>> repeated;
};

/// One worker of a recording, once more: turn by turn with the times, free buffers, frames, messages and
/// commands of then. What it sends is held against what it sent.
class Repetition {
 public:
    struct Settings {
        worker::Settings worker;  ///< its `worker` says which
        std::uint16_t workers = 1;
        rte_mempool* pool = nullptr;  ///< what frames are received into
        const proxy::ServiceTable* table = nullptr;
        base::Instant began;
        base::Bytes snapshot;  ///< what the worker begins with; empty: nothing, it is at its first turn
        std::vector<packet::PortCapabilities> capabilities;  ///< by port, as are the settings' interfaces
        /// What a recorded command was.
        std::function<Command(record::CommandKind kind, std::uint64_t argument)> command;
    };
    struct Counters {
        std::uint64_t turns = 0;
        std::uint64_t received = 0;
        std::uint64_t sent = 0;  ///< as recorded
    };

    /// The recording outlives this.
    Repetition(const record::Recording& recording, Settings settings);
    ~Repetition();
    Repetition(const Repetition&) = delete;
    Repetition& operator=(const Repetition&) = delete;

    /// The next turn: false when there is none, or when this one diverged.
    [[nodiscard]] bool step();
    [[nodiscard]] const std::optional<Divergence>& divergence() const { return divergence_; }
    /// Frames could not be received for want of buffers: what follows is worth nothing.
    [[nodiscard]] bool ran_out_of_buffers() const { return ran_out_; }
    /// Why the snapshot was refused: then there is no turn to be had.
    [[nodiscard]] const std::optional<std::string>& snapshot_fault() const { return snapshot_fault_; }
    [[nodiscard]] const Counters& counters() const { return counters_; }
    [[nodiscard]] const stats::CoreStats& stats() const { return group_.stats(self_); }

 private:
    class Port;

    void prepare(const record::Event& event);
    [[nodiscard]] packet::Buffer frame_of(const record::ReceivedFrame& frame);
    void post(std::uint16_t from, stack::Message&& message);
    void turn(base::Instant now, std::uint32_t free_buffers);
    void discard_answers();
    [[nodiscard]] std::uint16_t offered(std::uint16_t port, packet::Batch& frames);
    void diverge(std::uint16_t port);

    Settings settings_;
    std::uint16_t self_;
    record::Turns turns_;
    Group group_;
    Mesh mesh_;
    std::vector<std::unique_ptr<Port>> ports_;
    std::unique_ptr<Worker> worker_;
    record::Turn turn_;                   // that is repeated
    std::deque<record::Event> expected_;  // its bursts that were sent and have not come yet
    std::vector<std::vector<std::vector<std::uint8_t>>> sent_;  // by port, in this turn
    std::optional<Divergence> divergence_;
    bool ran_out_ = false;
    std::optional<std::string> snapshot_fault_;
    Counters counters_;
};

}  // namespace terminus::worker
