// When a played client sends, and what it does where Terminus isn't as the recorded server.
#include "capture/client_player.hpp"
#include "capture/scene.hpp"

using namespace terminus;
using namespace terminus::test;
using namespace std::chrono_literals;
using capture::DivergenceKind;
using Mode = capture::ClientPlayer::Mode;

namespace {

/// Handshake to 20 ms, a response of 3000 bytes at 30 ms, its ACK and the next request at 40 and 50 ms.
Tape exchange() {
    Tape tape;
    tape.handshake();
    tape.server({.at = 30, .seq = 1, .ack = 1, .length = 3000});
    tape.client({.at = 40, .seq = 1, .ack = 3001});
    tape.client({.at = 50, .seq = 1, .ack = 3001, .length = 10});
    return tape;
}

}  // namespace

TEST_CASE("packets wait for what they acknowledge, and what follows keeps its distance") {
    Tape tape = exchange();
    Scene scene(tape);
    scene.handshake();
    CHECK(scene.due() == std::nullopt);
    CHECK(scene.idle(60));
    scene.hear({.at = 100, .seq = 1, .ack = 1, .length = 2999});
    CHECK(scene.idle(100));
    scene.hear({.at = 110, .seq = 3000, .ack = 1, .length = 1});
    CHECK(scene.due() == 120);  // 10 ms after the response, as recorded
    CHECK(scene.idle(119));
    CHECK(scene.next(120).ack == 3001);
    CHECK(scene.player.lag() == 80ms);
    CHECK(scene.due() == 130);
    CHECK(scene.next(130).text.size() == 10);
    CHECK(scene.player.counters().waited == 1);
    CHECK(scene.player.divergences().empty());
}

TEST_CASE("a Terminus that is faster than the recorded server makes nothing earlier") {
    Tape tape = exchange();
    Scene scene(tape);
    scene.handshake(2);
    scene.hear({.at = 21, .seq = 1, .ack = 1, .length = 3000});
    CHECK(scene.due() == 40);
    scene.next(40);
    CHECK(scene.due() == 50);
    CHECK(scene.player.lag() == 0ms);
}

TEST_CASE("what SACK reports is waited for, too") {
    Tape tape;
    tape.handshake();
    tape.server({.at = 30, .seq = 1, .ack = 1, .length = 300});
    tape.client({.at = 40, .seq = 1, .ack = 1, .sack = {{101, 301}}});
    Scene scene(tape);
    scene.handshake();
    scene.hear({.at = 30, .seq = 1, .ack = 1, .length = 200});
    CHECK(scene.idle(41));
    scene.hear({.at = 45, .seq = 201, .ack = 1, .length = 100});
    CHECK(scene.due() == 55);
}

TEST_CASE("an ACK of what was lost in the recording waits for Terminus's retransmission") {
    Tape tape;
    tape.client_options.timestamps = tape.server_options.timestamps = {1, 0};
    const wire::TcpOptions stamps{.timestamps = wire::TcpTimestamps{2, 1}};
    tape.client({.at = 0, .flags = kSyn, .options = tape.client_options});
    tape.server({.at = 10, .flags = kSyn | kAck, .ack = 1, .options = tape.server_options});
    tape.client({.at = 20, .seq = 1, .ack = 1, .options = stamps});
    for (std::uint32_t i = 0; i < 3; ++i)
        tape.server({.at = 30, .seq = 1 + 100 * i, .ack = 1, .length = 100, .options = stamps});
    tape.client({.at = 40, .seq = 1, .ack = 1, .sack = {{101, 301}}, .options = stamps});
    tape.server({.at = 41, .seq = 1, .ack = 1, .length = 100, .options = stamps});
    tape.client({.at = 51, .seq = 1, .ack = 301, .options = stamps});
    Scene scene(tape);
    scene.options.timestamps = wire::TcpTimestamps{700, 1};
    const auto value = [](std::uint32_t at) {
        return wire::TcpOptions{.timestamps = wire::TcpTimestamps{at, 2}};
    };
    scene.handshake();
    for (std::uint32_t i = 0; i < 3; ++i)
        scene.hear({.at = 30, .seq = 1 + 100 * i, .ack = 1, .length = 100, .options = value(710)});
    CHECK(scene.next(40).segment.options.sack_count == 1);
    SECTION("it comes") {
        CHECK(scene.idle(60));
        scene.hear({.at = 90, .seq = 1, .ack = 1, .length = 100, .options = value(790)});
        CHECK(scene.due() == 100);
        const Scene::Frame ack = scene.next(100);
        CHECK(ack.ack == 301);
        CHECK(ack.segment.options.timestamps->echo_reply == 790);
        CHECK(scene.player.lag() == 49ms);
        CHECK(scene.player.divergences().empty());
    }
    SECTION("another comes") {
        scene.hear({.at = 90, .seq = 201, .ack = 1, .length = 100, .options = value(790)});
        CHECK(scene.idle(200));
    }
    SECTION("it never comes") {
        CHECK(scene.due() == 51 + 3000);
        CHECK(scene.idle(3050));
        CHECK(scene.next(3051).segment.options.timestamps->echo_reply == 710);
        CHECK(scene.diverged(DivergenceKind::RetransmissionUnseen) == test::Numbers{9});
    }
}

