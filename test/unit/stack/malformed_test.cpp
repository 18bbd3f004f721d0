#include <catch2/catch.hpp>

#include "stack/bench.hpp"
#include "wire/arp.hpp"
#include "wire/icmp.hpp"
#include "wire/nd.hpp"

// HARDENING 1 to 9: each frame is dropped, counted once under its reason, answered by nothing, and read
// nowhere outside (AddressSanitizer watches: frames are given without padding).
namespace terminus::stack {
namespace {

using namespace test;
using terminus::test::operator+;

struct Case {
    std::string what;
    DropReason reason;
    Octets frame;
};

template <typename Change>
Octets changed(Octets frame, Change&& change) {
    change(frame);
    return frame;
}

/// A valid SYN to a port with a listener, IPv4; only the Ethernet or IP header is then spoilt.
class Frames {
 public:
    explicit Frames(const Bench& bench) : bench_(bench), syn_(bench.frame({.flags = kSyn})) {}

    template <typename Change>
    void spoil(const std::string& what, DropReason reason, Change&& change) {
        cases.push_back({what, reason, changed(syn_, change)});
    }
    /// As spoil(), with the IPv4 header's checksum made right again.
    template <typename Change>
    void spoil_ip(const std::string& what, DropReason reason, Change&& change) {
        Octets frame = changed(syn_, change);
        terminus::test::refresh_ip_checksum(frame);
        cases.push_back({what, reason, frame});
    }
    /// As spoil(), with the segment's checksum made right again.
    template <typename Change>
    void spoil_tcp(const std::string& what, DropReason reason, Change&& change) {
        Octets frame = changed(syn_, change);
        const std::size_t at =
            wire::kEthernetHeader + (bench_.is_v6() ? wire::kIpv6Header : wire::kIpv4Header);
        base::store_be16(&frame[at + 16], 0);
        base::store_be16(&frame[at + 16], wire::l4_checksum(bench_.peer(), bench_.us(), wire::kProtocolTcp,
                                                            base::Bytes(frame).subspan(at)));
        cases.push_back({what, reason, frame});
    }
    void add(const std::string& what, DropReason reason, Octets frame) {
        cases.push_back({what, reason, std::move(frame)});
    }
    [[nodiscard]] const Octets& syn() const { return syn_; }

    std::vector<Case> cases;

