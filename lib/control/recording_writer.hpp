#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/time.hpp"
#include "control/recording_file.hpp"
#include "record/head.hpp"
#include "worker/recorder.hpp"

namespace terminus::control {

/// What a recording is made with.
struct RecordingRequest {
    /// A worker's ring: at 10 Gbit/s of payload, which is recorded twice, some 13 ms of it.
    static constexpr std::size_t kRingBytes = std::size_t{1} << 25;

    /// Connections a worker, which it takes some 50 ms to write down (docs/decisions/recording.md).
    static constexpr std::uint64_t kConnectionsPerWorker = 32768;

    std::string path;
    std::uint64_t limit_bytes = UINT64_MAX;
    base::Duration lasts = base::Duration::max();  ///< from its beginning on
    /// The recording ends when nobody holds this any more.
    std::optional<std::weak_ptr<const void>> owner;
    /// With more the recording does not begin; nothing: kConnectionsPerWorker on each.
    std::optional<std::uint64_t> connections_max;
    std::size_t ring_bytes = kRingBytes;
};

/// Writes what the workers' recorders hold, on a thread of its own: a slow disk holds up nobody but this.
class RecordingWriter {
 public:
    /// Creates the file, with the head and the past where there is one, and starts the thread.
    [[nodiscard]] static base::Result<std::unique_ptr<RecordingWriter>, std::string> start(
        const RecordingRequest& request, const record::Head& head,
        const std::optional<record::Past>& past = std::nullopt);
    /// finish(), if nobody did that.
    ~RecordingWriter();
    RecordingWriter(const RecordingWriter&) = delete;
    RecordingWriter& operator=(const RecordingWriter&) = delete;

    [[nodiscard]] worker::Recorder& recorder(std::uint16_t worker) { return *recorders_[worker]; }
    /// To be written before anything that the workers do from now on.
    void add(const record::Revision& revision);
    /// The state that a worker's turns begin with. It is written piece by piece between turns, whose rings
    /// would run full if it were written at once.
    void add_snapshot(std::uint16_t worker, std::vector<std::uint8_t> bytes);

    /// Why nothing more is written: a full ring, the limit, the disk; nothing while all is well.
    [[nodiscard]] std::optional<std::string> trouble() const;
    [[nodiscard]] std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

    /// When no worker uses its recorder any more: writes what is left, and the end, which is the trouble
    /// where there was some.
    void finish(const std::string& why);

 private:
    struct Snapshot {
        std::uint16_t worker = 0;
        std::vector<std::uint8_t> bytes;
        std::size_t written = 0;
    };

    RecordingWriter(RecordingFile file, std::uint16_t workers, std::size_t ring_bytes);
    void run();
    bool write_some();
    bool write_revisions();
    bool write_piece();
    void look_for_full_rings();
    void set_trouble(const std::string& what);

    RecordingFile file_;
    std::vector<std::unique_ptr<worker::Recorder>> recorders_;
    mutable std::mutex mutex_;  // of the three below
    std::vector<record::Revision> revisions_;
    std::deque<Snapshot> snapshots_;
    std::optional<std::string> trouble_;
    std::atomic<bool> is_over_{false};
    std::atomic<std::uint64_t> bytes_{0};
    std::thread thread_;
};

}  // namespace terminus::control
