// The steps of a recorded server's application, and what the client's packets waited for.
#include "capture/recorded_conversations.hpp"
#include "capture/tape.hpp"

using namespace terminus;
using namespace terminus::test;
using namespace std::chrono_literals;
using capture::RecordedConversation;
using capture::RecordedPacket;
using capture::ResponseStep;
using Kind = capture::ResponseStep::Kind;

namespace {

std::vector<ResponseStep> steps(Tape& tape) {
    return only(tape.load()).steps;
}

}  // namespace

TEST_CASE("a response follows what it answers after the recorded think time") {
    Tape tape;
    tape.handshake();
    tape.client({.at = 21, .seq = 1, .ack = 1, .length = 50});
    tape.server({.at = 22, .seq = 1, .ack = 51});
    tape.server({.at = 71, .seq = 1, .ack = 51, .length = 100});
    tape.server({.at = 72, .seq = 101, .ack = 51, .length = 100});  // close together: one write
    tape.client({.at = 100, .seq = 51, .ack = 201, .length = 5});
    tape.server({.at = 130, .flags = kFin | kAck, .seq = 201, .ack = 56, .length = 10});
    const auto all = steps(tape);
    REQUIRE(all.size() == 3);
    CHECK(all[0].kind == Kind::Bytes);
    CHECK(all[0].after_received == 50);
    CHECK(all[0].after == 50ms);
    CHECK(all[0].begin == 0);
    CHECK(all[0].length == 200);
    CHECK(all[0].packet == 6);
    CHECK(all[1].after_received == 55);
    CHECK(all[1].after == 30ms);
    CHECK(all[1].begin == 200);
    CHECK(all[1].length == 10);
    CHECK(all[2].kind == Kind::Fin);
    CHECK(all[2].after == 0ms);
}

TEST_CASE("a server that speaks first does so after the handshake, and pauses are kept") {
    Tape tape;
    tape.handshake();
    tape.server({.at = 25, .seq = 1, .ack = 1, .length = 10});
    tape.client({.at = 30, .seq = 1, .ack = 11});
    tape.server({.at = 525, .seq = 11, .ack = 1, .length = 10});
    const auto all = steps(tape);
    REQUIRE(all.size() == 2);
    CHECK(all[0].after_received == 0);
    CHECK(all[0].after == 5ms);
    CHECK(all[1].after == 500ms);
}

TEST_CASE("text that an ACK let go was written with what went before") {
    Tape tape;
    tape.handshake();
    tape.client({.at = 21, .seq = 1, .ack = 1, .length = 50});
    tape.server({.at = 25, .seq = 1, .ack = 51, .length = 1000});
    tape.client({.at = 125, .seq = 51, .ack = 1001});
    tape.server({.at = 126, .seq = 1001, .ack = 51, .length = 2000});
    tape.client({.at = 226, .seq = 51, .ack = 3001});
    tape.server({.at = 260, .seq = 3001, .ack = 51, .length = 10});  // no ACK's doing
    const auto all = steps(tape);
    REQUIRE(all.size() == 2);
    CHECK(all[0].length == 3000);
    CHECK(all[1].length == 10);
    CHECK(all[1].after == 235ms);  // since the step before began
}

TEST_CASE("a capture taken far from the server sees what an ACK let go a round trip later") {
    Tape tape;
    const auto exchange = [&](std::uint64_t distance) {
        tape.client({.at = 0, .flags = kSyn, .options = tape.client_options});
        tape.server({.at = distance, .flags = kSyn | kAck, .ack = 1, .options = tape.server_options});
        tape.client({.at = 101, .seq = 1, .ack = 1});
        tape.server({.at = 200, .seq = 1, .ack = 1, .length = 1000});
        tape.client({.at = 201, .seq = 1, .ack = 1001});
        tape.server({.at = 301, .seq = 1001, .ack = 1, .length = 1000});
    };
    SECTION("far") {
        exchange(100);
        CHECK(steps(tape).size() == 1);
    }
    SECTION("near") {
        exchange(10);
        CHECK(steps(tape).size() == 2);
    }
}

TEST_CASE("what the server sent again is no step, nor is what it sent out of order") {
    Tape tape;
    tape.handshake();
    tape.server({.at = 25, .seq = 1, .ack = 1, .length = 100});
    tape.server({.at = 26, .seq = 201, .ack = 1, .length = 100});
    tape.server({.at = 27, .seq = 101, .ack = 1, .length = 100});
    tape.server({.at = 900, .seq = 1, .ack = 1, .length = 300});
    const auto all = steps(tape);
    REQUIRE(all.size() == 1);
    CHECK(all[0].length == 300);
}

TEST_CASE("a server that answers the client's end waits for it, and a reset is a step") {
    Tape fin;
    fin.handshake();
    fin.client({.at = 30, .flags = kFin | kAck, .seq = 1, .ack = 1, .length = 20});
    fin.server({.at = 31, .flags = kFin | kAck, .seq = 1, .ack = 22});
    const auto ended = steps(fin);
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].kind == Kind::Fin);
    CHECK(ended[0].after_client_fin);
    CHECK(ended[0].after_received == 20);
    CHECK(ended[0].after == 1ms);

    Tape reset;
    reset.handshake();
    reset.client({.at = 30, .seq = 1, .ack = 1, .length = 20});
    reset.server({.at = 37, .flags = kRst, .seq = 1});
    reset.server({.at = 38, .flags = kRst, .seq = 1});
    const auto broken = steps(reset);
    REQUIRE(broken.size() == 1);
    CHECK(broken[0].kind == Kind::Reset);
    CHECK(broken[0].after_received == 20);
    CHECK_FALSE(broken[0].after_client_fin);
    CHECK(broken[0].after == 7ms);
}

