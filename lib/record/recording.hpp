#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "record/events.hpp"
#include "record/head.hpp"

namespace terminus::record {

/// Some turns of one worker.
struct TurnsChunk {
    std::uint16_t worker = 0;
    std::size_t offset = 0;  ///< in the file
    base::Bytes turns;
};

/// A whole recording, looked through: what take_turn() and take_event() give of it has no fault any more.
struct Recording {
    Head head;
    std::vector<Revision> revisions;
    std::vector<TurnsChunk> chunks;  ///< in the order of the file; a worker's are in the order of its turns
    /// Why it ended; nothing when the process ended before it did.
    std::optional<std::string> end;

    /// `file` stays where it is for as long as the Recording is used.
    [[nodiscard]] static base::Result<Recording, Fault> parse(base::Bytes file);
};

/// The turns of one worker, over all chunks.
class Turns {
 public:
    Turns(const Recording& recording, std::uint16_t worker) : recording_(&recording), worker_(worker) {}
    [[nodiscard]] std::optional<Turn> next();

 private:
    const Recording* recording_;
    std::uint16_t worker_;
    std::size_t chunk_ = 0;
    base::Bytes rest_;
};

}  // namespace terminus::record
