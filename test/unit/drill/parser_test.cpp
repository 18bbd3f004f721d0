#include "drill/parser.hpp"

#include <catch2/catch.hpp>

#include "wire/tcp.hpp"

namespace terminus::drill {
namespace {

using namespace std::chrono_literals;
using Flags = wire::TcpFlags;

Script parsed(std::string_view text) {
    auto script = parse_script(text, {});
    if (!script) FAIL(script.error().line << ": " << script.error().message);
    return script.value();
}

Fault refused(std::string_view text) {
    const auto script = parse_script(text, {});
    if (script.ok()) FAIL("parsed, but must not be: " << text);
    return script.error();
}

const TcpSpec& tcp(const Script& script, std::size_t event = 0) {
    return std::get<TcpSpec>(std::get<PacketEvent>(script.events.at(event).action).payload);
}
const SyscallEvent& call(const Script& script, std::size_t event = 0) {
    return std::get<SyscallEvent>(script.events.at(event).action);
}

TEST_CASE("a script is options, an initial command, events and a command to clean up") {
    const Script script = parsed(
        "--mss=1000\n--tolerance_usecs=10000\n`../common/defaults.sh`\n"
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 `sysctl -q a=1`\n"
        "+0 %{ assert 1 }%\n+0 state LISTEN\n`/tmp/restore.sh`\n");
    REQUIRE(script.options.size() == 2);
    REQUIRE(script.options[1].name == "tolerance_usecs");
    REQUIRE(script.options[1].value == "10000");
    REQUIRE(script.initial->line == 3);
    REQUIRE(script.events.size() == 4);
    REQUIRE(script.events[0].line == 4);
    REQUIRE(std::get<CommandEvent>(script.events[1].action).text == "sysctl -q a=1");
    REQUIRE(std::get<CodeEvent>(script.events[2].action).text == " assert 1 ");
    REQUIRE(std::get<StateEvent>(script.events[3].action).name == "LISTEN");
    REQUIRE(script.cleanup->line == 8);
}

TEST_CASE("times are absolute, relative, ranges or a wildcard") {
    using Kind = EventTime::Kind;
    const Script script =
        parsed("0 > . 1:1(0)\n+.1 > . 1:1(0)\n* > . 1:1(0)\n1~1.5 > . 1:1(0)\n+.1~+.2 > . 1:1(0)");
    REQUIRE(script.events[0].time == EventTime{Kind::Absolute, 0s, {}});
    REQUIRE(script.events[1].time == EventTime{Kind::Relative, 100ms, {}});
    REQUIRE(script.events[2].time.kind == Kind::Any);
    REQUIRE(script.events[3].time == EventTime{Kind::AbsoluteRange, 1s, 1500ms});
    REQUIRE(script.events[4].time == EventTime{Kind::RelativeRange, 100ms, 200ms});
}

TEST_CASE("only outgoing packets may have a wildcard or a range for their time") {
    REQUIRE(refused("0 > . 1:1(0)\n* < . 1:1(0) win 1").line == 2);
    REQUIRE(refused("0~1 close(3) = 0").line == 1);
    REQUIRE(refused("1~.5 > . 1:1(0)").message == "a time range that ends before it begins");
    REQUIRE(refused("-1 > . 1:1(0)").message == "a time can't be negative");
}

TEST_CASE("a segment has flags, sequence numbers, acknowledgement, window, urgent pointer and options") {
    const Script script = parsed(
        "0 < SEW 0:0(0) win 32792 <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7>\n"
        "0 > FPU. 1:1001(1000) ack 2 urg 5 <...>");
    REQUIRE(tcp(script, 1).ack == 2);
    REQUIRE(tcp(script, 1).urgent == 5);
    REQUIRE(tcp(script, 1).sequence.length == 1000);
    REQUIRE(tcp(script, 1).any_options);
    REQUIRE_FALSE(tcp(script, 1).window);
    REQUIRE(tcp(script).flags == (Flags::kSyn | Flags::kEce | Flags::kCwr));
    REQUIRE(tcp(script).window == 32792);
    REQUIRE(tcp(script).options.size() == 5);
    REQUIRE(tcp(script).options[2].value == 100);
    REQUIRE(tcp(script).options[4].kind == OptionSpec::Kind::Wscale);
}

TEST_CASE("each flag has its letter, the dot is ACK, and a minus is none") {
    REQUIRE(tcp(parsed("0 > FPU. 1:1001(1000) ack 2 urg 5 <...>")).flags ==
            (Flags::kFin | Flags::kPsh | Flags::kUrg | Flags::kAck));
    REQUIRE(tcp(parsed("0 > A. 1:1(0)")).ae);
    REQUIRE(tcp(parsed("0 < - 4294967295:0(1) win 0")).flags == 0);
    REQUIRE(refused("0 < X 0:0(0) win 1").message == "no TCP flag: `X` (FSRPEWAU and . are)");
}

TEST_CASE("options have names, lengths that fill words, and at most 40 bytes") {
    const Script script = parsed(
        "0 > . 1:1(0) ack 1 <nop,nop,sack 1:2 3:4 5:6>\n0 > S 0:0(0) <FO 0102,nop,nop,nop,nop>\n"
        "0 > S 0:0(0) <FOEXP,eol,nop,nop,nop>");
    REQUIRE(tcp(script).options[2].blocks.size() == 3);
    REQUIRE(tcp(script).options[2].blocks[1] == std::pair<std::uint32_t, std::uint32_t>(3, 4));
    REQUIRE(tcp(script, 1).options[0].bytes == std::vector<std::uint8_t>{1, 2});
    REQUIRE(refused("0 > S 0:0(0) <mss 1460,nop>").message == "5 bytes of options are no multiple of 4");
    REQUIRE(refused("0 > S 0:0(0) <sack 1:2 1:2 1:2 1:2 1:2,nop,nop>").message ==
            "44 bytes of options; a header holds 40");
    REQUIRE(refused("0 > S 0:0(0) <fast 1>").message == "expected the name of a TCP option, not `fast`");
    REQUIRE(refused("0 > S 0:0(0) <FO 012,nop,nop>").message == "a cookie with an odd number of digits: 012");
    REQUIRE(refused("0 > S 0:0(0) <mss 65536>").message == "mss 65536 is not in 0…65535");
}

TEST_CASE("a script that needs TCP MD5 needs Linux") {
    REQUIRE(refused("0 < S 0:0(0) win 1 <md5 0123,nop,nop>").is_skipped);
    REQUIRE_FALSE(refused("0 < S 0:0(0) win 1 <ac 1>").is_skipped);
}

TEST_CASE("sequence numbers and length must agree") {
    REQUIRE(refused("0 > . 1:1001(999)").message == "1:1001 is not 999 bytes");
    REQUIRE(refused("0 > . 1:2(65536)").message == "a length 65536 is not in 0…65535");
}

TEST_CASE("incoming packets say their window and all their options") {
    REQUIRE(refused("0 < . 1:1(0) ack 1").message == "an incoming packet needs its window: `win N`");
    REQUIRE(refused("0 < . 1:1(0) ack 1 win 1 <...>").message == "<...> is for outgoing packets");
    REQUIRE(refused("0 < [ect01] . 1:1(0) ack 1 win 1").message == "ect01 is for outgoing packets");
}

TEST_CASE("the IP header is in brackets before the segment") {
    const Script script = parsed(
        "0 > (ect0) . 1:1(0)\n0 < [tos 0x10, flowlabel 0x3] . 1:1(0) win 1\n"
        "0 > [ttl 64] . 1:1(0)\n0 > [ect01] . 1:1(0)");
    const auto ip = [&](std::size_t event) { return std::get<PacketEvent>(script.events[event].action).ip; };
    REQUIRE(ip(0).check == IpInfo::Check::Ecn);
    REQUIRE(ip(0).tos == 2);
    REQUIRE(ip(1).check == IpInfo::Check::Tos);
    REQUIRE(ip(1).tos == 16);
    REQUIRE(ip(1).flow_label == 3u);
    REQUIRE(ip(2).ttl == 64);
    REQUIRE(ip(3).check == IpInfo::Check::Ect01);
}

TEST_CASE("ports may stand before the flags") {
    const Script script = parsed("0 < 5000 > 8080 S 0:0(0) win 1");
    const auto& packet = std::get<PacketEvent>(script.events[0].action);
    REQUIRE(packet.source_port == 5000);
    REQUIRE(packet.destination_port == 8080);
}

TEST_CASE("ICMP has a type, a code, an MTU and the segment that it quotes") {
    const Script script =
        parsed("0 < icmp unreachable frag_needed mtu 1400 [1:1461(1460)]\n0 < icmp packet_too_big mtu 1280");
    const auto& packet = std::get<PacketEvent>(script.events[0].action);
    const auto& icmp = std::get<IcmpSpec>(packet.payload);
    REQUIRE(icmp.type == "unreachable");
    REQUIRE(icmp.code == "frag_needed");
    REQUIRE(icmp.mtu == 1400u);
    REQUIRE(icmp.quoted->length == 1460);
}

TEST_CASE("packets that are no TCP and no ICMP are refused by name and line") {
    for (const std::string_view packet : {"udp (100)", "[ect0] udp (100)", "gre : . 1:1(0)",
                                          "ipv4 1.1.1.1 > 2.2.2.2 : . 1:1(0)", "mpls (label 0) : . 1:1(0)"}) {
        const Fault fault = refused("0 close(3) = 0\n0 < " + std::string(packet));
        REQUIRE(fault.line == 2);
        REQUIRE(fault.message.find("packets are not here") != std::string::npos);
    }
}

TEST_CASE("a system call has arguments, a result, an error and a note") {
    const Script script = parsed(
        "0 read(3, ..., 1000) = -1 EAGAIN (Resource temporarily unavailable)\n"
        "0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n0...0.2 accept(3, ..., ...) = 4\n"
        "+0 fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)\n+0 write(3, \"ab\" \"c\", 3) = 3");
    REQUIRE(call(script).name == "read");
    REQUIRE(call(script).arguments.size() == 3);
    REQUIRE(call(script).arguments[1].kind == Expression::Kind::Ellipsis);
    REQUIRE(call(script).result.integer == -1);
    REQUIRE(call(script).error == "EAGAIN");
    REQUIRE(call(script, 1).arguments[2].kind == Expression::Kind::Or);
    REQUIRE(call(script, 2).end == 200ms);
    REQUIRE(call(script, 3).result.integer == 2);
    REQUIRE(call(script, 4).arguments[1].text == "abc");
}

TEST_CASE("structures keep the names of their fields, and arrays their order") {
    const Script script = parsed(
        "0 setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=2}, 8) = 0\n"
        "0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLET, fd=4}) = 0\n"
        "0 sendmsg(4, {msg_name(...)=..., msg_iov(2)=[{..., 5}, {..., 6}], msg_flags=0}, 0) = 11\n"
        "0 connect(3, {sa_family = AF_INET, sin_port = htons(80), sin_addr = inet_addr(\"192.0.2.1\")}, ...) "
        "= 0");
    REQUIRE(call(script).arguments[3].field("linger")->integer == 2);
    REQUIRE(call(script).arguments[3].field("absent") == nullptr);
    REQUIRE(call(script, 1).arguments[3].field("events")->kind == Expression::Kind::Or);
    const Expression& iov = *call(script, 2).arguments[1].field("msg_iov");
    REQUIRE(iov.items.size() == 2);
    REQUIRE(iov.items[1].items[1].integer == 6);
    const Expression& address = call(script, 3).arguments[1];
    REQUIRE(address.field("sin_port")->items[0].integer == 80);
    REQUIRE(address.field("sin_addr")->items[0].text == "192.0.2.1");
}

TEST_CASE("a fault names the line, what was expected and what stood there") {
    const Fault fault = refused("0 close(3) = 0\n\n+0 > . 1:1(0) ack x");
    REQUIRE(fault.line == 3);
    REQUIRE(fault.message == "expected ack, not `x`");
    REQUIRE(refused("0 close(3 = 0").message == "expected `)`, not `=`");
    REQUIRE(refused("0 close(3)").message == "expected `=`, not the end of the script");
    REQUIRE(refused("// nothing\n").message == "a script without events");
    REQUIRE(refused("0 close(3) = 0\n`a`\n`b`").line == 3);
    REQUIRE(refused("1...0.5 close(3) = 0").message == "a call that returns before it is made");
}

TEST_CASE("nesting without end is refused, not followed") {
    REQUIRE(refused("0 f(" + std::string(5000, '[')).message == "expressions are nested too deeply");
}

}  // namespace
}  // namespace terminus::drill
