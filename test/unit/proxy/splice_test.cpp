#include "proxy/splice.hpp"

#include <catch2/catch.hpp>

namespace terminus::proxy {
namespace {

constexpr SpliceRoom kEmpty{
    .send_room_bytes = 65536, .queued_buffers = 0, .buffer_share = 100, .write_buffer_bytes = 65536};

TEST_CASE("everything readable moves where there is room for all of it") {
    REQUIRE(bytes_to_move(0, kEmpty) == 0);
    REQUIRE(bytes_to_move(1, kEmpty) == 1);
    REQUIRE(bytes_to_move(65536, kEmpty) == 65536);
}

TEST_CASE("no more moves than there is room for") {
    REQUIRE(bytes_to_move(65537, kEmpty) == 65536);
}

TEST_CASE("a partly filled queue takes less than everything only from a quarter of a write buffer on") {
    SpliceRoom room = kEmpty;
    room.queued_buffers = 10;
    room.send_room_bytes = 16383;
    REQUIRE(bytes_to_move(16384, room) == 0);
    REQUIRE(bytes_to_move(16383, room) == 16383);
    room.send_room_bytes = 16384;
    REQUIRE(bytes_to_move(40000, room) == 16384);
}

TEST_CASE(
    "a large write buffer is refilled long before half of it is free, so that the flight does not sink") {
    SpliceRoom room = kEmpty;
    room.write_buffer_bytes = 4 << 20;
    room.queued_buffers = 10;
    room.send_room_bytes = kWorthACut - 1;
    REQUIRE(bytes_to_move(1 << 20, room) == 0);
    room.send_room_bytes = kWorthACut;
    REQUIRE(bytes_to_move(1 << 20, room) == kWorthACut);
}

TEST_CASE("nothing moves into a queue that holds its share of the buffers") {
    SpliceRoom room = kEmpty;
    room.queued_buffers = 100;
    REQUIRE(bytes_to_move(1000, room) == 0);
    room.queued_buffers = 99;
    REQUIRE(bytes_to_move(1000, room) == 1000);
}

TEST_CASE(
    "an empty queue takes bytes even when the share is nothing, or no acknowledgement would wake the pair") {
    SpliceRoom room = kEmpty;
    room.buffer_share = 0;
    REQUIRE(bytes_to_move(1000, room) == 1000);
    room.queued_buffers = 1;
    REQUIRE(bytes_to_move(1000, room) == 0);
}

TEST_CASE("nothing moves towards a leg that takes nothing") {
    SpliceRoom room = kEmpty;
    room.send_room_bytes = 0;
    REQUIRE(bytes_to_move(1000, room) == 0);
}

}  // namespace
}  // namespace terminus::proxy
