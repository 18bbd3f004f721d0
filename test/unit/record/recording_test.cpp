#include "record/recording.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "support/recording_file.hpp"

namespace terminus::record {
namespace {

using test::RecordingFile;
using Bytes = std::vector<std::uint8_t>;

Head small_head() {
    Head head;
    head.version = "1";
    head.workers = 2;
    head.ports.resize(1);
    return head;
}

EventHeader event_of(EventKind kind, std::uint16_t count = 0, std::uint16_t other = 0) {
    return {.kind = static_cast<std::uint8_t>(kind), .other = other, .count = count};
}

void append_received(Bytes& to, const std::vector<std::string>& segments) {
    std::uint32_t length = 0;
    for (const std::string& segment : segments)
        length += static_cast<std::uint32_t>(segment.size());
    RecordingFile::append(to, ReceivedHeader{static_cast<std::uint16_t>(segments.size()), 1, length});
    for (const std::string& segment : segments)
        RecordingFile::append(to, SegmentHeader{128, static_cast<std::uint16_t>(segment.size())});
    for (const std::string& segment : segments)
        to.insert(to.end(), segment.begin(), segment.end());
}

/// One of each kind.
Bytes events_of_all_kinds() {
    Bytes events;
    RecordingFile::append(events, event_of(EventKind::Received, 2));
    append_received(events, {"abc"});
    append_received(events, {"de", "f"});
    RecordingFile::append(events, event_of(EventKind::Sent, 1, 3));
    RecordingFile::append(events, SentHeader{4});
    events.insert(events.end(), {'s', 'e', 'n', 't'});
    RecordingFile::append(events, event_of(EventKind::HandedOver, 1, 1));
    append_received(events, {"other"});
    for (const EventKind kind : {EventKind::NeighbourWanted, EventKind::NeighbourAnswer}) {
        RecordingFile::append(events, event_of(kind, 1, 1));
        RecordingFile::append(events, Neighbour{.mac = {2, 3}, .unused = {}, .address = {10}});
    }
    EventHeader command = event_of(EventKind::Command);
    command.detail = static_cast<std::uint8_t>(CommandKind::SetDraining);
    RecordingFile::append(events, command);
    RecordingFile::append(events, std::uint64_t{1});
    return events;
}

Bytes turn_of(std::int64_t now, const Bytes& events) {
    Bytes turn;
    RecordingFile::append(turn, TurnHeader{now, 0, 77, static_cast<std::uint32_t>(events.size())});
    turn.insert(turn.end(), events.begin(), events.end());
    return turn;
}

std::string text(base::Bytes bytes) {
    return {bytes.begin(), bytes.end()};
}

TEST_CASE("a recording is read as it was written") {
    RecordingFile file(small_head());
    file.chunk(ChunkKind::Revision, encode(Revision{"fin_timeout", "30s"}));
    file.chunk(ChunkKind::Turns, turn_of(1000, events_of_all_kinds()), 1);
    file.chunk(ChunkKind::Turns, turn_of(1500, {}), 0);
    file.chunk(ChunkKind::Turns, turn_of(2000, {}), 1);
    file.end("asked to");
    const auto parsed = Recording::parse(file.bytes());
    REQUIRE(parsed.ok());
    const Recording& recording = parsed.value();
    REQUIRE(recording.head == small_head());
    REQUIRE(recording.revisions == std::vector{Revision{"fin_timeout", "30s"}});
    REQUIRE(recording.end == "asked to");

    Turns turns(recording, 1);
    const std::optional<Turn> first = turns.next();
    REQUIRE(first);
    REQUIRE(first->header.now == 1000);
    REQUIRE(first->header.free_buffers == 77);
    REQUIRE(turns.next()->header.now == 2000);
    REQUIRE_FALSE(turns.next());
    REQUIRE(Turns(recording, 0).next()->header.now == 1500);

    base::Bytes rest = first->events;
    const auto next = [&rest] { return *take_event(rest, 0).value(); };
    const Event received = next();
    REQUIRE(received.kind() == EventKind::Received);
    base::Bytes body = received.body;
    const ReceivedFrame one = take_received(body);
    REQUIRE(one.is_verified);
    REQUIRE(text(one.bytes) == "abc");
    const ReceivedFrame two = take_received(body);
    REQUIRE(text(two.bytes) == "def");
    REQUIRE(two.segment_count() == 2);
    REQUIRE(two.segment(1).length == 1);
    REQUIRE(two.segment(1).offset == 128);
    const Event sent = next();
    REQUIRE(sent.header.other == 3);
    body = sent.body;
    REQUIRE(text(take_sent(body)) == "sent");
    REQUIRE(body.empty());
    REQUIRE(next().kind() == EventKind::HandedOver);
    REQUIRE(next().neighbour().mac[1] == 3);
    REQUIRE(next().neighbour().address[0] == 10);
    REQUIRE(next().argument() == 1);
    REQUIRE(rest.empty());
}

TEST_CASE("a recording that breaks off within a part is one up to that part, and says where that is") {
    RecordingFile file(small_head());
    std::set<std::size_t> between{file.bytes().size()};
    file.chunk(ChunkKind::Turns, turn_of(1000, events_of_all_kinds()), 1);
    between.insert(file.bytes().size());
    file.end("asked to");
    const base::Bytes whole = file.bytes();
    for (std::size_t length = 0; length < whole.size(); ++length) {
        const auto parsed = Recording::parse(whole.first(length));
        CAPTURE(length);
        if (length < *between.begin()) {  // its head is not there
            REQUIRE_FALSE(parsed.ok());
            REQUIRE(parsed.error().offset <= length);
            continue;
        }
        REQUIRE(parsed.ok());
        const Recording& recording = parsed.value();
        REQUIRE_FALSE(recording.end);
        const std::size_t part = *std::prev(between.upper_bound(length));
        REQUIRE(recording.chunks.size() == (part == *between.begin() ? 0 : 1));
        REQUIRE(recording.broken.has_value() == (part != length));
        if (!recording.broken) continue;
        REQUIRE(recording.broken->offset == part);
        REQUIRE(recording.broken->bytes == length - part);
    }
}

TEST_CASE("what is no recording is refused") {
    const std::string pcap = "\xd4\xc3\xb2\xa1 and so on";
    const auto parsed = Recording::parse({reinterpret_cast<const std::uint8_t*>(pcap.data()), pcap.size()});
    REQUIRE_FALSE(parsed.ok());
    REQUIRE(std::string(parsed.error().what) == "this is no recording");
    REQUIRE(parsed.error().offset == 0);
}

TEST_CASE("an event that is not what it says is refused, with its place in the file") {
    const auto refused = [](const Bytes& events, std::uint16_t worker = 0) {
        RecordingFile file(small_head());
        const std::size_t begin = file.bytes().size() + sizeof(ChunkHeader) + sizeof(TurnHeader);
        file.chunk(ChunkKind::Turns, turn_of(1, events), worker);
        const auto parsed = Recording::parse(file.bytes());
        return !parsed && parsed.error().offset == begin;
    };
    Bytes events;
    SECTION("of no kind") {
        RecordingFile::append(events, EventHeader{.kind = 99});
    }
    SECTION("with more frames taken than were offered") {
        RecordingFile::append(events, event_of(EventKind::Sent, 1, 0));
        RecordingFile::append(events, SentHeader{0});
    }
    SECTION("whose buffers don't add up") {
        RecordingFile::append(events, event_of(EventKind::Received, 1));
        RecordingFile::append(events, ReceivedHeader{1, 0, 2});
        RecordingFile::append(events, SegmentHeader{0, 1});
        events.insert(events.end(), {1, 2});
    }
    SECTION("of a port that is not there") {
        EventHeader header = event_of(EventKind::Received);
        header.port = 1;
        RecordingFile::append(events, header);
    }
    SECTION("of a worker that is not there") {
        RecordingFile::append(events, event_of(EventKind::NeighbourWanted, 1, 2));
        RecordingFile::append(events, Neighbour{});
    }
    SECTION("a command of no kind") {
        RecordingFile::append(events, event_of(EventKind::Command));
        RecordingFile::append(events, std::uint64_t{0});
    }
    REQUIRE(refused(events));
}

TEST_CASE("parts out of their order are refused") {
    RecordingFile file;
    SECTION("turns before the head") {
        file.chunk(ChunkKind::Turns, {});
    }
    SECTION("two heads") {
        file.chunk(ChunkKind::Head, encode(small_head()));
        file.chunk(ChunkKind::Head, encode(small_head()));
    }
    SECTION("something after the end") {
        file.chunk(ChunkKind::Head, encode(small_head()));
        file.end("");
        file.end("");
    }
    SECTION("turns of a worker that is not there") {
        file.chunk(ChunkKind::Head, encode(small_head()));
        file.chunk(ChunkKind::Turns, {}, 2);
    }
    SECTION("no head") {}
    SECTION("a past after turns") {
        file.chunk(ChunkKind::Head, encode(small_head()));
        file.chunk(ChunkKind::Turns, {});
        file.chunk(ChunkKind::Past, encode(Past{}));
    }
    SECTION("a snapshot without a past") {
        file.chunk(ChunkKind::Head, encode(small_head()));
        file.snapshot(1, {1});
    }
    REQUIRE_FALSE(Recording::parse(file.bytes()).ok());
}

TEST_CASE("a snapshot's pieces may lie between turns, and are joined") {
    RecordingFile file(small_head());
    Past past;
    past.began = 900;
    file.chunk(ChunkKind::Past, encode(past));
    file.snapshot(5, {1, 2, 3}, 1);
    file.chunk(ChunkKind::Turns, turn_of(1000, {}), 1);
    file.snapshot(5, {4, 5}, 1);
    const auto parsed = Recording::parse(file.bytes());
    REQUIRE(parsed.ok());
    REQUIRE(parsed.value().past == past);
    REQUIRE(parsed.value().began() == 900);
    REQUIRE(parsed.value().snapshots[1].joined() == Bytes{1, 2, 3, 4, 5});
    REQUIRE(parsed.value().snapshots[0].joined().empty());  // it has no turns, either
}

TEST_CASE("a recording without the whole state at its beginning is refused") {
    RecordingFile file(small_head());
    file.chunk(ChunkKind::Past, encode(Past{}));
    const char* what = "it ended before the state at its beginning was written";
    SECTION("turns, and no snapshot") {
        file.snapshot(2, {1, 2}, 1);
        file.chunk(ChunkKind::Turns, turn_of(1000, {}), 0);
    }
    SECTION("a piece is missing") {
        file.snapshot(5, {1, 2}, 1);
    }
    SECTION("too many bytes") {
        file.snapshot(2, {1, 2}, 1);
        file.snapshot(2, {3}, 1);
        what = "a snapshot is longer than it says it is";
    }
    SECTION("two lengths") {
        file.snapshot(5, {1, 2}, 1);
        file.snapshot(4, {3}, 1);
        what = "the pieces of a snapshot don't fit together";
    }
    SECTION("a piece without its length") {
        file.chunk(ChunkKind::Snapshot, {1, 2, 3}, 1);
        what = "a snapshot's piece breaks off";
    }
    SECTION("of a worker that is not there") {
        file.snapshot(1, {1}, 2);
        what = "there is no such worker";
    }
    const auto parsed = Recording::parse(file.bytes());
    REQUIRE_FALSE(parsed.ok());
    REQUIRE(std::string(parsed.error().what) == what);
}

}  // namespace
}  // namespace terminus::record