TEST_CASE("an ACK is inserted where Terminus can send no more without one") {
    Tape tape = exchange();
    Scene scene(tape);
    scene.handshake();
    scene.hear({.at = 30, .seq = 1, .ack = 1, .length = 1460});
    CHECK(scene.due() == 80);  // 40 ms after the recorded time, which is later than the segment
    CHECK(scene.idle(79));
    const Scene::Frame ack = scene.next(80);
    CHECK(ack.seq == 1);
    CHECK(ack.ack == 1461);
    CHECK(ack.segment.flags.bits == kAck);
    CHECK(ack.segment.window == 1000);
    CHECK(ack.text.empty());
    CHECK(ack.is_checksum_right);
    CHECK(scene.due() == std::nullopt);
    scene.hear({.at = 82, .seq = 1461, .ack = 1, .length = 1460});
    CHECK(scene.due() == 122);
    CHECK(scene.next(122).ack == 2921);
    scene.hear({.at = 123, .seq = 2921, .ack = 1, .length = 80});
    CHECK(scene.due() == 133);
    CHECK(scene.next(133).ack == 3001);
    CHECK(scene.diverged(DivergenceKind::AckInserted) == test::Numbers{5, 5});
    CHECK(scene.player.counters().inserted == 2);
}

TEST_CASE("text waits for Terminus's window, but a probe doesn't") {
    Tape tape;
    tape.handshake();
    tape.client({.at = 21, .seq = 1, .ack = 1, .length = 1000});  // as much as the server's SYN-ACK offered
    tape.client({.at = 22, .seq = 1001, .ack = 1, .length = 1});
    Scene scene(tape);
    scene.next(0);
    scene.hear({.at = 10, .flags = kSyn | kAck, .ack = 1, .options = scene.options, .window = 900});
    scene.next(20);
    CHECK(scene.due() == std::nullopt);
    scene.hear({.at = 70, .seq = 1, .ack = 1, .window = 2});  // scaled by 9
    CHECK(scene.due() == 70);
    CHECK(scene.next(75).text.size() == 1000);
    CHECK(scene.player.lag() == 49ms);
    CHECK(scene.next(76).text.size() == 1);
}

TEST_CASE("the parts of a super-frame go as far as the window reaches") {
    Tape tape;
    tape.server_options.window_scale = 14;
    tape.handshake();
    tape.server({.at = 20, .seq = 1, .ack = 1});
    tape.client({.at = 21, .seq = 1, .ack = 1, .length = 3000});
    Scene scene(tape);
    scene.next(0);
    scene.hear({.at = 10, .flags = kSyn | kAck, .ack = 1, .options = scene.options, .window = 1460});
    scene.next(20);
    CHECK(scene.next(21).text.size() == 1460);
    CHECK(scene.idle(21));
    scene.hear({.at = 30, .seq = 1, .ack = 1461, .window = 100});
    CHECK(scene.next(30).text.size() == 1460);
    CHECK(scene.next(30).text.size() == 80);
}

TEST_CASE("strict times are kept, and what they acknowledge too early is told") {
    Tape tape = exchange();
    Scene scene(tape, Mode::Strict);
    scene.next(0);
    scene.answer(10);
    scene.next(20);
    scene.hear({.at = 35, .seq = 1, .ack = 1, .length = 100});
    CHECK(scene.due() == 40);
    CHECK(scene.next(40).ack == 3001);
    CHECK(scene.next(50).ack == 3001);
    CHECK(scene.player.is_over());
    CHECK(scene.diverged(DivergenceKind::AcknowledgesUnsent) == test::Numbers{5, 6});
    CHECK(scene.player.lag() == 0ms);
}

