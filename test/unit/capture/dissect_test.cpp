#include "capture/dissect.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "capture/frames.hpp"

namespace terminus::capture {
namespace {

using Flags = wire::TcpFlags;

base::Bytes bytes(const std::string& text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string value(const Dissection& what, const std::string& name) {
    const auto field = std::find_if(what.fields.begin(), what.fields.end(),
                                    [&](const Field& one) { return one.name == name; });
    return field == what.fields.end() ? "none" : field->value;
}

TEST_CASE("a TCP segment is told in a line and in fields") {
    wire::TcpHeader header;
    header.seq = wire::SeqNum(7);
    header.ack = wire::SeqNum(9);
    header.flags = {Flags::kSyn | Flags::kAck};
    header.window = 1000;
    header.options.mss = 1460;
    const std::string frame = test::tcp_frame(true, header, "text");
    const Dissection what = dissect(bytes(frame));
    CHECK(what.summary.starts_with("192.0.2.80:80 > 192.0.2.1:4000 S. 7:11(4) ack 9 win 1000 <mss 1460"));
    CHECK(value(what, "tcp.flags") == "S.");
    CHECK(value(what, "tcp.window") == "1000");
    CHECK(value(what, "ip.ttl") == "64");
    CHECK(value(what, "eth.type") == "0x0800");
    CHECK(frame.substr(what.payload) == "text");
    REQUIRE(what.ends);
    CHECK(what.ends->first.to_string() == "192.0.2.1:4000");
    CHECK(what.ends == dissect(bytes(test::tcp_frame(false, header))).ends);
}

TEST_CASE("options are told by name, and broken ones as they are") {
    std::string frame = test::tcp_frame(true, {});
    frame[46] = static_cast<char>(0xf0);  // 40 bytes of options
    const auto options = [&](std::string text) {
        text.resize(40);
        return value(dissect(bytes(frame + text)), "tcp.options");
    };
    CHECK(options(std::string("\1\3\3\7\4\2", 6)) == "nop,wscale 7,sackOK");
    CHECK(options(std::string("\5\x0a\0\0\0\1\0\0\0\2", 10)) == "sack 1:2");
    CHECK(options(std::string("\x08\x0a\0\0\0\3\0\0\0\4", 10)) == "TS val 3 ecr 4");
    CHECK(options(std::string("\x22\4\xab\xcd", 4)) == "FO abcd");
    CHECK(options(std::string("\x63\3\x01", 3)) == "option 99 01");
    CHECK(options(std::string("\2\x29", 2)).starts_with("broken 0229"));
    CHECK(options(std::string("\2\1", 2)).starts_with("broken 0201"));
}

TEST_CASE("every beginning of a frame has words") {
    wire::TcpHeader header;
    header.options.mss = 1460;
    const std::string frame = test::tcp_frame(false, header, "text");
    for (std::size_t length = 0; length <= frame.size(); ++length) {
        const std::string part = frame.substr(0, length);
        const Dissection what = dissect(bytes(part));
        CHECK_FALSE(what.summary.empty());
        CHECK(what.payload <= part.size());
    }
    CHECK(dissect({}).summary == "a frame of 0 bytes");
}

TEST_CASE("VLAN tags, ARP and other kinds are told") {
    const std::string tagged = std::string(12, '\0') + std::string("\x81\0\0\5\x88\xcc", 6) + "lldp";
    CHECK(value(dissect(bytes(tagged)), "vlan.tag") == "0x0005");
    CHECK(dissect(bytes(tagged)).summary == "EtherType 0x88cc, 22 bytes");
    const std::string arp =
        std::string(12, '\0') +
        std::string("\x08\x06\0\1\x08\0\6\4\0\1\2\0\0\0\0\1\xc0\0\2\1\0\0\0\0\0\0\xc0\0\2\x50", 30);
    CHECK(dissect(bytes(arp)).summary == "ARP who has 192.0.2.80, asks 192.0.2.1");
}

}  // namespace
}  // namespace terminus::capture
