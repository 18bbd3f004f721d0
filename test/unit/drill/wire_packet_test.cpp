#include "drill/wire_packet.hpp"

#include <catch2/catch.hpp>

#include "drill/packet_text.hpp"
#include "wire/tcp.hpp"

namespace terminus::drill {
namespace {

WirePacket example(bool is_v6) {
    WirePacket packet;
    packet.source = {is_v6 ? *wire::IpAddress::parse("2001:db8::1") : wire::IpAddress::v4(192, 0, 2, 1),
                     1000};
    packet.destination = {is_v6 ? *wire::IpAddress::parse("fd00::1") : wire::IpAddress::v4(10, 0, 0, 1), 80};
    packet.tos = 0x12;
    packet.hop_limit = 7;
    packet.flow_label = is_v6 ? 0x12345 : 0;
    packet.flags = wire::TcpFlags::kAck | wire::TcpFlags::kPsh;
    packet.ae = true;
    packet.seq = 0xfffffff0;
    packet.ack = 5;
    packet.window = 1234;
    packet.urgent = 3;
    OptionSpec timestamps;
    timestamps.kind = OptionSpec::Kind::Timestamps;
    timestamps.value = 1;
    timestamps.echo = 2;
    packet.options = {OptionSpec{}, OptionSpec{}, timestamps};
    packet.payload = {1, 2, 3};
    return packet;
}

TEST_CASE("a packet that was built reads back the same, over IPv4 and IPv6") {
    for (const bool is_v6 : {false, true}) {
        const WirePacket packet = example(is_v6);
        const auto read = read_tcp(build_tcp(packet));
        REQUIRE(read);
        const WirePacket& back = read.value();
        CHECK(back.source == packet.source);
        CHECK(back.destination == packet.destination);
        CHECK(back.flow_label == packet.flow_label);
        CHECK(back.payload == packet.payload);
        CHECK(to_string(back, true) == to_string(packet, true));
    }
}

TEST_CASE("any one byte that changes on the way is found out, or shows") {
    for (const bool is_v6 : {false, true}) {
        const std::vector<std::uint8_t> good = build_tcp(example(is_v6));
        const std::size_t checked_from = is_v6 ? 8 : 0;  // IPv6's own first words have no checksum
        for (std::size_t at = checked_from; at < good.size(); ++at) {
            if (is_v6 && at < 8) continue;
            std::vector<std::uint8_t> bad = good;
            bad[at] ^= 0x40;
            CHECK_FALSE(read_tcp(bad));
        }
    }
}

TEST_CASE("lengths that don't fit are found out") {
    std::vector<std::uint8_t> bytes = build_tcp(example(false));
    CHECK(read_tcp({}).error() == "an empty packet");
    bytes.push_back(0);
    CHECK(read_tcp(bytes).error() == "an IPv4 total length that isn't the packet's");
    bytes = build_tcp(example(true));
    bytes.push_back(0);
    CHECK(read_tcp(bytes).error() == "an IPv6 payload length that isn't the packet's");
}

TEST_CASE("a packet is printed as a script would have it") {
    CHECK(to_string(example(false), false) ==
          "AP. 4294967280:4294967283(3) ack 5 win 1234 urg 3 <nop,nop,TS val 1 ecr 2>");
    CHECK(to_string(base::Duration(1'234'567'890)) == "1.234567");
    CHECK(to_string(base::Duration(-5'000)) == "-0.000005");
}

}  // namespace
}  // namespace terminus::drill