TEST_CASE("strict packets without a SYN-ACK to map them by are not played") {
    Tape tape = exchange();
    Scene scene(tape, Mode::Strict);
    scene.next(0);
    CHECK(scene.due() == 20);
    CHECK(scene.idle(45));
    scene.answer(47);
    CHECK(scene.next(50).text.size() == 10);
    CHECK(scene.diverged(DivergenceKind::NoSynAck) == test::Numbers{3, 5});
}

TEST_CASE("strict text beyond Terminus's window is told, of a made-up handshake only the SYN has a time") {
    Tape tape;
    tape.client({.at = 0, .seq = 5000, .ack = 700, .length = 2000});
    Scene scene(tape, Mode::Strict);
    scene.next(0);
    CHECK(scene.due() == std::nullopt);
    scene.hear({.at = 5, .flags = kSyn | kAck, .ack = 1, .options = scene.options, .window = 1000});
    CHECK(scene.next(5).text.empty());
    CHECK(scene.next(5).text.size() == 1460);
    CHECK(scene.next(5).text.size() == 540);
    CHECK(scene.diverged(DivergenceKind::BeyondWindow) == test::Numbers{1});
}

TEST_CASE("what waits after a reset that the recording hasn't is not played") {
    Tape tape = exchange();
    Scene scene(tape);
    scene.handshake();
    scene.hear({.at = 30, .flags = kRst, .seq = 1});
    CHECK(scene.player.is_over());
    CHECK(scene.idle(100));
    CHECK(scene.diverged(DivergenceKind::ResetByTerminus) == test::Numbers{5});
    CHECK(scene.diverged(DivergenceKind::NotPlayed) == test::Numbers{5, 6});
}

TEST_CASE("a reset that the recording has is none, what the client sent after it is played") {
    Tape tape;
    tape.handshake();
    tape.client({.at = 21, .seq = 1, .ack = 1, .length = 10});
    tape.server({.at = 30, .flags = kRst, .seq = 1});
    tape.client({.at = 31, .seq = 11, .ack = 1, .length = 10});
    Scene scene(tape);
    scene.handshake();
    scene.next(21);
    scene.hear({.at = 30, .flags = kRst, .seq = 1});
    CHECK(scene.next(31).text.size() == 10);
    CHECK(scene.player.divergences().empty());
}

TEST_CASE("a client whom the recorded server refused acknowledges Terminus's answer all the same") {
    Tape tape;
    tape.client({.at = 0, .flags = kSyn, .options = tape.client_options, .window = 64'000});
    tape.server({.at = 1, .flags = kRst | kAck, .ack = 1});
    tape.client({.at = 1000, .flags = kSyn, .options = tape.client_options, .window = 64'000});
    Scene scene(tape);
    scene.next(0);
    scene.answer(4);
    CHECK(scene.due() == 4);
    const Scene::Frame ack = scene.next(4);
    CHECK(ack.segment.flags.bits == kAck);
    CHECK(ack.seq == 1);
    CHECK(ack.ack == 1);
    CHECK(ack.segment.window == 500);  // 64,000 bytes by the scale of 7
    CHECK(scene.player.is_over());
    CHECK(scene.diverged(DivergenceKind::HandshakeAckMadeUp) == test::Numbers{3});
    CHECK(scene.diverged(DivergenceKind::NotPlayed) == test::Numbers{3});
    scene.hear({.at = 9, .flags = kRst, .seq = 1});
    CHECK(scene.diverged(DivergenceKind::ResetByTerminus).empty());
}

TEST_CASE("a conversation can be held back, and packets that wait at the end are told") {
    Tape tape = exchange();
    Scene scene(tape);
    scene.player.hold_until(Scene::time(500));
    CHECK(scene.due() == 500);
    CHECK(scene.idle(499));
    scene.next(500);
    CHECK(scene.player.lag() == 500ms);
    scene.answer(505);
    CHECK(scene.due() == 520);
    scene.next(520);
    scene.player.finish();
    CHECK(scene.player.is_over());
    CHECK(scene.diverged(DivergenceKind::NotPlayed) == test::Numbers{5, 6});
}

TEST_CASE("another SYN-ACK before the first was acknowledged counts") {
    Tape tape = exchange();
    Scene scene(tape);
    scene.next(0);
    scene.answer(5);
    scene.isn += 12'345;
    scene.answer(8);
    CHECK(scene.next(20).ack == 1);
    scene.isn += 1;  // and none after that
    scene.answer(25);
    scene.isn = scene.isn - 1;
    scene.hear({.at = 30, .seq = 1, .ack = 1, .length = 3000});
    CHECK(scene.next(40).ack == 3001);
}
