#include "capture/note.hpp"

#include <catch2/catch.hpp>
#include <set>

using namespace terminus::capture;

TEST_CASE("each note and each divergence has words of its own") {
    std::set<std::string_view> words;
    std::size_t kinds = 0;
    for (auto kind = NoteKind::NotIp; kind <= NoteKind::EndMissing; ++kinds) {
        words.insert(text(kind));
        kind = static_cast<NoteKind>(static_cast<int>(kind) + 1);
    }
    for (auto kind = DivergenceKind::AcknowledgesUnsent; kind <= DivergenceKind::NotPlayed; ++kinds) {
        words.insert(text(kind));
        kind = static_cast<DivergenceKind>(static_cast<int>(kind) + 1);
    }
    CHECK(words.size() == kinds);
    CHECK_FALSE(words.contains(""));
}

TEST_CASE("numbers of packets are listed with their runs") {
    CHECK(packet_list({}).empty());
    CHECK(packet_list({3}) == "3");
    CHECK(packet_list({3, 5, 6, 7, 9, 9, 12, 13}) == "3, 5-7, 9, 12-13");
}
