#include "worker/recorder.hpp"

#include <catch2/catch.hpp>

#include "record/events.hpp"
#include "support/pool.hpp"

namespace terminus::worker {
namespace {

base::Instant at(std::int64_t ns) {
    return base::instant_from_ns(ns);
}

/// All that was committed, consumed.
std::vector<std::uint8_t> drain(Recorder& recorder) {
    std::vector<std::uint8_t> all;
    for (const base::Bytes piece : recorder.ring().readable())
        all.insert(all.end(), piece.begin(), piece.end());
    recorder.ring().consume(all.size());
    return all;
}

std::vector<record::Turn> turns_of(const std::vector<std::uint8_t>& bytes) {
    std::vector<record::Turn> turns;
    base::Bytes rest = bytes;
    while (!rest.empty())
        turns.push_back(*record::take_turn(rest, 0).value());
    return turns;
}

TEST_CASE("a turn that did nothing is left out, and the next one tells when it was") {
    Recorder recorder(1024);
    for (const std::int64_t now : {1, 2, 3}) {
        recorder.begin_turn(at(now), 50);
        recorder.end_turn(false);
    }
    recorder.begin_turn(at(4), 51);
    recorder.end_turn(true);
    recorder.begin_turn(at(5), 52);
    recorder.end_turn(true);
    const std::vector<std::uint8_t> bytes = drain(recorder);
    const std::vector<record::Turn> turns = turns_of(bytes);
    REQUIRE(turns.size() == 2);
    REQUIRE(turns[0].header.now == 4);
    REQUIRE(turns[0].header.idle == 3);
    REQUIRE(turns[0].header.free_buffers == 51);
    REQUIRE(turns[1].header.idle == 0);
}

TEST_CASE("of a burst that was offered, what the device took is kept") {
    Recorder recorder(1024);
    packet::Batch burst;
    for (const char* text : {"one", "two", "three"})
        burst.push_back(terminus::test::make_buffer(
            {reinterpret_cast<const std::uint8_t*>(text), std::string_view(text).size()}));
    recorder.begin_turn(at(1), 0);
    recorder.offered(7, burst);
    recorder.taken(2);
    recorder.end_turn(true);
    const std::vector<std::uint8_t> bytes = drain(recorder);
    base::Bytes events = turns_of(bytes).front().events;
    const record::Event event = *record::take_event(events, 0).value();
    REQUIRE(events.empty());
    REQUIRE(event.header.port == 7);
    REQUIRE(event.header.other == 3);
    REQUIRE(event.header.count == 2);
    base::Bytes body = event.body;
    REQUIRE(record::take_sent(body).size() == 3);
    REQUIRE(record::take_sent(body)[0] == 't');
    REQUIRE(body.empty());
}

TEST_CASE("a turn without room ends the recording: nothing of it or after it is written") {
    Recorder recorder(64);  // two empty turns and no third
    for (const std::int64_t now : {1, 2}) {
        recorder.begin_turn(at(now), 0);
        recorder.end_turn(true);
    }
    REQUIRE(recorder.gave_up_at() == 0);
    recorder.begin_turn(at(3), 0);
    recorder.command(SetDraining{true});
    recorder.end_turn(true);
    REQUIRE(recorder.gave_up_at() == 3);
    REQUIRE(turns_of(drain(recorder)).size() == 2);
    recorder.begin_turn(at(4), 0);  // there is room again, but a gap before it
    recorder.end_turn(true);
    REQUIRE(drain(recorder).empty());
    REQUIRE(recorder.gave_up_at() == 3);
}

TEST_CASE("a turn whose last part finds no room is not written in part") {
    Recorder recorder(64);
    packet::Batch burst;
    const std::vector<std::uint8_t> frame(60, 0xaa);
    burst.push_back(terminus::test::make_buffer(frame));
    recorder.begin_turn(at(1), 0);
    recorder.offered(0, burst);
    recorder.taken(1);
    recorder.received(0, burst);
    recorder.end_turn(true);
    REQUIRE(recorder.gave_up_at() == 1);
    REQUIRE(drain(recorder).empty());
}

TEST_CASE("a command that changes nothing that is sent is not recorded") {
    Recorder recorder(1024);
    recorder.begin_turn(at(1), 0);
    recorder.command(ListConnections{});
    recorder.end_turn(true);
    REQUIRE(turns_of(drain(recorder)).front().events.empty());
}

}  // namespace
}  // namespace terminus::worker
