#include "capture/conversation.hpp"

#include <catch2/catch.hpp>

#include "capture/talk.hpp"

using namespace terminus;
using namespace terminus::test;
using capture::Conversation;
using capture::Sighting;

TEST_CASE("numbers count from each side's ISN, windows are scaled once both SYNs have said so") {
    Talk talk;
    talk.handshake();
    talk.client({.flags = kAck, .seq = 1, .ack = 1, .length = 100});
    talk.server({.flags = kAck, .seq = 1, .ack = 101, .sack = {{201, 301}}});
    const Conversation& conversation = talk.only();
    CHECK(conversation.has_syn);
    CHECK(conversation.client.port == 40'000);
    CHECK(conversation.server.port == 80);
    REQUIRE(conversation.sightings.size() == 5);
    const Sighting& syn = conversation.sightings[0];
    CHECK(syn.is_from_client);
    CHECK(syn.seq == 0);
    CHECK(syn.end() == 1);
    CHECK(syn.window == 1000);
    CHECK(syn.frame == 1);
    const Sighting& text = conversation.sightings[3];
    CHECK(text.seq == 1);
    CHECK(text.end() == 101);
    CHECK(text.window == 1000u << 7);
    const Sighting& answer = conversation.sightings[4];
    CHECK_FALSE(answer.is_from_client);
    CHECK(answer.ack == 101);
    CHECK(answer.window == 1000u << 9);
    REQUIRE(answer.sack.size() == 1);
    CHECK(answer.sack[0] == std::pair<std::uint64_t, std::uint64_t>{201, 301});
}

TEST_CASE("numbers go on beyond 2^32, and what is sent again lies where it was") {
    Talk talk(wire::SeqNum(0xffff'ff00));
    talk.handshake();
    std::uint64_t at = 1;
    for (int i = 0; i < 5000; ++i) {  // 5 GB in steps of a megabyte, of which the capture has a byte each
        talk.client({.flags = kAck, .seq = static_cast<std::uint32_t>(at), .ack = 1, .length = 1});
        at += 1'000'000;
    }
    talk.client({.flags = kAck, .seq = static_cast<std::uint32_t>(at - 3'000'000), .ack = 1, .length = 1});
    const auto& seen = talk.only().sightings;
    CHECK(seen[seen.size() - 2].seq == at - 1'000'000);
    CHECK(seen.back().seq == at - 3'000'000);
}

TEST_CASE("another SYN between the same endpoints begins another conversation, the same SYN again doesn't") {
    Talk talk;
    talk.handshake();
    talk.client({.flags = kSyn, .seq = 0});
    CHECK(talk.conversations.all().size() == 1);
    talk.client_iss += 1'000'000;
    talk.client({.flags = kSyn, .seq = 0});
    talk.server({.flags = kSyn | kAck, .seq = 0, .ack = 1});
    REQUIRE(talk.conversations.all().size() == 2);
    CHECK(talk.conversations.all()[1].sightings.size() == 2);
    CHECK(talk.conversations.all()[1].sightings[1].ack == 1);
}

TEST_CASE("SYNs that cross are one conversation") {
    Talk talk;
    talk.client({.flags = kSyn, .seq = 0});
    talk.server({.flags = kSyn, .seq = 0});
    talk.client({.flags = kSyn | kAck, .seq = 0, .ack = 1});
    CHECK(talk.only().sightings.size() == 3);
}

TEST_CASE("without a SYN numbers begin with the first one seen, and the first one seen is the client's") {
    Talk talk;
    talk.server({.flags = kAck, .seq = 5000, .ack = 700, .length = 10});
    talk.client({.flags = kAck, .seq = 700, .ack = 5010});
    const Conversation& conversation = talk.only();
    CHECK_FALSE(conversation.has_syn);
    CHECK(conversation.client.port == 80);
    CHECK(conversation.sightings[0].seq == 1);
    CHECK(conversation.sightings[0].end() == 11);
    CHECK(conversation.sightings[1].ack == 11);
    CHECK(conversation.sightings[1].window == 1000);
}

TEST_CASE("a SYN-ACK seen first tells who the client is") {
    Talk talk;
    talk.server({.flags = kSyn | kAck, .seq = 0, .ack = 1});
    CHECK(talk.only().client.port == 40'000);
    CHECK(talk.only().has_syn);
}

TEST_CASE("frames that are no whole TCP segment are counted") {
    capture::Conversations conversations;
    conversations.add({}, base::Duration(0), 1);
    conversations.add(ethernet(wire::kEtherTypeArp), base::Duration(0), 2);
    conversations.add(frame_v4(Octets(8), wire::kProtocolTcp), base::Duration(0), 3);
    CHECK(conversations.others() == 3);
    CHECK(conversations.all().empty());
}
