#pragma once

#include <rte_mempool.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "capture/file_port.hpp"
#include "capture/timeline.hpp"
#include "capture/writer.hpp"
#include "packet/port.hpp"
#include "replay/stage.hpp"

namespace terminus::replay {

/// A port of Terminus's that leads to a Stage. What is sent goes to the files' port as well, and what is
/// received may be written down.
class StagePort final : public packet::Port {
 public:
    struct Counters {
        std::uint64_t received = 0;
        std::uint64_t received_bytes = 0;
        std::uint64_t no_buffer = 0;  ///< frames that were due and found the pool empty: lost
    };

    /// `files` writes what is sent and reads nothing; both outlive this. `pool` is what frames are received
    /// into.
    StagePort(Stage& stage, std::uint16_t index, capture::FilePort& files, rte_mempool* pool,
              std::optional<capture::Writer> played);

    /// What receive() and transmit() take for now; never earlier than before.
    void set_time(base::Instant now);

    // ---- packet::Port

    void receive(packet::Batch& into) override;
    /// Takes all of them.
    void transmit(packet::Batch& frames) override;
    [[nodiscard]] bool link_is_up() const override { return true; }

    [[nodiscard]] const Counters& counters() const { return counters_; }
    /// Ends the file of what was received; see Writer::close().
    [[nodiscard]] base::Result<void, std::string> close();

 private:
    Stage& stage_;
    std::uint16_t index_;
    capture::FilePort& files_;
    rte_mempool* pool_;
    std::optional<capture::Writer> played_;
    base::Instant now_{};
    Counters counters_;
};

}  // namespace terminus::replay
