#include "capture/captured_packet.hpp"

#include "capture/tape.hpp"

using namespace terminus;
using namespace terminus::test;
using capture::NoteKind;

namespace {

Octets data(const Tape::Segment& segment = {.seq = 1, .ack = 1, .length = 100}) {
    return Tape().frame_of(segment, true);
}

base::Result<capture::CapturedPacket, NoteKind> read(const Octets& frame, std::uint32_t cut = 0) {
    capture::Record record;
    record.number = 7;
    record.frame = base::Bytes(frame).first(frame.size() - cut);
    record.cut_bytes = cut;
    return capture::read_captured(record);
}

capture::CapturedPacket good(const Octets& frame, std::uint32_t cut = 0) {
    const auto packet = read(frame, cut);
    REQUIRE(packet.ok());
    return packet.value();
}

NoteKind bad(const Octets& frame, std::uint32_t cut = 0) {
    const auto packet = read(frame, cut);
    REQUIRE_FALSE(packet.ok());
    return packet.error();
}

std::vector<NoteKind> alterations(const capture::CapturedPacket& captured) {
    return {captured.alterations.begin(), captured.alterations.end()};
}

using Kinds = std::vector<NoteKind>;

}  // namespace

TEST_CASE("a captured packet has its IP facts, its header and its text") {
    const Octets frame = data() + Octets(6);  // Ethernet's padding is no text
    const capture::CapturedPacket captured = good(frame);
    CHECK(alterations(captured).empty());
    CHECK(captured.source == Tape().client_end);
    CHECK(captured.destination == Tape().server_end);
    const capture::RecordedPacket& packet = captured.packet;
    CHECK(packet.number == 7);
    CHECK(packet.hop_limit == 57);
    CHECK(packet.identification == 500);
    CHECK(packet.dont_fragment);
    CHECK(packet.header.size() == 20);
    REQUIRE(packet.payload.size() == 100);
    CHECK(packet.payload[99] == stream_byte(true, 99));
    CHECK(packet.segment.payload_length == 100);
    CHECK_FALSE(packet.is_checksum_wrong);
}

TEST_CASE("VLAN tags are left out, two of them too") {
    Octets frame = data();
    const Octets tags = hex("88a8 0005 8100 0007");
    frame.insert(frame.begin() + 12, tags.begin(), tags.end());
    CHECK(alterations(good(frame)) == Kinds{NoteKind::Vlan});
    CHECK(good(frame).packet.payload.size() == 100);
    frame.resize(16);
    CHECK(bad(frame) == NoteKind::Malformed);
}

TEST_CASE("text that the snap length cut is filled, headers that it cut end the packet") {
    const capture::CapturedPacket captured = good(data(), 60);
    CHECK(alterations(captured) == Kinds{NoteKind::TextCut});
    CHECK(captured.packet.payload.size() == 40);
    CHECK(captured.packet.filled == 60);
    CHECK(captured.packet.segment.payload_length == 100);
    CHECK(good(data(), 100).packet.filled == 100);
    CHECK(bad(data(), 101) == NoteKind::HeaderCut);
    CHECK(bad(data(), 125) == NoteKind::HeaderCut);
    CHECK(bad(data(), 150) == NoteKind::HeaderCut);
}

TEST_CASE("wrong checksums are told from those that a device would have finished") {
    using Sum = Tape::Segment::Sum;
    const capture::CapturedPacket wrong = good(data({.seq = 1, .length = 9, .sum = Sum::Wrong}));
    CHECK(alterations(wrong) == Kinds{NoteKind::ChecksumWrong});
    CHECK(wrong.packet.is_checksum_wrong);
    const capture::CapturedPacket unfinished = good(data({.seq = 1, .length = 9, .sum = Sum::Unfinished}));
    CHECK(alterations(unfinished) == Kinds{NoteKind::ChecksumUnfinished});
    CHECK(unfinished.packet.is_checksum_wrong);
    Octets no_ip_checksum = data();
    no_ip_checksum[24] = no_ip_checksum[25] = 0;
    CHECK(alterations(good(no_ip_checksum)) == Kinds{NoteKind::ChecksumWrong});
    // Of what was cut nobody can tell.
    CHECK(alterations(good(data({.seq = 1, .length = 9, .sum = Sum::Wrong}), 1)) == Kinds{NoteKind::TextCut});
}

TEST_CASE("a length of 0, as unfinished super-frames have, is the frame's") {
    Octets v4 = data({.seq = 1, .ack = 1, .length = 30'000});
    v4[16] = v4[17] = 0;
    refresh_ip_checksum(v4);
    CHECK(alterations(good(v4)) == Kinds{NoteKind::LengthGuessed});
    CHECK(good(v4).packet.payload.size() == 30'000);
    Tape tape;
    tape.client_end.address = kPeer6;
    tape.server_end.address = kOur6;
    Octets v6 = tape.frame_of({.seq = 1, .ack = 1, .length = 3000}, true);
    CHECK(alterations(good(v6)).empty());
    v6[18] = v6[19] = 0;
    CHECK(alterations(good(v6)) == Kinds{NoteKind::LengthGuessed});
    CHECK(good(v6).packet.payload.size() == 3000);
}

TEST_CASE("IP options and extension headers are left out") {
    Octets v4 = data();
    const Octets router_alert = hex("9404 0000");
    v4.insert(v4.begin() + 34, router_alert.begin(), router_alert.end());
    v4[14] = 0x46;
    v4[17] = static_cast<std::uint8_t>(v4[17] + 4);
    refresh_ip_checksum(v4);
    CHECK(alterations(good(v4)) == Kinds{NoteKind::IpOptions});
    CHECK(good(v4).packet.payload.size() == 100);
    Tape tape;
    tape.client_end.address = kPeer6;
    tape.server_end.address = kOur6;
    const Octets plain = tape.frame_of({.seq = 1, .ack = 1, .length = 10}, true);
    const Octets tcp(plain.begin() + 54, plain.end());
    CHECK(alterations(good(frame_v6(hex("0600 0104 0000 0000") + tcp, 60))) == Kinds{NoteKind::IpOptions});
}

TEST_CASE("what is no whole TCP packet between two hosts says why") {
    CHECK(bad({}) == NoteKind::Malformed);
    CHECK(bad(ethernet(wire::kEtherTypeArp)) == NoteKind::NotIp);
    CHECK(bad(frame_v4(Octets(8), wire::kProtocolIcmp)) == NoteKind::NotTcp);
    CHECK(bad(frame_v4(Octets(8), 47)) == NoteKind::Encapsulated);
    CHECK(bad(frame_v4(Octets(8), wire::kProtocolTcp)) == NoteKind::Malformed);
    CHECK(bad(frame_v4(tcp_syn(), 6, {.more_fragments = true})) == NoteKind::Fragment);
    CHECK(bad(frame_v4(tcp_syn(), 6, {.fragment_offset = 64})) == NoteKind::Fragment);
    CHECK(bad(frame_v6(hex("0600 0001 0000 0009") + tcp_syn(), 44)) == NoteKind::Fragment);
    CHECK(bad(frame_v4(tcp_syn(), 6, {.source = wire::IpAddress::v4(127, 0, 0, 1)})) ==
          NoteKind::ImpossibleAddress);
    CHECK(bad(frame_v4(tcp_syn(), 6, {.destination = wire::IpAddress::v4(224, 0, 0, 1)})) ==
          NoteKind::ImpossibleAddress);
    Octets offset = data();
    offset[46] = 0x40;
    CHECK(bad(offset) == NoteKind::Malformed);
}
