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

/// What a worker was when its turns began to be recorded, in pieces; in none where that was the process's
/// start.
struct Snapshot {
    std::uint64_t length = 0;
    std::uint64_t length_so_far = 0;  ///< of the pieces
    std::vector<base::Bytes> pieces;

    [[nodiscard]] std::vector<std::uint8_t> joined() const;
};

/// A whole recording, looked through: what take_turn() and take_event() give of it has no fault any more, and
/// where there is a past each worker that has turns has its snapshot, all of it.
struct Recording {
    Head head;
    std::optional<Past> past;  ///< of a recording that began later than the process
    std::vector<Revision> revisions;
    std::vector<Snapshot> snapshots;  ///< by worker
    std::vector<TurnsChunk> chunks;   ///< in the order of the file; a worker's are in the order of its turns
    /// Why it ended; nothing when the process ended before it did.
    std::optional<std::string> end;
    /// A part that the process was writing when it was killed, or that a copy lacks; it is left out.
    struct BrokenPart {
        std::size_t offset = 0;  ///< in the file, where the part begins
        std::size_t bytes = 0;   ///< that are there of it
    };
    std::optional<BrokenPart> broken;

    /// `file` stays where it is for as long as the Recording is used. A file that breaks off within a part is
    /// a recording up to that part, unless the part is its head or of the state at its beginning.
    [[nodiscard]] static base::Result<Recording, Fault> parse(base::Bytes file);

    /// The process's clock at its start, nanoseconds; or when a recording of later was asked for.
    [[nodiscard]] std::int64_t began() const { return past ? past->began : head.began; }

 private:
    [[nodiscard]] bool has_head() const { return !snapshots.empty(); }  // a head has a worker
    [[nodiscard]] std::optional<Fault> take(const ChunkHeader& header, std::size_t at, base::Bytes content);
    [[nodiscard]] std::optional<Fault> take_head(base::Bytes content, std::size_t begin);
    [[nodiscard]] std::optional<Fault> take_past(base::Bytes content, std::size_t begin);
    [[nodiscard]] std::optional<Fault> take_snapshot(Snapshot& snapshot, base::Bytes content, std::size_t at);
    [[nodiscard]] bool has_all_snapshots() const;
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
