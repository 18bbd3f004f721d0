// What a played client sends: numbers, options and text.
#include "capture/client_player.hpp"

#include "capture/scene.hpp"

using namespace terminus;
using namespace terminus::test;
using capture::DivergenceKind;

namespace {

constexpr auto kRight = Tape::Segment::Sum::Right;

wire::TcpOptions stamped(std::uint32_t value, std::uint32_t echo_reply) {
    return {.timestamps = wire::TcpTimestamps{value, echo_reply}};
}

}  // namespace

TEST_CASE("a played client's packets are the recorded ones, to the service and with Terminus's numbers") {
    Tape tape;
    tape.handshake();
    tape.client({.at = 21, .flags = kPsh | kAck, .seq = 1, .ack = 1, .length = 50, .traffic_class = 0x28});
    tape.server({.at = 30, .seq = 1, .ack = 51, .length = 500});
    tape.client({.at = 40, .seq = 51, .ack = 301, .sack = {{401, 501}}});
    tape.client({.at = 50, .flags = kRst | kAck, .seq = 51, .ack = 501});
    Scene scene(tape);
    const Scene::Frame syn = scene.next(0);
    CHECK(syn.seq == 0);
    CHECK(syn.segment.flags.bits == kSyn);
    CHECK(syn.segment.ack.value() == 0);
    CHECK(syn.segment.options == tape.client_options);
    CHECK(syn.segment.destination_port == 8080);
    CHECK(syn.ip.source == kPeer4);
    CHECK(syn.ip.destination == wire::IpAddress::v4(198, 51, 100, 7));
    CHECK(syn.ip.source_mac == kPeerMac);
    CHECK(syn.ip.destination_mac == kOurMac);
    CHECK(syn.ip.hop_limit == 57);
    CHECK(base::load_be16(&syn.bytes[18]) == 500);  // identification
    CHECK(syn.is_checksum_right);
    CHECK(scene.idle(15));
    scene.answer(10);
    CHECK(scene.next(20).ack == 1);
    const Scene::Frame text = scene.next(21);
    CHECK(text.seq == 1);
    CHECK(text.segment.flags.bits == (kPsh | kAck));
    CHECK(text.ip.traffic_class == 0x28);
    CHECK(text.segment.window == 1000);
    REQUIRE(text.text.size() == 50);
    CHECK(text.text[49] == stream_byte(true, 49));
    scene.hear({.at = 30, .seq = 1, .ack = 51, .length = 500});
    const Scene::Frame sack = scene.next(40);
    CHECK(sack.ack == 301);
    REQUIRE(sack.segment.options.sack_count == 1);
    CHECK(sack.segment.options.sack[0].left == scene.isn + 401);  // beyond the wrap
    CHECK(sack.segment.options.sack[0].right == scene.isn + 501);
    const Scene::Frame reset = scene.next(50);
    CHECK(reset.segment.flags.rst());
    CHECK(reset.ack == 501);
    CHECK(reset.packet == 7);
    CHECK(scene.player.is_over());
    CHECK(scene.due() == std::nullopt);
    CHECK(scene.player.counters().recorded == 5);
    CHECK(scene.player.counters().frames == 5);
    CHECK(scene.player.divergences().empty());
}

TEST_CASE("a played client speaks IPv6") {
    Tape tape;
    tape.client_end.address = kPeer6;
    tape.server_end.address = kOur6;
    tape.handshake();
    tape.client({.at = 21, .flags = kFin | kAck, .seq = 1, .ack = 1, .length = 3000});
    Scene scene(tape);
    scene.options.mss = 1440;
    scene.handshake();
    CHECK(scene.next(21).text.size() == 1440);
    CHECK(scene.next(21).text.size() == 1440);
    const Scene::Frame last = scene.next(21);
    CHECK(last.text.size() == 120);
    CHECK(last.segment.flags.fin());
    CHECK(last.ip.hop_limit == 255);
    CHECK(last.ip.destination == *wire::IpAddress::parse("2001:db8:7::7"));
    CHECK(last.is_checksum_right);
}

