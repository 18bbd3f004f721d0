// Any bytes as a recording, read to the last frame of its last turn or refused.
#include <algorithm>

#include "base/assert.hpp"
#include "record/recording.hpp"

using namespace terminus;

namespace {

volatile std::uint8_t sink = 0;

void touch(base::Bytes bytes) {  // the sanitizer sees what is not there
    for (const std::uint8_t byte : bytes)
        sink = sink ^ byte;
}

void read_event(const record::Event& event) {
    base::Bytes body = event.body;
    switch (event.kind()) {
        case record::EventKind::Received:
        case record::EventKind::HandedOver:
            for (std::uint32_t i = 0; i < event.header.count; ++i) {
                const record::ReceivedFrame frame = record::take_received(body);
                std::size_t sum = 0;
                for (std::size_t segment = 0; segment < frame.segment_count(); ++segment)
                    sum += frame.segment(segment).length;
                TERMINUS_ASSERT(sum == frame.bytes.size(), "the buffers hold the frame and nothing else");
                touch(frame.bytes);
            }
            break;
        case record::EventKind::Sent:
            TERMINUS_ASSERT(event.header.count <= event.header.other, "no more is taken than was offered");
            for (std::uint32_t i = 0; i < event.header.count; ++i)
                touch(record::take_sent(body));
            break;
        case record::EventKind::NeighbourWanted:
        case record::EventKind::NeighbourAnswer:
            touch(record::bytes_of(event.neighbour()));
            return;
        case record::EventKind::Command:
            (void)event.argument();
            return;
    }
    TERMINUS_ASSERT(body.empty(), "an event's body is its frames");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto parsed = record::Recording::parse({data, size});
    if (!parsed) {
        TERMINUS_ASSERT(parsed.error().offset <= size, "a fault lies within the file");
        return 0;
    }
    const record::Recording& recording = parsed.value();
    TERMINUS_ASSERT(record::decode_head(record::encode(recording.head), 0).value() == recording.head,
                    "a head that was read can be written");
    if (recording.past)
        TERMINUS_ASSERT(record::decode_past(record::encode(*recording.past), 0).value() == *recording.past,
                        "a past that was read can be written");
    for (const record::Snapshot& snapshot : recording.snapshots)
        TERMINUS_ASSERT(snapshot.joined().size() == snapshot.length, "all pieces are there");
    for (std::uint16_t worker = 0; worker < std::min<std::uint16_t>(recording.head.workers, 16); ++worker) {
        record::Turns turns(recording, worker);
        while (const std::optional<record::Turn> turn = turns.next()) {
            base::Bytes events = turn->events;
            while (!events.empty())
                read_event(*record::take_event(events, 0).value());
        }
    }
    return 0;
}
