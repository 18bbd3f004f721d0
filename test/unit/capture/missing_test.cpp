// What a capture hasn't: the beginning of connections, packets that the capturing host dropped, ends of text.
#include "capture/recorded_conversations.hpp"
#include "capture/tape.hpp"

using namespace terminus;
using namespace terminus::test;
using capture::NoteKind;
using capture::RecordedConversation;
using capture::RecordedPacket;

TEST_CASE("a missing SYN and its ACK are made up before the first packet") {
    Tape tape;
    tape.client({.at = 5,
                 .seq = 1000,
                 .ack = 500,
                 .length = 20,
                 .options = {.timestamps = wire::TcpTimestamps{70, 80}}});
    tape.server({.at = 9, .seq = 500, .ack = 1020, .length = 30});
    tape.client({.at = 12, .seq = 1020, .ack = 530, .sack = {{540, 550}}});
    const capture::RecordedConversations recorded = tape.load();
    const RecordedConversation& conversation = only(recorded);
    CHECK_FALSE(conversation.has_syn);
    CHECK(noted(conversation.notes, NoteKind::SynMissing) == test::Numbers{1});
    CHECK(noted(conversation.notes, NoteKind::ScaleGuessed) == test::Numbers{1});
    CHECK(conversation.client_isn == tape.client_isn + 999);
    CHECK(conversation.server_isn == tape.server_isn + 499);
    REQUIRE(conversation.client_packets.size() == 4);
    const RecordedPacket &syn = conversation.client_packets[0], &ack = conversation.client_packets[1];
    CHECK(syn.is_made_up);
    CHECK(syn.stamp == conversation.first_stamp);
    CHECK(syn.segment.flags.bits == kSyn);
    CHECK(syn.segment.seq == conversation.client_isn);
    CHECK(syn.segment.options == wire::TcpOptions{.mss = 1460,
                                                  .window_scale = 7,
                                                  .sack_permitted = true,
                                                  .timestamps = wire::TcpTimestamps{70, 0}});
    CHECK(ack.is_made_up);
    CHECK(ack.segment.flags.bits == kAck);
    CHECK(ack.segment.seq == conversation.client_isn + 1);
    CHECK(ack.segment.ack == conversation.server_isn + 1);
    CHECK(ack.waits_for == 1);
    CHECK(conversation.client_packets[2].seq == 1);
    CHECK(conversation.request.length() == 20);
    CHECK(conversation.response.length() >= 30);
}

TEST_CASE("a made-up SYN over IPv6 has its MSS, and options that nobody used are not in it") {
    Tape tape;
    tape.client_end.address = kPeer6;
    tape.server_end.address = kOur6;
    tape.client({.at = 5, .seq = 1000, .ack = 500, .length = 20});
    const capture::RecordedConversations recorded = tape.load();
    CHECK(only(recorded).client_packets[0].segment.options ==
          wire::TcpOptions{.mss = 1440, .window_scale = 7});
}

TEST_CASE("with the SYN-ACK alone the SYN offers what that accepts") {
    Tape tape;
    tape.server({.at = 1, .flags = kSyn | kAck, .ack = 1, .options = {.mss = 1460, .sack_permitted = true}});
    tape.client({.at = 2, .seq = 1, .ack = 1});
    tape.client({.at = 3, .seq = 1, .ack = 1, .length = 7});
    const capture::RecordedConversations recorded = tape.load();
    const RecordedConversation& conversation = only(recorded);
    CHECK(conversation.client == tape.client_end);
    CHECK(conversation.client_isn == tape.client_isn);
    CHECK(conversation.client_packets[0].segment.options ==
          wire::TcpOptions{.mss = 1460, .sack_permitted = true});
    CHECK(conversation.client_packets.size() == 3);  // the ACK of the handshake was captured
    CHECK(noted(conversation.notes, NoteKind::ScaleGuessed).empty());
}

TEST_CASE("without any SYN the server is a service, or who answered one elsewhere, or has the lower port") {
    const auto add = [](Tape& tape) {
        tape.server({.at = 1, .seq = 5000, .ack = 700, .length = 10});
        tape.client({.at = 2, .seq = 700, .ack = 5010});
    };
    Tape by_port;
    add(by_port);
    CHECK(only(by_port.load()).client == by_port.client_end);
    CHECK(noted(only(by_port.load()).notes, NoteKind::ClientGuessed) == test::Numbers{1});

    Tape by_service;
    std::swap(by_service.client_end.port, by_service.server_end.port);
    add(by_service);
    const capture::RecordedConversations served = by_service.load({.services = {by_service.server_end}});
    CHECK(only(served).client == by_service.client_end);
    CHECK(noted(only(served).notes, NoteKind::ClientGuessed).empty());

    Tape by_other;
    std::swap(by_other.client_end.port, by_other.server_end.port);
    add(by_other);
    by_other.client_end.port = 99;
    by_other.client({.at = 3, .flags = kSyn});
    const capture::RecordedConversations other = by_other.load();
    REQUIRE(other.conversations().size() == 2);
    CHECK(other.conversations()[0].server == by_other.server_end);
}

