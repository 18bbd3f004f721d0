#include "record/events.hpp"

#include <cstring>

#include "base/assert.hpp"

namespace terminus::record {
namespace {

/// Reads a plain struct from the front; nothing when too few bytes are left.
template <typename T>
std::optional<T> take(base::Bytes& bytes) {
    if (bytes.size() < sizeof(T)) return std::nullopt;
    T plain;
    std::memcpy(&plain, bytes.data(), sizeof plain);
    bytes = bytes.subspan(sizeof plain);
    return plain;
}

/// Steps over a received frame; false when it isn't one.
bool skip_received(base::Bytes& bytes) {
    const std::optional<ReceivedHeader> header = take<ReceivedHeader>(bytes);
    if (!header || header->segments == 0 || header->is_verified > 1) return false;
    std::uint64_t sum = 0;
    for (std::uint32_t i = 0; i < header->segments; ++i) {
        const std::optional<SegmentHeader> segment = take<SegmentHeader>(bytes);
        if (!segment) return false;
        sum += segment->length;
    }
    if (sum != header->length || bytes.size() < header->length) return false;
    bytes = bytes.subspan(header->length);
    return true;
}

bool skip_sent(base::Bytes& bytes) {
    const std::optional<SentHeader> header = take<SentHeader>(bytes);
    if (!header || bytes.size() < header->length) return false;
    bytes = bytes.subspan(header->length);
    return true;
}

/// Steps over what follows `header`; false when it isn't that.
bool skip_body(const EventHeader& header, base::Bytes& bytes) {
    const bool is_received = header.kind == static_cast<std::uint8_t>(EventKind::Received);
    switch (static_cast<EventKind>(header.kind)) {
        case EventKind::Received:
        case EventKind::HandedOver:
            if (!is_received && header.count != 1) return false;
            for (std::uint32_t i = 0; i < header.count; ++i) {
                if (!skip_received(bytes)) return false;
            }
            return true;
        case EventKind::Sent:
            if (header.count > header.other) return false;
            for (std::uint32_t i = 0; i < header.count; ++i) {
                if (!skip_sent(bytes)) return false;
            }
            return true;
        case EventKind::NeighbourWanted:
        case EventKind::NeighbourAnswer:
            return take<Neighbour>(bytes).has_value();
        case EventKind::Command:
            return header.detail >= static_cast<std::uint8_t>(CommandKind::SetTunables) &&
                   header.detail <= static_cast<std::uint8_t>(CommandKind::Stop) &&
                   take<std::uint64_t>(bytes).has_value();
    }
    return false;
}

}  // namespace

SegmentHeader ReceivedFrame::segment(std::size_t index) const {
    TERMINUS_ASSERT(index < segment_count(), "callers count the segments first");
    SegmentHeader header;
    std::memcpy(&header, segments.data() + index * sizeof header, sizeof header);
    return header;
}

Neighbour Event::neighbour() const {
    base::Bytes rest = body;
    return take<Neighbour>(rest).value_or(Neighbour{});
}

std::uint64_t Event::argument() const {
    base::Bytes rest = body;
    return take<std::uint64_t>(rest).value_or(0);
}

base::Result<std::optional<Turn>, Fault> take_turn(base::Bytes& turns, std::size_t from) {
    if (turns.empty()) return std::optional<Turn>();
    const std::optional<TurnHeader> header = take<TurnHeader>(turns);
    if (!header || turns.size() < header->length) return base::Failure{Fault{from, "a turn breaks off"}};
    const Turn turn{*header, turns.first(header->length)};
    turns = turns.subspan(header->length);
    return std::optional(turn);
}

base::Result<std::optional<Event>, Fault> take_event(base::Bytes& events, std::size_t from) {
    if (events.empty()) return std::optional<Event>();
    const std::optional<EventHeader> header = take<EventHeader>(events);
    if (!header) return base::Failure{Fault{from, "an event breaks off"}};
    base::Bytes rest = events;
    if (!skip_body(*header, rest)) return base::Failure{Fault{from, "an event is not what it says it is"}};
    const Event event{*header, events.first(events.size() - rest.size())};
    events = rest;
    return std::optional(event);
}

ReceivedFrame take_received(base::Bytes& body) {
    const std::optional<ReceivedHeader> header = take<ReceivedHeader>(body);
    TERMINUS_ASSERT(header, "take_event() has seen that the frames are there");
    ReceivedFrame frame;
    frame.is_verified = header->is_verified != 0;
    frame.segments = body.first(header->segments * sizeof(SegmentHeader));
    frame.bytes = body.subspan(frame.segments.size(), header->length);
    body = body.subspan(frame.segments.size() + header->length);
    return frame;
}

base::Bytes take_sent(base::Bytes& body) {
    const std::optional<SentHeader> header = take<SentHeader>(body);
    TERMINUS_ASSERT(header, "take_event() has seen that the frames are there");
    const base::Bytes frame = body.first(header->length);
    body = body.subspan(header->length);
    return frame;
}

}  // namespace terminus::record
