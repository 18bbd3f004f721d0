#include "wire/tcp.hpp"

#include <catch2/catch.hpp>

#include "wire/frames.hpp"

using namespace terminus;
using namespace terminus::wire;
using test::hex;
using test::operator+;
using test::Octets;

namespace {

std::optional<Fault> fault_of(base::Bytes l4, std::size_t l4_length) {
    const auto parsed = parse_tcp(l4, l4_length);
    return parsed ? std::nullopt : std::optional(parsed.error());
}

}  // namespace

// RFC 9293 3.1, MUST-1: a window with its highest bit set is large, not negative.
TEST_CASE("every field of a TCP header is read from its place") {
    const Octets bytes = hex("1234 5678 9abcdef0 0fedcba9 6012 c321 0000 00ff 0204 05b4 aabbcc");
    const auto parsed = parse_tcp(bytes, bytes.size());
    REQUIRE(parsed.ok());
    const TcpSegment& segment = parsed.value();
    CHECK(segment.source_port == 0x1234);
    CHECK(segment.destination_port == 0x5678);
    CHECK(segment.seq == SeqNum(0x9abcdef0));
    CHECK(segment.ack == SeqNum(0x0fedcba9));
    CHECK(segment.flags.bits == (TcpFlags::kSyn | TcpFlags::kAck));
    CHECK(segment.window == 0xc321);
    CHECK(segment.urgent_pointer == 0xff);
    CHECK(segment.header_length == 24);
    CHECK(segment.payload_length == 3);
    CHECK(segment.options.mss == 1460);
    CHECK(segment.seg_len() == 4);
}

TEST_CASE("HARDENING 1: a segment shorter than its header is refused, one that is just the header is not") {
    Octets bytes = test::tcp_syn();
    CHECK(fault_of(bytes, 20) == std::nullopt);
    CHECK(fault_of(bytes, 19) == Fault::TcpTruncated);
    CHECK(fault_of(base::Bytes(bytes).first(19), 20) == Fault::TcpTruncated);
    CHECK(fault_of({}, 0) == Fault::TcpTruncated);
}

TEST_CASE("HARDENING 1: a data offset under five words or past the segment is refused") {
    Octets bytes = test::tcp_syn() + Octets(40, 1);
    bytes[12] = 0x40;
    CHECK(fault_of(bytes, bytes.size()) == Fault::TcpDataOffset);
    bytes[12] = 0x00;
    CHECK(fault_of(bytes, bytes.size()) == Fault::TcpDataOffset);
    bytes[12] = 0x60;
    CHECK(fault_of(bytes, 24) == std::nullopt);
    CHECK(fault_of(bytes, 23) == Fault::TcpDataOffset);
    bytes[12] = 0xf0;
    CHECK(fault_of(bytes, 60) == std::nullopt);
    CHECK(fault_of(bytes, 59) == Fault::TcpDataOffset);
}

TEST_CASE(
    "HARDENING 1: a header that goes on beyond the bytes at hand is refused, a payload that does is not") {
    Octets bytes = test::tcp_syn() + Octets(4, 1);
    bytes[12] = 0x60;
    CHECK(fault_of(base::Bytes(bytes).first(23), 1000) == Fault::TcpTruncated);
    const auto parsed = parse_tcp(bytes, 1000);
    REQUIRE(parsed.ok());
    CHECK(parsed.value().payload_length == 976);
}

TEST_CASE("HARDENING 1: padding after the segment is neither options nor payload") {
    const Octets bytes = test::tcp_syn() + Octets(6, 0xff);
    const auto parsed = parse_tcp(bytes, 20);
    REQUIRE(parsed.ok());
    CHECK(parsed.value().payload_length == 0);
    Octets lying = bytes;
    lying[12] = 0x60;
    CHECK(fault_of(lying, 20) == Fault::TcpDataOffset);
}

TEST_CASE("HARDENING 8: port zero on either side is refused") {
    Octets bytes = test::tcp_syn();
    base::store_be16(&bytes[0], 0);
    CHECK(fault_of(bytes, 20) == Fault::TcpPortZero);
    base::store_be16(&bytes[0], 1);
    CHECK(fault_of(bytes, 20) == std::nullopt);
    base::store_be16(&bytes[2], 0);
    CHECK(fault_of(bytes, 20) == Fault::TcpPortZero);
}

TEST_CASE("HARDENING 5: every combination of control bits is handed on as it came") {
    Octets bytes = test::tcp_syn();
    for (int bits = 0; bits < 256; ++bits) {
        bytes[13] = static_cast<std::uint8_t>(bits);
        const auto parsed = parse_tcp(bytes, 20);
        REQUIRE(parsed.ok());
        REQUIRE(parsed.value().flags.bits == bits);
        REQUIRE(parsed.value().seg_len() == ((bits & 1u) != 0 ? 1u : 0u) + ((bits & 2u) != 0 ? 1u : 0u));
    }
}

TEST_CASE("a SYN is written byte for byte as Linux writes it") {
    TcpHeader header;
    header.source_port = 0xa8ca;
    header.destination_port = 80;
    header.seq = SeqNum(0x12345678);
    header.flags.bits = TcpFlags::kSyn;
    header.window = 64240;
    header.options.mss = 1460;
    header.options.sack_permitted = true;
    header.options.timestamps = TcpTimestamps{0x00010203, 0};
    header.options.window_scale = 7;
    Octets out(kTcpHeaderMax, 0xee);
    REQUIRE(write_tcp(header, out) == 40);
    out.resize(40);
    CHECK(out == hex("a8ca 0050 12345678 00000000 a002 faf0 0000 0000 0204 05b4 0402 080a 00010203 00000000 "
                     "0103 0307"));
}

TEST_CASE("a header without options is twenty bytes and fits into just as many") {
    TcpHeader header;
    header.source_port = 80;
    header.destination_port = 1000;
    header.seq = SeqNum(1);
    header.ack = SeqNum(2);
    header.flags.bits = TcpFlags::kAck | TcpFlags::kFin;
    header.window = 3;
    Octets out(20, 0xee);
    REQUIRE(write_tcp(header, out) == 20);
    CHECK(out == hex("0050 03e8 00000001 00000002 5011 0003 0000 0000"));
}
