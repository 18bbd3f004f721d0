#include "record/recording.hpp"

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

base::Result<Recording, Fault> Recording::parse(base::Bytes file) {
    const auto fault = [](std::size_t offset, const char* what) {
        return base::Failure{Fault{offset, what}};
    };
    if (file.size() < sizeof kMagic || std::memcmp(file.data(), kMagic, sizeof kMagic) != 0)
        return fault(0, "this is no recording");
    Recording recording;
    bool has_head = false;
    for (std::size_t at = sizeof kMagic; at < file.size();) {
        if (recording.end) return fault(at, "something follows the end");
        ChunkHeader header;
        if (file.size() - at < sizeof header) return fault(at, "the file breaks off");
        std::memcpy(&header, file.data() + at, sizeof header);
        const std::size_t begin = at + sizeof header;
        if (header.length > kChunkBytesMax) return fault(at, "a part has a length that can't be");
        if (file.size() - begin < header.length) return fault(at, "the file breaks off");
        const base::Bytes content = file.subspan(begin, header.length);
        if (!has_head && header.kind != static_cast<std::uint16_t>(ChunkKind::Head))
            return fault(at, "the head is missing");
        switch (static_cast<ChunkKind>(header.kind)) {
            case ChunkKind::Head: {
                if (has_head) return fault(at, "there is a second head");
                auto head = decode_head(content, begin);
                if (!head) return base::Failure{head.error()};
                recording.head = std::move(head).value();
                has_head = true;
                break;
            }
            case ChunkKind::Revision: {
                auto revision = decode_revision(content, begin);
                if (!revision) return base::Failure{revision.error()};
                recording.revisions.push_back(std::move(revision).value());
                break;
            }
            case ChunkKind::Turns: {
                const TurnsChunk chunk{header.worker, begin, content};
                if (chunk.worker >= recording.head.workers) return fault(at, "there is no such worker");
                if (const std::optional<Fault> found = fault_of(chunk, recording.head))
                    return base::Failure{*found};
                recording.chunks.push_back(chunk);
                break;
            }
            case ChunkKind::End:
                recording.end = std::string(content.begin(), content.end());
                break;
            default:
                return fault(at, "there is no such part");
        }
        at = begin + header.length;
    }
    if (!has_head) return fault(file.size(), "the file breaks off");
    return recording;
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