TEST_CASE("a packet waits for what it is the first to acknowledge or report") {
    Tape tape;
    tape.handshake();
    tape.server({.at = 30, .seq = 1, .ack = 1, .length = 300});
    tape.client({.at = 50, .seq = 1, .ack = 101});
    tape.client({.at = 51, .seq = 1, .ack = 101, .sack = {{201, 301}}});
    tape.client({.at = 52, .seq = 1, .ack = 301});
    const capture::RecordedConversations recorded = tape.load();
    const auto& packets = only(recorded).client_packets;
    CHECK(packets[0].waits_for == 0);
    CHECK(packets[1].waits_for == 1);
    CHECK(packets[1].reaction == 10ms);
    CHECK(packets[2].waits_for == 101);
    CHECK(packets[2].reaction == 20ms);
    CHECK(packets[3].waits_for == 301);
    CHECK(packets[3].reaction == 21ms);
    CHECK(packets[4].waits_for == 0);
    for (const RecordedPacket& packet : packets)
        CHECK(packet.waits_for_again == 0);
}

TEST_CASE("an ACK of what was lost and sent again waits for that") {
    Tape tape;
    tape.handshake();
    for (std::uint32_t i = 0; i < 4; ++i)
        tape.server({.at = 30 + i, .seq = 1 + 100 * i, .ack = 1, .length = 100});
    tape.client({.at = 50, .seq = 1, .ack = 101});
    tape.client({.at = 52, .seq = 1, .ack = 101, .sack = {{201, 401}}});
    SECTION("after duplicates") {
        tape.server({.at = 60, .seq = 101, .ack = 1, .length = 100});
        tape.client({.at = 85, .seq = 1, .ack = 401});
        const capture::RecordedConversations recorded = tape.load();
        const RecordedPacket& last = only(recorded).client_packets.back();
        CHECK(last.waits_for == 0);  // 401 was reported before
        CHECK(last.waits_for_again == 101);
        CHECK(last.reaction == 25ms);
    }
    SECTION("but not when the segment was only late") {
        tape.client({.at = 85, .seq = 1, .ack = 401});
        const capture::RecordedConversations recorded = tape.load();
        CHECK(only(recorded).client_packets.back().waits_for_again == 0);
    }
}

TEST_CASE("an ACK waits for no retransmission that nothing was reported to be missing before") {
    Tape tape;
    tape.handshake();
    tape.server({.at = 30, .seq = 1, .ack = 1, .length = 100});
    tape.server({.at = 300, .seq = 1, .ack = 1, .length = 100});
    tape.client({.at = 301, .seq = 1, .ack = 101});
    const capture::RecordedConversations recorded = tape.load();
    CHECK(only(recorded).client_packets.back().waits_for_again == 0);
    CHECK(only(recorded).client_packets.back().waits_for == 101);
}

TEST_CASE("text beyond the recorded server's window is a probe") {
    Tape tape;
    tape.handshake();
    tape.server({.at = 25, .seq = 1, .ack = 1, .window = 0});
    tape.client({.at = 26, .seq = 1, .ack = 1, .length = 1000});  // the SYN-ACK's window was 1000
    tape.server({.at = 27, .seq = 1, .ack = 1001, .window = 0});
    tape.client({.at = 28, .seq = 1001, .ack = 1, .length = 1});
    tape.server({.at = 29, .seq = 1, .ack = 1001, .window = 1});
    tape.client({.at = 30, .seq = 1001, .ack = 1, .length = 512});
    const capture::RecordedConversations recorded = tape.load();
    const auto& packets = only(recorded).client_packets;
    CHECK_FALSE(packets[2].exceeds_window);
    CHECK(packets[3].exceeds_window);
    CHECK_FALSE(packets[4].exceeds_window);  // scaled by 9
}

TEST_CASE("a server's window is unknown without its SYN, and known by that alone") {
    Tape without_answer;
    without_answer.client({.at = 0, .flags = kSyn, .options = without_answer.client_options});
    without_answer.client({.at = 20, .seq = 1, .ack = 1});
    without_answer.server({.at = 25, .seq = 1, .ack = 1, .window = 1});
    without_answer.client({.at = 26, .seq = 1, .ack = 1, .length = 1000});
    const capture::RecordedConversations unknown = without_answer.load();
    CHECK_FALSE(only(unknown).client_packets.back().exceeds_window);
    Tape without_syn;
    without_syn.server({.at = 10, .flags = kSyn | kAck, .ack = 1, .options = without_syn.server_options});
    without_syn.server({.at = 25, .seq = 1, .ack = 1, .window = 2});  // scaled by 9
    without_syn.client({.at = 26, .seq = 1, .ack = 1, .length = 1024});
    without_syn.client({.at = 27, .seq = 1025, .ack = 1, .length = 1});
    const capture::RecordedConversations known = without_syn.load();
    const auto& packets = only(known).client_packets;
    CHECK_FALSE(packets[packets.size() - 2].exceeds_window);
    CHECK(packets.back().exceeds_window);
}
