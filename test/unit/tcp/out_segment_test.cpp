#include "tcp/out_segment.hpp"

#include <catch2/catch.hpp>

using namespace terminus;
using wire::SeqNum;
using wire::TcpFlags;

// RFC 9293 3.10.7.1.
TEST_CASE("a RST for a segment with ACK takes its number from that ACK and acknowledges nothing") {
    wire::TcpSegment segment;
    segment.seq = SeqNum(10);
    segment.ack = SeqNum(777);
    segment.flags = {TcpFlags::kAck | TcpFlags::kFin};
    const auto reset = tcp::reset_for(segment);
    REQUIRE(reset);
    CHECK(reset->seq == SeqNum(777));
    CHECK(reset->flags == TcpFlags{TcpFlags::kRst});
    CHECK(reset->ack == SeqNum(0));
}

TEST_CASE("a RST for a segment without ACK acknowledges all that the segment occupied") {
    wire::TcpSegment segment;
    segment.seq = SeqNum(UINT32_MAX - 1);
    segment.payload_length = 5;
    segment.flags = {TcpFlags::kSyn | TcpFlags::kFin};
    const auto reset = tcp::reset_for(segment);
    REQUIRE(reset);
    CHECK(reset->seq == SeqNum(0));
    CHECK(reset->ack == SeqNum(5));  // 5 bytes, SYN and FIN, across the wrap
    CHECK(reset->flags == TcpFlags{TcpFlags::kRst | TcpFlags::kAck});
}

TEST_CASE("nothing answers a RST, whatever else it carries") {
    wire::TcpSegment segment;
    segment.flags = {TcpFlags::kRst};
    CHECK_FALSE(tcp::reset_for(segment));
    segment.flags = {TcpFlags::kRst | TcpFlags::kAck | TcpFlags::kSyn};
    CHECK_FALSE(tcp::reset_for(segment));
}
