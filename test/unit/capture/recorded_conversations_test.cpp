#include "capture/recorded_conversations.hpp"

#include "capture/tape.hpp"

using namespace terminus;
using namespace terminus::test;
using capture::NoteKind;
using capture::RecordedConversation;
using capture::RecordedPacket;
using Outcome = RecordedConversation::Outcome;

namespace {

std::string request_of(const RecordedConversation& conversation) {
    std::vector<std::uint8_t> bytes(conversation.request.length());
    conversation.request.read(0, bytes);
    return {bytes.begin(), bytes.end()};
}

std::string client_text(std::uint64_t length) {
    std::string text;
    for (std::uint64_t i = 0; i < length; ++i)
        text += static_cast<char>(stream_byte(true, i));
    return text;
}

}  // namespace

TEST_CASE("recorded conversations have the client's packets, what was negotiated and both streams") {
    Tape tape;
    tape.handshake();
    tape.client({.at = 21, .flags = kPsh | kAck, .seq = 1, .ack = 1, .length = 50});
    tape.server({.at = 30, .seq = 1, .ack = 51, .length = 200});
    tape.client({.at = 40, .flags = kFin | kAck, .seq = 51, .ack = 201});
    tape.server({.at = 50, .flags = kFin | kAck, .seq = 201, .ack = 52});
    tape.client({.at = 60, .seq = 52, .ack = 202});
    const capture::RecordedConversations recorded = tape.load();
    CHECK(recorded.packets() == 8);
    CHECK(recorded.first_stamp() == base::Duration(1'000'000'000));
    CHECK(recorded.notes().empty());
    const RecordedConversation& conversation = only(recorded);
    CHECK(conversation.client == tape.client_end);
    CHECK(conversation.server == tape.server_end);
    CHECK(conversation.has_syn);
    CHECK(conversation.outcome == Outcome::Established);
    CHECK(conversation.client_isn == tape.client_isn);
    CHECK(conversation.server_isn == tape.server_isn);
    CHECK(conversation.negotiated.client_mss == 1460);
    CHECK(conversation.negotiated.client_scale == 7);
    CHECK(conversation.negotiated.server_scale == 9);
    CHECK(conversation.negotiated.sack);
    CHECK_FALSE(conversation.negotiated.timestamps);
    CHECK_FALSE(conversation.negotiated.ecn);
    CHECK(conversation.client_packets.size() == 5);
    CHECK(request_of(conversation) == client_text(50));
    CHECK(conversation.response.length() == 200);
    CHECK(conversation.response.filled() == 0);
    CHECK(conversation.has_ended());
    CHECK(conversation.notes.empty());
}

TEST_CASE("packets that can't be played are noted with their numbers, and so is a missing end") {
    Tape tape;
    tape.frame(0, ethernet(wire::kEtherTypeArp));
    tape.handshake();
    tape.frame(21, frame_v4(Octets(8), wire::kProtocolUdp));
    const capture::RecordedConversations recorded = tape.load();
    CHECK(noted(recorded.notes(), NoteKind::NotIp) == test::Numbers{1});
    CHECK(noted(recorded.notes(), NoteKind::NotTcp) == test::Numbers{5});
    CHECK(noted(only(recorded).notes, NoteKind::EndMissing) == test::Numbers{4});
    CHECK_FALSE(only(recorded).has_ended());
}

TEST_CASE("what became of an attempt is its outcome") {
    Tape refused;
    refused.client({.at = 0, .flags = kSyn});
    refused.server({.at = 1, .flags = kRst | kAck, .ack = 1});
    CHECK(only(refused.load()).outcome == Outcome::Refused);
    CHECK(only(refused.load()).has_ended());
    Tape unanswered;
    unanswered.client({.at = 0, .flags = kSyn});
    unanswered.client({.at = 1000, .flags = kSyn});
    const capture::RecordedConversations recorded = unanswered.load();
    CHECK(only(recorded).outcome == Outcome::Unanswered);
    CHECK(only(recorded).client_packets.size() == 2);
    CHECK(only(recorded).notes.empty());
}

TEST_CASE("a SYN of another number between the same endpoints is another conversation") {
    Tape tape;
    tape.handshake();
    tape.client({.at = 21, .flags = kRst, .seq = 1});
    tape.client_isn += 5'000'000;
    tape.server_isn += 77;
    tape.client({.at = 100, .flags = kSyn});
    tape.client({.at = 101, .flags = kSyn});
    tape.server({.at = 102, .flags = kSyn | kAck, .ack = 1});
    const capture::RecordedConversations recorded = tape.load();
    REQUIRE(recorded.conversations().size() == 2);
    CHECK(recorded.conversations()[0].client_packets.size() == 3);
    CHECK(recorded.conversations()[1].client_packets.size() == 2);
    CHECK(recorded.conversations()[1].server_isn == tape.server_isn);
}

TEST_CASE("options that the recorded server declined are NOPs in the SYN") {
    Tape tape;
    tape.client_options.timestamps = {77, 0};
    tape.server_options = {.mss = 1400};
    tape.client({.flags = kSyn | kEce | kCwr, .options = tape.client_options});
    tape.server({.at = 1, .flags = kSyn | kAck, .ack = 1, .options = tape.server_options});
    const capture::RecordedConversations recorded = tape.load();
    const RecordedConversation& conversation = only(recorded);
    CHECK(noted(conversation.notes, NoteKind::OptionDeclined) == test::Numbers{1});
    const RecordedPacket& syn = conversation.client_packets[0];
    CHECK(syn.segment.options == wire::TcpOptions{.mss = 1460});
    CHECK(syn.segment.flags.bits == kSyn);
    CHECK(syn.header[13] == kSyn);
    CHECK(syn.header.size() == 40);  // the NOPs keep their place
    CHECK_FALSE(conversation.negotiated.client_scale);
    CHECK_FALSE(conversation.negotiated.timestamps);
}

TEST_CASE("without the SYN-ACK, what the client does later tells what was declined") {
    Tape tape;
    tape.client_options.timestamps = {77, 0};
    tape.client({.flags = kSyn, .options = tape.client_options});
    tape.client({.at = 2, .seq = 1, .ack = 1});
    const capture::RecordedConversations recorded = tape.load();
    const RecordedConversation& conversation = only(recorded);
    CHECK(conversation.outcome == Outcome::Established);
    CHECK(noted(conversation.notes, NoteKind::SynAckMissing) == test::Numbers{1});
    CHECK(noted(conversation.notes, NoteKind::OptionDeclined) == test::Numbers{1});
    const wire::TcpOptions& offered = conversation.client_packets[0].segment.options;
    CHECK_FALSE(offered.timestamps);
    CHECK(offered.window_scale);
    CHECK(offered.sack_permitted);
    CHECK(conversation.server_isn == tape.server_isn);
}

TEST_CASE("a Fast Open cookie is another server's, text that it brought goes behind the handshake") {
    Tape tape;
    tape.client_options.fast_open = wire::FastOpenCookie{.bytes = {1, 2, 3, 4, 5, 6, 7, 8}, .length = 8};
    tape.client({.flags = kSyn, .length = 30, .options = tape.client_options});
    tape.server({.at = 1, .flags = kSyn | kAck, .ack = 31, .options = tape.server_options});
    tape.client({.at = 2, .seq = 31, .ack = 1});
    const capture::RecordedConversations recorded = tape.load();
    const RecordedConversation& conversation = only(recorded);
    CHECK(noted(conversation.notes, NoteKind::FastOpenCookie) == test::Numbers{1});
    CHECK(noted(conversation.notes, NoteKind::SynText) == test::Numbers{1});
    REQUIRE(conversation.client_packets.size() == 3);
    CHECK(conversation.client_packets[0].segment.payload_length == 0);
    CHECK_FALSE(conversation.client_packets[0].segment.options.fast_open);
    const RecordedPacket& text = conversation.client_packets[1];
    CHECK(text.is_made_up);
    CHECK(text.seq == 1);
    CHECK(text.waits_for == 1);
    CHECK(text.segment.seq == tape.client_isn + 1);
    CHECK(text.payload.size() == 30);
    CHECK(request_of(conversation) == client_text(30));
}

TEST_CASE("text of a SYN that the server did not take stays there") {
    Tape tape;
    tape.client({.flags = kSyn, .length = 30, .options = tape.client_options});
    tape.server({.at = 1, .flags = kSyn | kAck, .ack = 1, .options = tape.server_options});
    tape.client({.at = 2, .seq = 1, .ack = 1, .length = 30});
    const capture::RecordedConversations recorded = tape.load();
    CHECK(only(recorded).client_packets[0].payload.size() == 30);
    CHECK(only(recorded).client_packets.size() == 2);
    CHECK(noted(only(recorded).notes, NoteKind::SynText).empty());
}

TEST_CASE("the client's SYN-ACK of SYNs that cross is an ACK") {
    Tape tape;
    tape.client({.at = 0, .flags = kSyn, .options = tape.client_options});
    tape.server({.at = 0, .flags = kSyn, .options = tape.server_options});
    tape.client({.at = 5, .flags = kSyn | kAck, .ack = 1, .options = tape.client_options});
    tape.server({.at = 9, .flags = kSyn | kAck, .ack = 1, .options = tape.server_options});
    const capture::RecordedConversations recorded = tape.load();
    const RecordedConversation& conversation = only(recorded);
    CHECK(noted(conversation.notes, NoteKind::SynAckOfClient) == test::Numbers{3});
    const RecordedPacket& ack = conversation.client_packets.at(1);
    CHECK(ack.header[13] == kAck);
    CHECK(ack.segment.seq == tape.client_isn + 1);
    CHECK(ack.waits_for == 1);
}

TEST_CASE("text with a wrong checksum is not the request's, but is there to be played") {
    Tape tape;
    tape.handshake();
    tape.client({.at = 21, .seq = 1, .ack = 1, .length = 5, .sum = Tape::Segment::Sum::Wrong});
    tape.client({.at = 25, .seq = 1, .ack = 1, .length = 10});
    const capture::RecordedConversations recorded = tape.load();
    const RecordedConversation& conversation = only(recorded);
    CHECK(noted(conversation.notes, NoteKind::ChecksumWrong) == test::Numbers{4});
    CHECK(conversation.client_packets[2].is_checksum_wrong);
    CHECK(conversation.client_packets[2].waits_for == 0);
    CHECK(conversation.request.length() == 10);
}

TEST_CASE("an end whose checksums are all wrong is a capturing host's, and its text is right") {
    Tape tape;
    const auto wrong = Tape::Segment::Sum::Wrong;
    tape.client({.at = 0, .flags = kSyn, .options = tape.client_options});
    tape.server({.at = 1, .flags = kSyn | kAck, .ack = 1, .options = tape.server_options, .sum = wrong});
    tape.client({.at = 2, .seq = 1, .ack = 1});
    tape.server({.at = 3, .seq = 1, .ack = 1, .length = 100, .sum = wrong});
    const capture::RecordedConversations recorded = tape.load();
    CHECK(only(recorded).response.length() == 100);
    CHECK(only(recorded).steps.size() == 1);
}

TEST_CASE("thousands of conversations at once are kept apart") {
    Tape tape;
    for (int round = 0; round < 3; ++round) {
        for (std::uint16_t port = 1000; port < 4000; ++port) {
            tape.client_end.port = port;
            const auto at = static_cast<std::uint64_t>(round);
            if (round == 0) tape.client({.at = at, .flags = kSyn});
            if (round == 1) tape.server({.at = at, .flags = kSyn | kAck, .ack = 1});
            if (round == 2) tape.client({.at = at, .seq = 1, .ack = 1, .length = port % 7u});
        }
    }
    const capture::RecordedConversations recorded = tape.load();
    REQUIRE(recorded.conversations().size() == 3000);
    for (const RecordedConversation& conversation : recorded.conversations()) {
        REQUIRE(conversation.client_packets.size() == 2);
        REQUIRE(conversation.request.length() == conversation.client.port % 7u);
    }
}
