#pragma once

#include <cstdint>
#include <type_traits>

#include "base/bytes.hpp"

/// A recording's bytes, in this machine's order, which is x86's. docs/replay.md says what they are for.
namespace terminus::record {

inline constexpr char kMagic[8] = {'T', 'E', 'R', 'M', 'R', 'E', 'C', '2'};

/// A file is the magic and chunks. No chunk is longer than this, which is more than a worker's ring holds.
inline constexpr std::uint32_t kChunkBytesMax = 1u << 30;

enum class ChunkKind : std::uint16_t {
    Head = 1,      ///< the first, and once: what the process was made of
    Revision = 2,  ///< a change of the configuration
    Turns = 3,     ///< of one worker
    End = 4,       ///< the last: why the recording ended, in words
    Snapshot = 5,  ///< a piece of one worker's state when it began to be recorded
    Past = 6,  ///< of a recording that began later than the process, right after the head: how it was then
};

struct ChunkHeader {
    std::uint16_t kind = 0;
    std::uint16_t worker = 0;  ///< of Turns and Snapshot
    std::uint32_t length = 0;  ///< of what follows
};
static_assert(sizeof(ChunkHeader) == 8);

/// What a piece of a snapshot begins with. Pieces are joined in the order of the file; turns may lie between
/// them.
struct SnapshotHeader {
    std::uint64_t length = 0;  ///< of all pieces' bytes, without these headers
};

/// A turn that did something, and its events. A turn in which nothing happened is left out; the last one of
/// those before this one is told by its time, because what measures time moved on with it.
struct TurnHeader {
    std::int64_t now = 0;            ///< the process's clock, nanoseconds
    std::int64_t idle = 0;           ///< of the turn before, in which nothing happened; 0: there was none
    std::uint32_t free_buffers = 0;  ///< of the payload pool, as the turn found it
    std::uint32_t length = 0;        ///< of the events, which follow
};
static_assert(sizeof(TurnHeader) == 24);

enum class EventKind : std::uint8_t {
    Received = 1,         ///< a burst: `count` received frames
    Sent = 2,             ///< a burst that was offered: `other` frames, of which `count` were taken
    HandedOver = 3,       ///< one received frame, of worker `other`
    NeighbourWanted = 4,  ///< by worker `other`: a Neighbour
    NeighbourAnswer = 5,  ///< of worker `other`: a Neighbour
    Command = 6,          ///< of the control thread: `detail` says which; its argument
};

struct EventHeader {
    std::uint8_t kind = 0;
    std::uint8_t detail = 0;
    std::uint16_t port = 0;
    std::uint16_t other = 0;
    std::uint16_t count = 0;
};
static_assert(sizeof(EventHeader) == 8);

/// A frame as it was received, in as many buffers: `segments` descriptions, then all bytes.
struct ReceivedHeader {
    std::uint16_t segments = 0;
    std::uint16_t is_verified = 0;  ///< the device said that the transport checksum is good
    std::uint32_t length = 0;
};
struct SegmentHeader {
    std::uint16_t offset = 0;  ///< of the data within its buffer: what is left before and behind
    std::uint16_t length = 0;
};
static_assert(sizeof(ReceivedHeader) == 8 && sizeof(SegmentHeader) == 4);

/// A frame as it was sent: its bytes follow.
struct SentHeader {
    std::uint32_t length = 0;
};

struct Neighbour {
    std::uint8_t mac[6] = {};
    std::uint8_t unused[2] = {};
    std::uint8_t address[16] = {};
};
static_assert(sizeof(Neighbour) == 24);

enum class CommandKind : std::uint8_t {
    SetTunables = 1,  ///< the argument: the configuration's revision
    SetServices = 2,  ///< the version of the service table
    SetDraining = 3,  ///< 0 or 1
    AbortAll = 4,     ///< stats::CloseReason
    Stop = 5,
};

/// A struct of the above as bytes.
template <typename T>
[[nodiscard]] base::Bytes bytes_of(const T& plain) {
    static_assert(std::is_trivially_copyable_v<T> && std::has_unique_object_representations_v<T>,
                  "no padding, whose bytes would be anything");
    return {reinterpret_cast<const std::uint8_t*>(&plain), sizeof plain};
}

}  // namespace terminus::record
