#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "record/layout.hpp"

namespace terminus::record {

/// What is wrong with a recording, and where: counted in bytes from the beginning of what was parsed.
struct Fault {
    std::size_t offset = 0;
    const char* what = "";
};

/// A frame that was received.
struct ReceivedFrame {
    bool is_verified = false;
    base::Bytes segments;  ///< SegmentHeaders
    base::Bytes bytes;

    [[nodiscard]] std::size_t segment_count() const { return segments.size() / sizeof(SegmentHeader); }
    [[nodiscard]] SegmentHeader segment(std::size_t index) const;
};

struct Event {
    EventHeader header;
    base::Bytes body;  ///< frames, a Neighbour, or a command's argument

    [[nodiscard]] EventKind kind() const { return static_cast<EventKind>(header.kind); }
    [[nodiscard]] Neighbour neighbour() const;
    [[nodiscard]] std::uint64_t argument() const;
};

struct Turn {
    TurnHeader header;
    base::Bytes events;
};

/// The turn at the front of `turns`, which it leaves; nothing at the end. `from` is where `turns` begins in
/// the file: for the fault.
[[nodiscard]] base::Result<std::optional<Turn>, Fault> take_turn(base::Bytes& turns, std::size_t from);

/// The event at the front of a turn's events, likewise. All that it holds is there and what it says it is.
[[nodiscard]] base::Result<std::optional<Event>, Fault> take_event(base::Bytes& events, std::size_t from);

/// The next frame of the body of Received and HandedOver, and of Sent: of an event that take_event() gave.
[[nodiscard]] ReceivedFrame take_received(base::Bytes& body);
[[nodiscard]] base::Bytes take_sent(base::Bytes& body);

}  // namespace terminus::record