TEST_CASE("numbers of both ends go on over the wrap") {
    Tape tape;
    tape.client_isn = wire::SeqNum(0xffff'ffff);
    tape.server_isn = wire::SeqNum(0xffff'fff0);
    tape.handshake();
    tape.server({.at = 30, .seq = 1, .ack = 1, .length = 1000});
    tape.client({.at = 40, .seq = 1, .ack = 1001, .length = 10});
    Scene scene(tape);
    scene.handshake();
    scene.hear({.at = 30, .seq = 1, .ack = 1, .length = 1000});
    const Scene::Frame text = scene.next(40);
    CHECK(text.seq == 1);
    CHECK(text.segment.seq.value() == 0);
    CHECK(text.ack == 1001);
    CHECK(text.segment.ack.value() == 1001 - 0x100);
}

TEST_CASE("TSecr is of Terminus's segment that has what is acknowledged first") {
    Tape tape;
    tape.client_options.timestamps = {50, 0};
    tape.server_options.timestamps = {900, 50};
    tape.client({.at = 0, .flags = kSyn, .options = tape.client_options});
    tape.server({.at = 10, .flags = kSyn | kAck, .ack = 1, .options = tape.server_options});
    tape.client({.at = 20, .seq = 1, .ack = 1, .options = stamped(60, 900)});
    tape.server({.at = 30, .seq = 1, .ack = 1, .length = 300, .options = stamped(920, 60)});
    tape.client({.at = 40, .seq = 1, .ack = 201, .options = stamped(70, 920)});
    tape.client({.at = 41, .seq = 1, .ack = 201, .options = stamped(71, 920)});
    tape.client({.at = 42, .seq = 1, .ack = 301, .options = stamped(72, 920)});
    Scene scene(tape);
    scene.options.timestamps = {5'000, 50};
    CHECK(scene.next(0).segment.options.timestamps == wire::TcpTimestamps{50, 0});
    scene.answer(10);
    CHECK(scene.next(20).segment.options.timestamps == wire::TcpTimestamps{60, 5'000});
    scene.hear({.at = 30, .seq = 1, .ack = 1, .length = 100, .options = stamped(5'010, 60)});
    scene.hear({.at = 31, .seq = 101, .ack = 1, .length = 100, .options = stamped(5'011, 60)});
    scene.hear({.at = 32, .seq = 201, .ack = 1, .length = 100, .options = stamped(5'012, 60)});
    CHECK(scene.next(41).segment.options.timestamps == wire::TcpTimestamps{70, 5'010});
    CHECK(scene.next(43).segment.options.timestamps == wire::TcpTimestamps{71, 5'010});
    CHECK(scene.next(44).segment.options.timestamps == wire::TcpTimestamps{72, 5'012});
}

TEST_CASE("options that Terminus declined leave later packets") {
    Tape tape;
    tape.client_options.timestamps = {50, 0};
    tape.server_options.timestamps = {900, 50};
    tape.client({.at = 0, .flags = kSyn | kEce | kCwr, .options = tape.client_options});
    tape.server({.at = 10, .flags = kSyn | kAck | kEce, .ack = 1, .options = tape.server_options});
    tape.client({.at = 20, .flags = kAck | kEce, .seq = 1, .ack = 1, .options = stamped(60, 900)});
    tape.server({.at = 30, .seq = 1, .ack = 1, .length = 300, .options = stamped(920, 60)});
    tape.client({.at = 40,
                 .seq = 1,
                 .ack = 1,
                 .length = 10,
                 .sack = {{101, 301}},
                 .options = stamped(70, 920),
                 .window = 600,
                 .traffic_class = 0xb9});
    Scene scene(tape);
    scene.options = {.mss = 1460};
    CHECK(scene.next(0).segment.flags.bits == (kSyn | kEce | kCwr));
    scene.answer(10);
    CHECK(scene.diverged(DivergenceKind::OptionDeclined) == test::Numbers{3});
    const Scene::Frame ack = scene.next(20);
    CHECK(ack.segment.options == wire::TcpOptions{});
    CHECK(ack.segment.header_length == 20);
    CHECK(ack.segment.flags.bits == kAck);
    CHECK(ack.segment.window == 65'535);  // 128,000 bytes, and nothing to scale them by
    scene.hear({.at = 30, .seq = 1, .ack = 1, .length = 300});
    const Scene::Frame text = scene.next(40);
    CHECK(text.segment.options == wire::TcpOptions{});
    CHECK(text.ip.traffic_class == 0xb8);
    CHECK(text.segment.window == 65'535);
}

TEST_CASE("windows keep their bytes when Terminus declined the scale") {
    Tape tape;
    tape.handshake();
    tape.client({.at = 21, .seq = 1, .ack = 1, .length = 5, .window = 100});
    Scene scaled(tape);
    scaled.handshake();
    CHECK(scaled.next(21).segment.window == 100);
    Scene unscaled(tape);
    unscaled.options.window_scale.reset();
    unscaled.handshake();
    CHECK(unscaled.next(21).segment.window == 12'800);
}

TEST_CASE("super-frames are split to the MSS that Terminus named") {
    Tape tape;
    tape.handshake();
    tape.client({.at = 21,
                 .flags = kAck | kPsh | kFin | kCwr | kUrg,
                 .seq = 1,
                 .ack = 1,
                 .length = 2500,
                 .options = stamped(1, 0),
                 .urgent = 1200});
    Scene scene(tape);
    scene.options.mss = 1012;  // 1000 beside the timestamps
    scene.handshake();
    std::uint32_t at = 1;
    std::vector<std::uint8_t> flags;
    for (const std::size_t length : {1000u, 1000u, 500u}) {
        const Scene::Frame frame = scene.next(21);
        CHECK(frame.seq == at);
        REQUIRE(frame.text.size() == length);
        CHECK(frame.text[0] == stream_byte(true, at - 1));
        CHECK(frame.is_checksum_right);
        CHECK(frame.packet == 4);
        CHECK(base::load_be16(&frame.bytes[18]) == 500 + flags.size());
        if (frame.segment.flags.urg()) CHECK(frame.segment.urgent_pointer == 1200 - (at - 1));
        flags.push_back(frame.segment.flags.bits);
        at += static_cast<std::uint32_t>(length);
    }
    CHECK(flags == std::vector<std::uint8_t>{kAck | kCwr | kUrg, kAck | kUrg, kAck | kPsh | kFin});
    CHECK(scene.player.is_over());
    CHECK(scene.player.counters().split == 1);
    CHECK(scene.player.counters().frames == 5);
    CHECK(scene.player.counters().recorded == 3);
}

TEST_CASE("who names no MSS gets what RFC 9293 has for that, and no packet is longer than the MTU") {
    Tape tape;
    tape.handshake();
    tape.client({.at = 21, .seq = 1, .ack = 1, .length = 2000});
    Scene unnamed(tape);
    unnamed.options.mss.reset();
    unnamed.handshake();
    CHECK(unnamed.next(21).text.size() == 536);
    Scene jumbo(tape);
    jumbo.options.mss = 9000;
    jumbo.handshake();
    CHECK(jumbo.next(21).text.size() == 1460);
}

TEST_CASE("bytes that the snap length cut are played as the fill byte, and counted") {
    Tape tape;
    tape.handshake();
    tape.client({.at = 21, .seq = 1, .ack = 1, .length = 2000, .cut = 1700});
    Scene scene(tape);
    scene.handshake();
    const Scene::Frame first = scene.next(21);
    CHECK(first.text[299] == stream_byte(true, 299));
    CHECK(first.text[300] == capture::kFillByte);
    CHECK(scene.next(21).text == Octets(540, capture::kFillByte));
    CHECK(scene.player.counters().filled_bytes == 1700);
}

TEST_CASE("bytes that the snap length cut are another packet's, where that has them") {
    Tape tape;
    tape.handshake();
    tape.client({.at = 21, .seq = 1, .ack = 1, .length = 100, .cut = 80});
    tape.client({.at = 22, .seq = 51, .ack = 1, .length = 50, .cut = 20});
    tape.client({.at = 23, .seq = 101, .ack = 1, .length = 10});
    Scene scene(tape);
    scene.handshake();
    const Octets first = scene.next(21).text, again = scene.next(22).text;
    CHECK(Octets(first.begin() + 20, first.begin() + 50) == Octets(30, capture::kFillByte));
    for (std::size_t i = 0; i < 30; ++i)
        CHECK(first[50 + i] == stream_byte(true, 50 + i));
    CHECK(Octets(first.begin() + 50, first.end()) == again);
    CHECK(Octets(again.begin() + 30, again.end()) == Octets(20, capture::kFillByte));
    CHECK(scene.player.counters().filled_bytes == 100);
}

TEST_CASE("wrong checksums stay wrong unless they are to be repaired") {
    for (const auto sum : {Tape::Segment::Sum::Wrong, Tape::Segment::Sum::Unfinished, kRight}) {
        Tape tape;
        tape.handshake();
        tape.client({.at = 21, .seq = 1, .ack = 1, .length = 20, .sum = sum});
        Scene as_it_is(tape);
        as_it_is.handshake();
        CHECK(as_it_is.next(21).is_checksum_right == (sum == kRight));
        CHECK(as_it_is.player.counters().repaired == 0);
        Scene repaired(tape, capture::ClientPlayer::Mode::Causal, true);
        repaired.handshake();
        CHECK(repaired.next(21).is_checksum_right);
        CHECK(repaired.player.counters().repaired == (sum == kRight ? 0 : 1));
    }
}

TEST_CASE("a handshake that was made up is played before the rest") {
    Tape tape;
    tape.client({.at = 0, .seq = 5000, .ack = 700, .length = 20, .options = stamped(33, 44)});
    tape.server({.at = 10, .seq = 700, .ack = 5020, .length = 30, .options = stamped(45, 33)});
    tape.client({.at = 20, .seq = 5020, .ack = 730, .options = stamped(43, 45)});
    Scene scene(tape);
    scene.options.timestamps = {5'000, 33};
    const Scene::Frame syn = scene.next(0);
    CHECK(syn.segment.flags.bits == kSyn);
    CHECK(syn.segment.options.timestamps == wire::TcpTimestamps{33, 0});
    CHECK(scene.idle(0));
    scene.answer(3);
    const Scene::Frame ack = scene.next(3);
    CHECK(ack.seq == 1);
    CHECK(ack.ack == 1);
    CHECK(ack.segment.options.timestamps == wire::TcpTimestamps{33, 5'000});
    const Scene::Frame text = scene.next(3);
    CHECK(text.seq == 1);
    CHECK(text.ack == 1);
    CHECK(text.text.size() == 20);
    scene.hear({.at = 13, .seq = 1, .ack = 21, .length = 30, .options = stamped(5'010, 33)});
    CHECK(scene.next(23).ack == 31);
    CHECK(scene.player.counters().made_up == 2);
    CHECK(scene.player.counters().recorded == 2);
}

TEST_CASE("what a packet of the middle acknowledges from before the capture, it doesn't") {
    Tape tape;
    tape.client({.at = 0, .seq = 5000, .ack = 300, .sack = {{350, 400}}});
    tape.server({.at = 10, .seq = 700, .ack = 5000, .length = 30});
    tape.client({.at = 20, .seq = 5000, .ack = 730});
    Scene scene(tape);
    scene.next(0);
    scene.answer(3);
    CHECK(scene.next(3).ack == 1);
    const Scene::Frame early = scene.next(3);
    CHECK(early.packet == 1);
    CHECK(early.ack == 1);
    CHECK(early.segment.options == wire::TcpOptions{});
    scene.hear({.at = 13, .seq = 1, .ack = 1, .length = 30});
    CHECK(scene.next(23).ack == 31);
    const auto& notes = scene.player.conversation().notes;
    CHECK(noted(notes, capture::NoteKind::EarlyAck) == test::Numbers{1});
}

TEST_CASE("a client can't be played to its own address, nor to one of another family") {
    Tape tape;
    tape.handshake();
    const capture::RecordedConversations recorded = tape.load();
    const auto obstacle = [&](const wire::IpAddress& service) {
        return capture::ClientPlayer::obstacle(only(recorded), {service, 8080});
    };
    CHECK(obstacle(kPeer4) == "its client has the service's own address");
    CHECK(obstacle(kPeer6) == "its client is of another family than the service");
    CHECK(obstacle(kOur4) == std::nullopt);
}
