#include "load/frame_writer.hpp"

#include <catch2/catch.hpp>

#include "load/pattern.hpp"
#include "load/rig.hpp"

namespace terminus::load {
namespace {

TEST_CASE("every shape is a frame that wire reads as what was asked for, its checksums good") {
    const bool is_v4 = GENERATE(true, false);
    const Shape shape = GENERATE(Shape::Syn, Shape::PlainSyn, Shape::Text, Shape::PlainText);
    const std::uint32_t length = GENERATE(0, 1, 2, 63, 1447, 1448);
    const bool has_timestamps = shape == Shape::Syn || shape == Shape::Text;
    const bool is_syn = shape == Shape::Syn || shape == Shape::PlainSyn;
    if (is_syn && length > 0) return;
    if (!is_v4 && length > 1428) return;
    const SideSettings side = client_settings(is_v4).side;
    FrameWriter writer(side);
    writer.set_peer(kBackendMac);
    Outgoing outgoing;
    outgoing.tuple = {AddressRange::low(side.local.first) + 1, AddressRange::low(side.remote.first), 40001,
                      443};
    outgoing.seq = wire::SeqNum(0xfffffe81 + length);
    outgoing.ack = wire::SeqNum(0x89abcdef);
    outgoing.flags = is_syn ? wire::TcpFlags::kSyn : wire::TcpFlags::kAck | wire::TcpFlags::kPsh;
    outgoing.ts_value = 0xffffffff;
    outgoing.ts_echo = 0x80000001;
    outgoing.text_length = length;

    const packet::Buffer frame = writer.write(shape, outgoing);
    const base::Bytes bytes = frame.bytes();
    const auto parsed = wire::parse_frame(bytes, frame.length());
    REQUIRE(parsed.ok());
    const wire::Frame& found = parsed.value();
    CHECK(found.source_mac == kClientMac);
    CHECK(found.destination_mac == kBackendMac);
    CHECK(found.source == side.local.with_low(outgoing.tuple.local));
    CHECK(found.destination == side.remote.first);
    const base::Bytes l4 = bytes.subspan(found.l4_offset, found.l4_length);
    CHECK(wire::l4_checksum_is_good(found, l4));
    const auto segment = wire::parse_tcp(l4, l4.size());
    REQUIRE(segment.ok());
    CHECK(segment.value().source_port == 40001);
    CHECK(segment.value().destination_port == 443);
    CHECK(segment.value().seq == outgoing.seq);
    CHECK(segment.value().ack == outgoing.ack);
    CHECK(segment.value().flags.bits == outgoing.flags);
    CHECK(segment.value().window == kWindow);
    const wire::TcpOptions& options = segment.value().options;
    CHECK(options.mss.has_value() == is_syn);
    if (is_syn) CHECK(options.mss == (is_v4 ? 1460 : 1440));
    CHECK(options.sack_permitted == (shape == Shape::Syn));
    CHECK(options.window_scale.has_value() == (shape == Shape::Syn));
    REQUIRE(options.timestamps.has_value() == has_timestamps);
    if (has_timestamps) CHECK(*options.timestamps == wire::TcpTimestamps{0xffffffff, 0x80000001});
    REQUIRE(segment.value().payload_length == length);
    CHECK(is_text(l4.last(length), static_cast<std::uint8_t>(outgoing.seq.value())));
}

}  // namespace
}  // namespace terminus::load