 private:
    const Bench& bench_;
    Octets syn_;
};

void check_all(Bench& bench, const std::vector<Case>& cases) {
    bench.advance(3s);
    (void)bench.sent();
    for (const Case& one : cases) {
        INFO(one.what);
        const std::uint64_t reason_before = bench.drops(one.reason);
        const std::uint64_t all_before = bench.host().drops();
        const std::uint32_t buffers_before = terminus::test::buffers_in_use();
        bench.give_exactly(one.frame);
        CHECK(bench.drops(one.reason) == reason_before + 1);
        CHECK(bench.host().drops() == all_before + 1);
        CHECK(bench.sent().empty());
        CHECK(terminus::test::buffers_in_use() == buffers_before);
        CHECK(bench.host().stats().half_open.value() == 0);
    }
}

TEST_CASE("HARDENING 1, 2, 7, 8, 9: spoilt Ethernet and IPv4 headers are dropped, each counted once") {
    Bench bench;
    bench.host().listen(80, {});
    Frames frames(bench);
    frames.add("thirteen bytes", DropReason::EthernetTruncated, Octets(13, 2));
    frames.spoil("group source", DropReason::EthernetSource, [](Octets& f) { f[6] |= 1; });
    frames.spoil("another's MAC", DropReason::NotForUs, [](Octets& f) { f[5] ^= 0x40; });
    frames.spoil("VLAN tag", DropReason::VlanTagged, [](Octets& f) { base::store_be16(&f[12], 0x8100); });
    frames.spoil("QinQ tag", DropReason::VlanTagged, [](Octets& f) { base::store_be16(&f[12], 0x88a8); });
    frames.spoil("LLDP", DropReason::EtherTypeUnknown, [](Octets& f) { base::store_be16(&f[12], 0x88cc); });
    frames.spoil("802.3 length", DropReason::EtherTypeUnknown,
                 [](Octets& f) { base::store_be16(&f[12], 40); });
    for (std::size_t length = 14; length < 34; ++length) {
        frames.spoil("IP header cut to " + std::to_string(length), DropReason::IpTruncated,
                     [&](Octets& f) { f.resize(length); });
    }
    frames.spoil_ip("version 5", DropReason::IpVersion, [](Octets& f) { f[14] = 0x55; });
    frames.spoil_ip("version 6 under IPv4's type", DropReason::IpVersion, [](Octets& f) { f[14] = 0x65; });
    frames.spoil_ip("header of four words", DropReason::IpHeaderLength, [](Octets& f) { f[14] = 0x44; });
    frames.spoil_ip("header past the packet", DropReason::IpHeaderLength, [](Octets& f) { f[14] = 0x4f; });
    frames.spoil_ip("total length under the header", DropReason::IpTotalLength,
                    [](Octets& f) { base::store_be16(&f[16], 19); });
    frames.spoil_ip("total length over the frame", DropReason::IpTotalLength,
                    [](Octets& f) { base::store_be16(&f[16], 41); });
    frames.spoil_ip("total length 65535", DropReason::IpTotalLength,
                    [](Octets& f) { base::store_be16(&f[16], 65535); });
    frames.spoil("header checksum", DropReason::IpChecksum, [](Octets& f) { f[24] ^= 1; });
    frames.spoil_ip("UDP", DropReason::IpProtocolUnknown, [](Octets& f) { f[23] = wire::kProtocolUdp; });
    frames.spoil_ip("ICMPv6 in IPv4", DropReason::IpProtocolUnknown,
                    [](Octets& f) { f[23] = wire::kProtocolIcmpv6; });
    const auto source = [](std::uint32_t address) {
        return [address](Octets& f) { base::store_be32(&f[26], address); };
    };
    const auto destination = [](std::uint32_t address) {
        return [address](Octets& f) { base::store_be32(&f[30], address); };
    };
    // HARDENING 8.
    frames.spoil_ip("LAND", DropReason::IpAddress, source(0xc0000202));
    frames.spoil_ip("source 0.0.0.0", DropReason::IpAddress, source(0));
    frames.spoil_ip("source 127.0.0.1", DropReason::IpAddress, source(0x7f000001));
    frames.spoil_ip("source 224.0.0.1", DropReason::IpAddress, source(0xe0000001));
    frames.spoil_ip("source 255.255.255.255", DropReason::IpAddress, source(0xffffffff));
    frames.spoil_ip("destination 224.0.0.1", DropReason::IpAddress, destination(0xe0000001));
    frames.spoil_ip("destination 255.255.255.255", DropReason::IpAddress, destination(0xffffffff));
    frames.spoil_ip("destination 127.0.0.1", DropReason::IpAddress, destination(0x7f000001));
    frames.spoil_ip("another's address", DropReason::NotForUs, destination(0xc0000203));
    frames.spoil_ip("our network's broadcast", DropReason::NotForUs, destination(0xc00002ff));
    frames.spoil("TCP to Ethernet's broadcast", DropReason::IpAddress,
                 [](Octets& f) { std::fill_n(f.begin(), 6, std::uint8_t{0xff}); });
    frames.spoil_ip("first fragment that cuts the TCP header", DropReason::FragmentMalformed, [](Octets& f) {
        f.resize(34 + 16);
        base::store_be16(&f[16], 36);
        base::store_be16(&f[20], 0x2000);
    });
    frames.spoil_ip("fragment over the TCP header", DropReason::FragmentMalformed,
                    [](Octets& f) { base::store_be16(&f[20], 1); });
    frames.spoil_ip("fragment beyond 64 KiB", DropReason::FragmentMalformed,
                    [](Octets& f) { base::store_be16(&f[20], 0x1fff); });
    check_all(bench, frames.cases);
}

TEST_CASE("HARDENING 1, 2: spoilt IPv6 headers are dropped, each counted once") {
    Bench bench(true);
    bench.host().listen(80, {});
    Frames frames(bench);
    const Octets syn_l4(frames.syn().begin() + 54, frames.syn().end());
    for (std::size_t length = 14; length < 54; ++length) {
        frames.spoil("IP header cut to " + std::to_string(length), DropReason::IpTruncated,
                     [&](Octets& f) { f.resize(length); });
    }
    frames.spoil("version 4", DropReason::IpVersion, [](Octets& f) { f[14] = 0x45; });
    frames.spoil("payload over the frame", DropReason::IpTotalLength,
                 [](Octets& f) { base::store_be16(&f[18], 21); });
    frames.spoil("LAND", DropReason::IpAddress, [](Octets& f) { f[14 + 8 + 15] = kUs; });
    frames.spoil("source ::", DropReason::IpAddress,
                 [](Octets& f) { std::fill_n(&f[22], 16, std::uint8_t{0}); });
    frames.spoil("source ff02::1", DropReason::IpAddress, [](Octets& f) {
        f[22] = 0xff;
        f[23] = 2;
    });
    frames.spoil("mapped source", DropReason::IpAddress, [](Octets& f) {
        std::fill_n(&f[22], 10, std::uint8_t{0});
        f[32] = f[33] = 0xff;
    });
    frames.spoil("another's address", DropReason::NotForUs, [](Octets& f) { f[53] = 77; });
    const auto chain = [&](const Octets& headers, std::uint8_t first) {
        return terminus::test::frame_v6(headers + syn_l4, first, bench.peer(), bench.us());
    };
    Octets nine;
    for (int i = 0; i < 9; ++i)
        nine = nine + terminus::test::hex(i < 8 ? "3c00 0104 0000 0000" : "0600 0104 0000 0000");
    frames.add("nine extension headers", DropReason::IpExtensionChain,
               chain(nine, wire::kProtocolDestinationOptions));
    frames.add("hop-by-hop not first", DropReason::IpExtensionChain,
               chain(terminus::test::hex("0000 0104 0000 0000 0600 0104 0000 0000"),
                     wire::kProtocolDestinationOptions));
    frames.add("routing header type 0", DropReason::IpExtensionChain,
               chain(terminus::test::hex("0600 0001 0000 0000"), wire::kProtocolRouting));
    frames.add("extension past the packet", DropReason::IpTruncated,
               chain(terminus::test::hex("06ff 0104 0000 0000"), wire::kProtocolDestinationOptions));
    frames.add("unknown next header", DropReason::IpProtocolUnknown, chain({}, 17));
    frames.add("no next header", DropReason::IpProtocolUnknown, chain({}, wire::kProtocolNoNext));
    frames.add("tiny first fragment", DropReason::FragmentMalformed,
               terminus::test::frame_v6(terminus::test::hex("0600 0001 0000 abcd 0000 0000 0000 0000"),
                                        wire::kProtocolFragment, bench.peer(), bench.us()));
    check_all(bench, frames.cases);
}

// RFC 9293 3.1, MUST-3: among them those with a wrong checksum.
TEST_CASE("HARDENING 1, 5, 7, 8: spoilt TCP headers are dropped, each counted once, in both families") {
    Bench bench(GENERATE(false, true));
    bench.host().listen(80, {});
    Frames frames(bench);
    const std::size_t at = bench.is_v6() ? 54 : 34;
    for (std::size_t length = 0; length < 20; ++length) {
        frames.add("segment of " + std::to_string(length), DropReason::TcpTruncated,
                   bench.ip_frame(wire::kProtocolTcp, Octets(length, 0)));
    }
    // HARDENING 7.
    frames.spoil("checksum", DropReason::TcpChecksum, [&](Octets& f) { f[at + 17] ^= 1; });
    frames.spoil("checksum zero", DropReason::TcpChecksum,
                 [&](Octets& f) { base::store_be16(&f[at + 16], 0); });
    frames.spoil("a bit of the sequence", DropReason::TcpChecksum, [&](Octets& f) { f[at + 4] ^= 1; });
    frames.spoil_tcp("data offset 4", DropReason::TcpDataOffset, [&](Octets& f) { f[at + 12] = 0x40; });
    frames.spoil_tcp("data offset 0", DropReason::TcpDataOffset, [&](Octets& f) { f[at + 12] = 0; });
    frames.spoil_tcp("data offset past the segment", DropReason::TcpDataOffset,
                     [&](Octets& f) { f[at + 12] = 0x60; });
    frames.spoil_tcp("source port 0", DropReason::TcpPortZero,
                     [&](Octets& f) { base::store_be16(&f[at], 0); });
    frames.spoil_tcp("destination port 0", DropReason::TcpPortZero,
                     [&](Octets& f) { base::store_be16(&f[at + 2], 0); });
    frames.spoil_tcp("no flags", DropReason::TcpBadFlags, [&](Octets& f) { f[at + 13] = 0; });
    frames.spoil_tcp("SYN and FIN", DropReason::TcpBadFlags, [&](Octets& f) { f[at + 13] = kSyn | kFin; });
    check_all(bench, frames.cases);
}

TEST_CASE("spoilt ARP, ICMP and neighbour discovery is dropped, each counted once") {
    Bench bench(GENERATE(false, true));
    Frames frames(bench);
    Octets arp(wire::kArpLength);
    wire::write_arp({wire::ArpOperation::Request,
                     terminus::test::kPeerMac,
                     Host::address_of(kPeer, false),
                     {},
                     Host::address_of(kUs, false)},
                    arp);
    const Octets arp_frame =
        terminus::test::ethernet(wire::kEtherTypeArp, wire::MacAddress::broadcast()) + arp;
    frames.add("ARP cut", DropReason::ArpMalformed, changed(arp_frame, [](Octets& f) { f.resize(41); }));
    frames.add("ARP for Token Ring", DropReason::ArpMalformed,
               changed(arp_frame, [](Octets& f) { f[15] = 6; }));
    frames.add("RARP", DropReason::ArpMalformed, changed(arp_frame, [](Octets& f) { f[21] = 3; }));
    frames.add("ARP with a group sender", DropReason::ArpMalformed,
               changed(arp_frame, [](Octets& f) { f[22] |= 1; }));

    const std::uint8_t protocol = bench.is_v6() ? wire::kProtocolIcmpv6 : wire::kProtocolIcmp;
    const std::size_t at = bench.is_v6() ? 54 : 34;
    const Octets body(20, 0);
    for (std::size_t length = 0; length < wire::kIcmpHeader; ++length)
        frames.add("ICMP of " + std::to_string(length), DropReason::IcmpTruncated,
                   bench.ip_frame(protocol, Octets(length, 0)));
    const std::uint8_t echo = bench.is_v6() ? wire::kIcmpv6EchoRequest : wire::kIcmpEchoRequest;
    frames.add("ICMP checksum", DropReason::IcmpChecksum,
               changed(bench.icmp(echo, 0, 1, body), [&](Octets& f) { f[at + 2] ^= 1; }));
    const std::uint8_t unreachable = bench.is_v6() ? wire::kIcmpv6Unreachable : wire::kIcmpUnreachable;
    frames.add("error that quotes nothing", DropReason::IcmpMalformed, bench.icmp(unreachable, 0, 0, {}));
    frames.add("error that quotes junk", DropReason::IcmpMalformed, bench.icmp(unreachable, 0, 0, body));
    frames.add("echo reply", DropReason::IcmpIgnored,
               bench.icmp(bench.is_v6() ? wire::kIcmpv6EchoReply : wire::kIcmpEchoReply, 0, 0, body));
    frames.add("unknown type", DropReason::IcmpIgnored, bench.icmp(bench.is_v6() ? 200 : 42, 0, 0, body));
    // An error about a segment of somebody who was never connected.
    Octets quote(bench.is_v6() ? 60 : 40);
    const Octets ours = bench.frame({});
    std::copy_n(ours.begin() + 14, quote.size(), quote.begin());
    const std::size_t addresses = bench.is_v6() ? 8 : 12;
    const std::size_t width = bench.is_v6() ? 16 : 4;
    std::swap_ranges(quote.begin() + static_cast<std::ptrdiff_t>(addresses),
                     quote.begin() + static_cast<std::ptrdiff_t>(addresses + width),
                     quote.begin() + static_cast<std::ptrdiff_t>(addresses + width));
    frames.add("error about no connection", DropReason::IcmpUnmatched, bench.icmp(unreachable, 0, 0, quote));
    if (!bench.is_v6()) {
        // RFC 6633.
        frames.add("source quench", DropReason::IcmpIgnored,
                   bench.icmp(wire::kIcmpSourceQuench, 0, 0, quote));
    } else {
        Octets nd(wire::kNdLengthMax);
        nd.resize(wire::write_nd({.kind = wire::NdKind::Solicitation,
                                  .target = bench.us(),
                                  .link_address = terminus::test::kPeerMac},
                                 bench.peer(), bench.us(), nd));
        const Octets good = bench.ip_frame(protocol, nd);
        // RFC 4861 7.1.1.
        frames.add("ND from beyond a router", DropReason::NdMalformed,
                   changed(good, [](Octets& f) { f[21] = 254; }));
        Octets zero_option = nd;
        zero_option[25] = 0;
        base::store_be16(&zero_option[2], 0);
        base::store_be16(&zero_option[2], wire::l4_checksum(bench.peer(), bench.us(), protocol, zero_option));
        frames.add("ND option of length zero", DropReason::NdMalformed,
                   bench.ip_frame(protocol, zero_option));
        frames.add("router advertisement", DropReason::IcmpIgnored,
                   bench.icmp(wire::kIcmpv6RouterAdvertisement, 0, 0, body));
        frames.add("redirect", DropReason::IcmpIgnored, bench.icmp(wire::kIcmpv6Redirect, 0, 0, body));
    }
    check_all(bench, frames.cases);
}

TEST_CASE("what a connection doesn't take is counted once, under the check that refused it") {
    // RFC 9293 3.10.7.4, RFC 5961, RFC 7323: HARDENING 5, 10, 12, 15.
    const LeakCheck leaks;
    HostOptions options;
    options.tunables.out_of_order_segments = 1;
    options.tunables.rmem = 4096;
    Bench bench(false, options);
    bench.host().listen(80, {.reads = false});
    Peer peer{.seq = wire::SeqNum(100)};
    Segment syn = peer.segment(kSyn);
    syn.options.timestamps = {.value = 1000, .echo_reply = 0};
    bench.give({syn});
    const std::uint32_t ours = bench.sent().back().tcp->options.timestamps->value;
    peer.seq += 1;
    peer.ack = bench.iss() + 1;
    const auto with_time = [&](Segment segment, std::uint32_t value = 1000) {
        segment.options.timestamps = {.value = value, .echo_reply = ours};
        return segment;
    };
    bench.give({with_time(peer.segment(kAck, "start"))});
    peer.seq += 5;
    REQUIRE(bench.host().drops() == 0);

    std::uint64_t all = 0;
    const auto refused = [&](DropReason reason, Segment segment, std::uint32_t value = 1000) {
        const std::uint64_t before = bench.drops(reason);
        bench.give({with_time(std::move(segment), value)});
        CHECK(bench.drops(reason) == before + 1);
        CHECK(bench.host().drops() == ++all);
        REQUIRE(bench.host().count(State::Established) == 1);
    };
    const auto at = [&](std::uint32_t offset, std::uint8_t flags, std::string text = {}) {
        Segment segment = peer.segment(flags, std::move(text));
        segment.seq += offset;
        return segment;
    };
    refused(DropReason::TcpPaws, at(0, kAck, "old"), 999);
    refused(DropReason::TcpOutOfWindow, at(100'000, kAck, "far"));
    refused(DropReason::TcpDuplicate, at(0u - 5, kAck, "start"));
    refused(DropReason::TcpRstInvalid, at(1, kRst));
    refused(DropReason::TcpRstInvalid, at(100'000, kRst));
    refused(DropReason::TcpSynInWindow, at(0, kSyn));
    refused(DropReason::TcpNoAck, at(0, 0, "no ack"));
    Segment beyond = at(0, kAck, "acks the future");
    beyond.ack += 1000;
    refused(DropReason::TcpAckInvalid, beyond);
    bench.give({with_time(at(10, kAck, "held"))});
    refused(DropReason::TcpOutOfOrderLimit, at(100, kAck, "one too many"));
    // RFC 9293 3.10.7.4: what is in the window is taken, the rest is trimmed and counted.
    for (int filled = 0; filled < 3; ++filled) {
        bench.give({with_time(peer.segment(kAck, std::string(1300, 'w')))});
        peer.seq += 1300;
    }
    REQUIRE(bench.host().drops() == all);
    refused(DropReason::TcpWindowFull, at(0, kAck, std::string(1300, 'w')));
    bench.host().stack().abort_all(CloseReason::Drain);
    bench.give({with_time(at(0, kAck, "too late"))});
    CHECK(bench.drops(DropReason::TcpClosed) == 1);
    bench.turn();
    REQUIRE(bench.host().live() == 0);
}

}  // namespace
}  // namespace terminus::stack