TEST_CASE("text under way when the capture began is not played, what was sent again later is") {
    Tape tape;
    // 1…1000 are under way, 1001…2000 come first; then the server asks for 501.
    tape.client({.at = 1, .seq = 1001, .ack = 1, .length = 1000});
    tape.server({.at = 2, .seq = 1, .ack = 501});
    tape.client({.at = 3, .seq = 501, .ack = 1, .length = 500});
    tape.server({.at = 4, .seq = 1, .ack = 2001});
    const capture::RecordedConversations recorded = tape.load();
    const RecordedConversation& conversation = only(recorded);
    CHECK(conversation.client_isn == tape.client_isn + 500);
    CHECK(conversation.request.length() == 1500);
    CHECK(conversation.request.filled() == 0);
    CHECK(noted(conversation.notes, NoteKind::RequestHole).empty());
}

TEST_CASE("a keepalive first does not move the numbers") {
    Tape tape;
    tape.client({.at = 1, .seq = 999, .ack = 500});
    tape.server({.at = 2, .seq = 500, .ack = 1000});
    tape.client({.at = 3, .seq = 1000, .ack = 500, .length = 10});
    const capture::RecordedConversations recorded = tape.load();
    CHECK(only(recorded).client_isn == tape.client_isn + 999);
    CHECK(only(recorded).request.length() == 10);
    CHECK(noted(only(recorded).notes, NoteKind::RequestHole).empty());
}

TEST_CASE("text that the server acknowledged and nobody captured is made up, where it was missing") {
    Tape tape;
    tape.handshake();
    tape.client({.at = 21, .seq = 1, .ack = 1, .length = 100});
    // 101…300 were dropped by the capturing host
    tape.client({.at = 23, .seq = 301, .ack = 1, .length = 100});
    tape.server({.at = 30, .seq = 1, .ack = 401});
    const capture::RecordedConversations recorded = tape.load();
    const RecordedConversation& conversation = only(recorded);
    CHECK(noted(conversation.notes, NoteKind::RequestHole) == test::Numbers{5});
    REQUIRE(conversation.client_packets.size() == 5);
    const RecordedPacket& filled = conversation.client_packets[3];
    CHECK(filled.is_made_up);
    CHECK(filled.seq == 101);
    CHECK(filled.filled == 200);
    CHECK(filled.segment.payload_length == 200);
    CHECK(filled.stamp == conversation.client_packets[4].stamp);
    CHECK(conversation.request.length() == 400);
    CHECK(conversation.request.filled() == 200);
}

TEST_CASE("nothing is made up where the server acknowledged nothing, nor for a reset of any number") {
    Tape tape;
    tape.handshake();
    tape.client({.at = 21, .seq = 1, .ack = 1, .length = 100});
    tape.client({.at = 22, .seq = 301, .ack = 1, .length = 100});
    tape.client({.at = 23, .flags = kRst, .seq = 5001});
    tape.server({.at = 30, .seq = 1, .ack = 101});
    const capture::RecordedConversations recorded = tape.load();
    CHECK(only(recorded).client_packets.size() == 5);
    CHECK(only(recorded).request.length() == 100);
    CHECK(noted(only(recorded).notes, NoteKind::RequestHole).empty());
}

TEST_CASE("text that was lost behind the SYN ends the handshake") {
    Tape tape;
    tape.client({.at = 0, .flags = kSyn, .options = tape.client_options});
    tape.server({.at = 10, .flags = kSyn | kAck, .ack = 1, .options = tape.server_options});
    tape.server({.at = 30, .seq = 1, .ack = 101, .length = 500});  // the ACK and the request weren't captured
    tape.client({.at = 40, .seq = 101, .ack = 501});
    const capture::RecordedConversations recorded = tape.load();
    const auto& packets = only(recorded).client_packets;
    REQUIRE(packets.size() == 3);
    CHECK(packets[1].segment.ack == tape.server_isn + 1);
    CHECK(packets[1].waits_for == 1);
    CHECK(packets[1].filled == 100);
}

TEST_CASE("text that the client sent again is no hole, whatever the snap length left of it") {
    Tape tape;
    tape.handshake();
    tape.client({.at = 21, .seq = 101, .ack = 1, .length = 100, .cut = 90});
    tape.client({.at = 25, .seq = 1, .ack = 1, .length = 100});
    tape.server({.at = 30, .seq = 1, .ack = 201});
    const capture::RecordedConversations recorded = tape.load();
    const RecordedConversation& conversation = only(recorded);
    CHECK(noted(conversation.notes, NoteKind::RequestHole).empty());
    CHECK(noted(conversation.notes, NoteKind::TextCut) == test::Numbers{4});
    CHECK(conversation.client_packets.size() == 4);
    CHECK(conversation.request.filled() == 90);
}

