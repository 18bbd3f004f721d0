#include "control/recording_writer.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace terminus::control {
namespace {

/// Between two looks at empty rings: they hold far more than comes meanwhile.
constexpr std::chrono::milliseconds kPause{1};

/// Of a snapshot, between two looks at the rings: written in less than a millisecond.
constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

}  // namespace

base::Result<std::unique_ptr<RecordingWriter>, std::string> RecordingWriter::start(
    const RecordingRequest& request, const record::Head& head, const std::optional<record::Past>& past) {
    auto file = RecordingFile::create(request.path, request.limit_bytes);
    if (!file) return base::Failure{file.error()};
    const std::vector<std::uint8_t> bytes = record::encode(head);
    auto appended = file.value().append(record::ChunkKind::Head, 0, {bytes, base::Bytes()});
    if (appended && past) {
        const std::vector<std::uint8_t> then = record::encode(*past);
        appended = file.value().append(record::ChunkKind::Past, 0, {then, base::Bytes()});
    }
    if (!appended) {
        (void)::unlink(request.path.c_str());  // it is ours, and of no use to anybody
        return base::Failure{request.path + ": " + appended.error()};
    }
    return std::unique_ptr<RecordingWriter>(
        new RecordingWriter(std::move(file).value(), head.workers, request.ring_bytes));
}

RecordingWriter::RecordingWriter(RecordingFile file, std::uint16_t workers, std::size_t ring_bytes)
    : file_(std::move(file)) {
    for (std::uint16_t worker = 0; worker < workers; ++worker)
        recorders_.push_back(std::make_unique<worker::Recorder>(ring_bytes));
    bytes_ = file_.size();
    thread_ = std::thread([this] { run(); });
}

RecordingWriter::~RecordingWriter() {
    if (thread_.joinable()) finish("terminusd ended");
}

void RecordingWriter::add(const record::Revision& revision) {
    const std::lock_guard lock(mutex_);
    revisions_.push_back(revision);
}

void RecordingWriter::add_snapshot(std::uint16_t worker, std::vector<std::uint8_t> bytes) {
    const std::lock_guard lock(mutex_);
    snapshots_.push_back({worker, std::move(bytes)});
}

std::optional<std::string> RecordingWriter::trouble() const {
    const std::lock_guard lock(mutex_);
    return trouble_;
}

void RecordingWriter::finish(const std::string& why) {
    is_over_.store(true, std::memory_order_release);
    thread_.join();
    file_.end(trouble_.value_or(why));
    bytes_ = file_.size();
}

void RecordingWriter::run() {
    while (!is_over_.load(std::memory_order_acquire)) {
        if (!write_some()) std::this_thread::sleep_for(kPause);
    }
    while (write_some()) {
    }
}

// Whether there was something. After trouble what is in the rings is let go.
bool RecordingWriter::write_some() {
    bool any = false;
    bool is_good = write_revisions();
    for (std::size_t index = 0; index < recorders_.size(); ++index) {
        base::ByteRing& ring = recorders_[index]->ring();
        const std::array<base::Bytes, 2> turns = ring.readable();
        const std::size_t size = turns[0].size() + turns[1].size();
        if (size == 0) continue;
        any = true;
        if (is_good) {
            const auto appended =
                file_.append(record::ChunkKind::Turns, static_cast<std::uint16_t>(index), turns);
            if (!appended) set_trouble(appended.error());
            is_good = appended.ok();
        }
        ring.consume(size);
    }
    any |= write_piece();
    bytes_.store(file_.size(), std::memory_order_relaxed);
    look_for_full_rings();
    return any;
}

// A revision is added before a worker hears of it, so one that is not here yet belongs to later turns.
bool RecordingWriter::write_revisions() {
    std::vector<record::Revision> revisions;
    {
        const std::lock_guard lock(mutex_);
        if (trouble_) return false;
        revisions.swap(revisions_);
    }
    for (const record::Revision& revision : revisions) {
        const std::vector<std::uint8_t> bytes = record::encode(revision);
        const auto appended = file_.append(record::ChunkKind::Revision, 0, {bytes, base::Bytes()});
        if (!appended) {
            set_trouble(appended.error());
            return false;
        }
    }
    return true;
}

// Of the first snapshot that waits; whether there was one.
bool RecordingWriter::write_piece() {
    Snapshot* snapshot = nullptr;
    {
        const std::lock_guard lock(mutex_);
        if (trouble_) snapshots_.clear();
        if (snapshots_.empty()) return false;
        snapshot = &snapshots_.front();  // stays where it is while others are added behind it
    }
    const base::Bytes rest = base::Bytes(snapshot->bytes).subspan(snapshot->written);
    const base::Bytes piece = rest.first(std::min(rest.size(), kPieceBytes));
    const record::SnapshotHeader header{snapshot->bytes.size()};
    const auto appended =
        file_.append(record::ChunkKind::Snapshot, snapshot->worker, {record::bytes_of(header), piece});
    if (!appended) set_trouble(appended.error());
    snapshot->written += piece.size();
    if (piece.size() == rest.size()) {
        const std::lock_guard lock(mutex_);
        snapshots_.pop_front();
    }
    return true;
}

// The turns before it are whole, and those of the other workers go on until the workers are told.
void RecordingWriter::look_for_full_rings() {
    for (std::size_t index = 0; index < recorders_.size(); ++index) {
        const std::uint64_t turn = recorders_[index]->gave_up_at();
        if (turn == 0 || trouble()) continue;
        set_trouble("worker " + std::to_string(index) + " could not keep up at turn " + std::to_string(turn));
    }
}

void RecordingWriter::set_trouble(const std::string& what) {
    const std::lock_guard lock(mutex_);
    if (!trouble_) trouble_ = what;
}

}  // namespace terminus::control
