#include <catch2/catch.hpp>

#include "stack/bench.hpp"
#include "wire/icmp.hpp"

// HARDENING 1 and 9: what a packet is cut into, by mbufs or by IP.
namespace terminus::stack {
namespace {

using namespace test;
using terminus::test::operator+;

TEST_CASE("HARDENING 1: a chain split anywhere gives the right bytes, the Ethernet padding none") {
    // HARDENING 1.
    const LeakCheck leaks;
    const bool is_v6 = GENERATE(false, true);
    Bench bench(is_v6);
    bench.host().listen(80, {.finish_when_peer_finished = true});
    const std::string short_text = "x";
    const std::string long_text = random_bytes(4, 700);
    std::string expected;
    Peer peer = bench.handshake();
    const stack::ConnectionId id = bench.host().flows()[0].id;
    for (std::uint16_t segment_bytes = 1; segment_bytes <= 120; ++segment_bytes) {
        for (const std::string& text : {short_text, long_text}) {
            bench.give({peer.segment(kAck | kPsh, text)}, segment_bytes);
            peer.seq += static_cast<std::uint32_t>(text.size());
            expected += text;
            INFO("in pieces of " << segment_bytes);
            REQUIRE(bench.host().flows()[0].received == expected);
        }
        REQUIRE(bench.host().stack().find(id)->receive_space().nxt == peer.seq);
    }
    bench.give({peer.segment(kFin | kAck, "the end")}, 11);
    REQUIRE(bench.host().flows()[0].received == expected + "the end");
    REQUIRE(bench.host().count(State::LastAck) == 1);
    REQUIRE(bench.host().drops() == 0);
}

TEST_CASE("a whole connection runs over frames in small pieces") {
    const LeakCheck leaks;
    const std::uint16_t segment_bytes = GENERATE(std::uint16_t{16}, std::uint16_t{40}, std::uint16_t{1000});
    World world;
    Host& client = world.add_host({.number = 1});
    Host& server = world.add_host({.number = 2});
    world.connect(client, server, {.segment_bytes = segment_bytes});
    const std::string response = random_bytes(5, 20'000);
    server.listen(80, {.send = response, .finish_when_sent = true});
    Flow& flow =
        client.connect(server.endpoint(80, true), 4000, {.finish_when_peer_finished = true}, world.now());
    REQUIRE(world.run_until(5s, [&] { return flow.closed.has_value(); }));
    REQUIRE(flow.received == response);
    REQUIRE(client.drops() + server.drops() == 0);
}

/// The transport part of `frame` as fragments with at most `size` bytes each, a multiple of 8.
std::vector<Octets> fragments(const Bench& bench, const Octets& frame, std::size_t size) {
    const std::size_t at = wire::kEthernetHeader + (bench.is_v6() ? wire::kIpv6Header : wire::kIpv4Header);
    std::vector<Octets> made;
    for (std::size_t from = at; from < frame.size(); from += size) {
        const std::size_t to = std::min(frame.size(), from + size);
        Octets part(frame.begin() + static_cast<std::ptrdiff_t>(from),
                    frame.begin() + static_cast<std::ptrdiff_t>(to));
        const auto offset = static_cast<std::uint16_t>(from - at);
        const bool more = to < frame.size();
        if (bench.is_v6()) {
            Octets header(wire::kIpv6FragmentHeader);
            header[0] = wire::kProtocolTcp;
            base::store_be16(&header[2], static_cast<std::uint16_t>(offset | (more ? 1 : 0)));
            base::store_be32(&header[4], 0xabcd);
            made.push_back(
                terminus::test::frame_v6(header + part, wire::kProtocolFragment, bench.peer(), bench.us()));
        } else {
            wire::Ipv4Header header;
            header.source = bench.peer();
            header.destination = bench.us();
            header.identification = 0xabcd;
            header.fragment_offset = offset;
            header.more_fragments = more;
            made.push_back(terminus::test::frame_v4(part, wire::kProtocolTcp, header));
        }
    }
    return made;
}

TEST_CASE("a fragmented segment is put together, in whatever order it comes") {
    const LeakCheck leaks;
    Bench bench(GENERATE(false, true));
    bench.host().listen(80, {});
    const Peer peer = bench.handshake();
    const std::string text = random_bytes(6, 1400);
    std::vector<Octets> parts = fragments(bench, bench.frame(peer.segment(kAck | kPsh, text)), 256);
    REQUIRE(parts.size() == 6);
    if (GENERATE(false, true)) std::reverse(parts.begin(), parts.end());
    const std::uint16_t segment_bytes = GENERATE(std::uint16_t{0}, std::uint16_t{50});
    for (const Octets& part : parts)
        bench.give(std::vector<Octets>{part}, segment_bytes);
    REQUIRE(bench.host().flows()[0].received == text);
    REQUIRE(bench.host().stats().fragments_received.value() == 6);
    REQUIRE(bench.host().stats().datagrams_reassembled.value() == 1);
    REQUIRE(bench.host().drops() == 0);
}

TEST_CASE("fragments whose rest never comes are given up after fifteen seconds, each counted") {
    const LeakCheck leaks;
    Bench bench(GENERATE(false, true));
    bench.host().listen(80, {});
    const Peer peer = bench.handshake();
    std::vector<Octets> parts =
        fragments(bench, bench.frame(peer.segment(kAck, std::string(1000, 'x'))), 256);
    parts.pop_back();
    const std::uint32_t before = terminus::test::buffers_in_use();
    bench.give(parts);
    REQUIRE(terminus::test::buffers_in_use() == before + parts.size());
    bench.advance(15s - kTick);
    REQUIRE(bench.drops(DropReason::FragmentLimit) == 0);
    bench.advance(2 * kTick);
    REQUIRE(bench.drops(DropReason::FragmentLimit) == parts.size());
    REQUIRE(terminus::test::buffers_in_use() == before);
}

TEST_CASE("HARDENING 9: overlapping fragments spoil their datagram, and nothing of it is taken") {
    // RFC 5722, HARDENING 9.
    const LeakCheck leaks;
    Bench bench(GENERATE(false, true));
    bench.host().listen(80, {});
    const Peer peer = bench.handshake();
    const Octets frame = bench.frame(peer.segment(kAck, std::string(1000, 'x')));
    const std::vector<Octets> coarse = fragments(bench, frame, 512);
    const std::vector<Octets> fine = fragments(bench, frame, 256);
    bench.give(std::vector<Octets>{coarse[0], fine[1]});
    REQUIRE(bench.drops(DropReason::FragmentMalformed) >= 1);
    bench.give(coarse[1]);
    REQUIRE(bench.host().flows()[0].received.empty());
    REQUIRE(bench.host().stats().datagrams_reassembled.value() == 0);
    bench.advance(16s);
}

TEST_CASE("HARDENING 16: ICMP errors count only when they quote what is in flight") {
    // RFC 5927, HARDENING 16, RFC 9293 3.9.2.2, MUST-54.
    const LeakCheck leaks;
    Bench bench(GENERATE(false, true));
    bench.host().listen(80, {.send = random_bytes(7, 5000)});
    Peer peer = bench.handshake();
    const std::vector<Sent> flight = bench.sent();
    REQUIRE(flight.size() >= 2);
    const std::size_t full = flight[0].payload.size();
    REQUIRE(full > 1200 + 8);
    const std::uint8_t type = bench.is_v6() ? wire::kIcmpv6TooBig : wire::kIcmpUnreachable;
    const std::uint8_t code = bench.is_v6() ? 0 : 4;
    const std::uint32_t mtu = 1280;

    Sent outside = flight[0];
    base::store_be32(&outside.bytes[outside.frame.l4_offset + 4], peer.ack.value() - 1);
    bench.give(bench.icmp_error(type, code, mtu, outside));
    REQUIRE(bench.drops(DropReason::IcmpUnmatched) == 1);
    Sent other = flight[0];
    base::store_be16(&other.bytes[other.frame.l4_offset + 2], 4999);  // no such connection
    bench.give(bench.icmp_error(type, code, mtu, other));
    REQUIRE(bench.drops(DropReason::IcmpUnmatched) == 2);
    REQUIRE(bench.sent().empty());

    bench.give(bench.icmp_error(type, code, mtu, flight[0]));
    REQUIRE(bench.drops(DropReason::IcmpUnmatched) == 2);
    const std::vector<Sent> again = bench.sent();
    REQUIRE_FALSE(again.empty());
    REQUIRE(again[0].tcp->seq == peer.ack);
    for (const Sent& one : again)
        REQUIRE(one.bytes.size() <= wire::kEthernetHeader + mtu);
    REQUIRE(again[0].payload.size() < full);
    // Below the floor it is believed no further, and it never raises.
    const stack::ConnectionId id = bench.host().flows()[0].id;
    bench.give(bench.icmp_error(type, code, 68, flight[0]));
    const std::uint16_t floored = bench.host().stack().find(id)->snapshot().send_mss;
    REQUIRE(floored >= 500);
    bench.give(bench.icmp_error(type, code, 1500, flight[0]));
    REQUIRE(bench.host().stack().find(id)->snapshot().send_mss == floored);
    // A hard error is soft once the connection stands.
    bench.give(bench.icmp_error(bench.is_v6() ? wire::kIcmpv6Unreachable : wire::kIcmpUnreachable,
                                bench.is_v6() ? 4 : 3, 0, flight[0]));
    REQUIRE(bench.host().count(State::Established) == 1);
}

// RFC 9293 3.9.2.2, MUST-54, SHLD-26.
TEST_CASE("a hard ICMP error ends an active open") {
    const LeakCheck leaks;
    Bench bench(GENERATE(false, true));
    Flow& flow = bench.host().connect({bench.peer(), 80}, 5000, {}, bench.now());
    bench.turn();
    const Sent syn = bench.sent().back();
    bench.give(bench.icmp_error(bench.is_v6() ? wire::kIcmpv6Unreachable : wire::kIcmpUnreachable,
                                bench.is_v6() ? 4 : 3, 0, syn));
    REQUIRE(flow.closed == CloseReason::Refused);  // as Linux tells of a port unreachable
    bench.turn();
    REQUIRE(bench.host().live() == 0);
    REQUIRE(bench.host().closes(CloseReason::Refused) == 1);
    // HARDENING 10: the late SYN-ACK finds nothing.
    Segment late{.flags = kSyn | kAck, .ack = syn.tcp->seq + 1, .from_port = 80, .to_port = 5000};
    bench.give({late});
    REQUIRE(bench.drops(DropReason::TcpNoListener) == 1);
    REQUIRE(bench.sent_segment().tcp->flags.rst());
}

}  // namespace
}  // namespace terminus::stack