TEST_CASE("the response's bytes that nobody captured are known by the client's acknowledgement, and filled") {
    Tape tape;
    tape.handshake();
    tape.server({.at = 30, .seq = 1, .ack = 1, .length = 100});
    tape.client({.at = 40, .seq = 1, .ack = 301});
    tape.server({.at = 50, .seq = 301, .ack = 1, .length = 50});
    tape.client({.at = 60, .seq = 1, .ack = 351});
    const capture::RecordedConversations recorded = tape.load();
    const RecordedConversation& conversation = only(recorded);
    CHECK(noted(conversation.notes, NoteKind::ResponseHole) == test::Numbers{5});
    CHECK(conversation.response.length() == 350);
    CHECK(conversation.response.filled() == 200);
    std::uint8_t byte = 0;
    conversation.response.read(300, {&byte, 1});
    CHECK(byte == stream_byte(false, 300));
}

TEST_CASE("what the server sent late or again leaves no hole") {
    Tape tape;
    tape.handshake();
    tape.server({.at = 30, .seq = 101, .ack = 1, .length = 100});
    tape.server({.at = 31, .seq = 1, .ack = 1, .length = 100});
    const capture::RecordedConversations recorded = tape.load();
    CHECK(noted(only(recorded).notes, NoteKind::ResponseHole).empty());
    CHECK(only(recorded).response.filled() == 0);
}

TEST_CASE("numbers far beyond all that was sent are not followed") {
    Tape tape;
    tape.handshake();
    tape.client({.at = 21, .seq = 1, .ack = 0x4000'0000});
    tape.client({.at = 22, .seq = 0x4000'0000, .ack = 1, .length = 10});
    tape.server({.at = 23, .seq = 0x4000'0000, .ack = 1, .length = 10});
    tape.server({.at = 24, .seq = 1, .ack = 0x4000'0000});
    const capture::RecordedConversations recorded = tape.load();
    const RecordedConversation& conversation = only(recorded);
    CHECK(noted(conversation.notes, NoteKind::NumberImpossible) == test::Numbers{4, 5, 6, 7});
    CHECK(conversation.client_packets[2].waits_for == 0);
    CHECK(conversation.request.length() == 0);
    CHECK(conversation.response.length() == 0);
}

TEST_CASE("a FIN that was acknowledged and not captured is made up, of either end") {
    Tape tape;
    tape.handshake();
    tape.client({.at = 21, .seq = 1, .ack = 1, .length = 100});
    SECTION("the client's") {
        tape.server({.at = 30, .seq = 1, .ack = 102});
        tape.client({.at = 40, .seq = 102, .ack = 1});
        const capture::RecordedConversations recorded = tape.load();
        const RecordedConversation& conversation = only(recorded);
        CHECK(noted(conversation.notes, NoteKind::FinMissing) == test::Numbers{5});
        CHECK(noted(conversation.notes, NoteKind::RequestHole).empty());
        CHECK(conversation.request.length() == 100);
        CHECK(conversation.client_ends);
        REQUIRE(conversation.client_packets.size() == 5);
        const RecordedPacket& fin = conversation.client_packets[3];
        CHECK(fin.segment.flags.bits == (kFin | kAck));
        CHECK(fin.seq == 101);
        CHECK(fin.segment.seq == tape.client_isn + 101);
        CHECK(fin.segment.payload_length == 0);
        CHECK(fin.stamp == conversation.client_packets[4].stamp);
    }
    SECTION("the server's") {
        tape.server({.at = 30, .seq = 1, .ack = 101, .length = 50});
        tape.client({.at = 40, .seq = 101, .ack = 52});
        const capture::RecordedConversations recorded = tape.load();
        const RecordedConversation& conversation = only(recorded);
        CHECK(noted(conversation.notes, NoteKind::FinMissing) == test::Numbers{6});
        CHECK(noted(conversation.notes, NoteKind::ResponseHole).empty());
        CHECK(conversation.response.length() == 50);
        CHECK(conversation.server_ends);
        REQUIRE(conversation.steps.size() == 2);
        CHECK(conversation.steps[0].length == 50);
        CHECK(conversation.steps[1].kind == capture::ResponseStep::Kind::Fin);
    }
    SECTION("but a byte between others is text") {
        tape.server({.at = 30, .seq = 1, .ack = 102});
        tape.client({.at = 40, .seq = 102, .ack = 1, .length = 10});
        const capture::RecordedConversations recorded = tape.load();
        CHECK(noted(only(recorded).notes, NoteKind::FinMissing).empty());
        CHECK(noted(only(recorded).notes, NoteKind::RequestHole) == test::Numbers{6});
        CHECK(only(recorded).request.length() == 111);
    }
}
