#include "record/recording.hpp"

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"

namespace terminus::record {
namespace {

/// The ports that events name are the head's, and so are the workers.
bool has_its_places(const Event& event, const Head& head) {
    switch (event.kind()) {
        case EventKind::Received:
        case EventKind::Sent:
            return event.header.port < head.ports.size();
        case EventKind::HandedOver:
        case EventKind::NeighbourWanted:
        case EventKind::NeighbourAnswer:
            return event.header.port < head.ports.size() && event.header.other < head.workers;
        case EventKind::Command:
            return true;
    }
    return false;
}

std::optional<Fault> fault_of(const TurnsChunk& chunk, const Head& head) {
    base::Bytes rest = chunk.turns;
    while (!rest.empty()) {
        const std::size_t at = chunk.offset + chunk.turns.size() - rest.size();
        const auto turn = take_turn(rest, at);
        if (!turn) return turn.error();
        base::Bytes events = turn.value()->events;
        while (!events.empty()) {
            const std::size_t place = chunk.offset + chunk.turns.size() - rest.size() - events.size();
            const auto event = take_event(events, place);
            if (!event) return event.error();
            if (!has_its_places(*event.value(), head))
                return Fault{place, "an event names a port or a worker that is not there"};
        }
    }
    return std::nullopt;
}

}  // namespace

std::vector<std::uint8_t> Snapshot::joined() const {
    std::vector<std::uint8_t> bytes;
    bytes.reserve(length_so_far);
    for (const base::Bytes piece : pieces)
        bytes.insert(bytes.end(), piece.begin(), piece.end());
    return bytes;
}

base::Result<Recording, Fault> Recording::parse(base::Bytes file) {
    const auto fault = [](std::size_t offset, const char* what) {
        return base::Failure{Fault{offset, what}};
    };
    if (file.size() < sizeof kMagic || std::memcmp(file.data(), kMagic, sizeof kMagic) != 0)
        return fault(0, "this is no recording");
    Recording recording;
    std::size_t at = sizeof kMagic;
    while (at < file.size()) {
        if (recording.end) return fault(at, "something follows the end");
        ChunkHeader header;
        if (file.size() - at < sizeof header) break;
        std::memcpy(&header, file.data() + at, sizeof header);
        const std::size_t begin = at + sizeof header;
        if (header.length > kChunkBytesMax) return fault(at, "a part has a length that can't be");
        if (file.size() - begin < header.length) break;
        if (const auto found = recording.take(header, at, file.subspan(begin, header.length)))
            return base::Failure{*found};
        at = begin + header.length;
    }
    if (at < file.size()) recording.broken = {.offset = at, .bytes = file.size() - at};
    if (!recording.has_head()) return fault(file.size(), "the file breaks off");
    if (!recording.has_all_snapshots())
        return fault(file.size(), "it ended before the state at its beginning was written");
    return recording;
}

/// The part at `at`.
std::optional<Fault> Recording::take(const ChunkHeader& header, std::size_t at, base::Bytes content) {
    const std::size_t begin = at + sizeof header;
    const auto kind = static_cast<ChunkKind>(header.kind);
    if (!has_head() && kind != ChunkKind::Head) return Fault{at, "the head is missing"};
    switch (kind) {
        case ChunkKind::Head:
            return has_head() ? Fault{at, "there is a second head"} : take_head(content, begin);
        case ChunkKind::Past:
            if (past || !revisions.empty() || !chunks.empty())
                return Fault{at, "the past is not in its place"};
            return take_past(content, begin);
        case ChunkKind::Revision: {
            auto revision = decode_revision(content, begin);
            if (!revision) return revision.error();
            revisions.push_back(std::move(revision).value());
            return std::nullopt;
        }
        case ChunkKind::Snapshot:
            if (!past) return Fault{at, "there is a snapshot without a past"};
            if (header.worker >= head.workers) return Fault{at, "there is no such worker"};
            return take_snapshot(snapshots[header.worker], content, at);
        case ChunkKind::Turns: {
            const TurnsChunk chunk{header.worker, begin, content};
            if (chunk.worker >= head.workers) return Fault{at, "there is no such worker"};
            chunks.push_back(chunk);
            return fault_of(chunk, head);
        }
        case ChunkKind::End:
            end = std::string(content.begin(), content.end());
            return std::nullopt;
    }
    return Fault{at, "there is no such part"};
}

std::optional<Fault> Recording::take_head(base::Bytes content, std::size_t begin) {
    auto decoded = decode_head(content, begin);
    if (!decoded) return decoded.error();
    head = std::move(decoded).value();
    snapshots.resize(head.workers);
    return std::nullopt;
}

std::optional<Fault> Recording::take_past(base::Bytes content, std::size_t begin) {
    auto decoded = decode_past(content, begin);
    if (!decoded) return decoded.error();
    past = std::move(decoded).value();
    return std::nullopt;
}

std::optional<Fault> Recording::take_snapshot(Snapshot& snapshot, base::Bytes content, std::size_t at) {
    SnapshotHeader header;
    if (content.size() < sizeof header) return Fault{at, "a snapshot's piece breaks off"};
    std::memcpy(&header, content.data(), sizeof header);
    if (!snapshot.pieces.empty() && header.length != snapshot.length)
        return Fault{at, "the pieces of a snapshot don't fit together"};
    snapshot.length = header.length;
    snapshot.pieces.push_back(content.subspan(sizeof header));
    snapshot.length_so_far += snapshot.pieces.back().size();
    if (snapshot.length_so_far > snapshot.length) return Fault{at, "a snapshot is longer than it says it is"};
    return std::nullopt;
}

bool Recording::has_all_snapshots() const {
    if (!past) return true;
    const bool are_whole = std::all_of(snapshots.begin(), snapshots.end(),
                                       [](const Snapshot& one) { return one.length_so_far == one.length; });
    return are_whole && std::none_of(chunks.begin(), chunks.end(), [this](const TurnsChunk& chunk) {
               return snapshots[chunk.worker].pieces.empty();
           });
}

std::optional<Turn> Turns::next() {
    while (rest_.empty()) {
        if (chunk_ == recording_->chunks.size()) return std::nullopt;
        const TurnsChunk& chunk = recording_->chunks[chunk_++];
        if (chunk.worker == worker_) rest_ = chunk.turns;
    }
    const auto turn = take_turn(rest_, 0);
    TERMINUS_ASSERT(turn.ok() && turn.value(), "Recording::parse() has looked through all turns");
    return *turn.value();
}

}  // namespace terminus::record
