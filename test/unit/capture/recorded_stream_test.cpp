#include "capture/recorded_stream.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace terminus;
using capture::RecordedStream;

namespace {

const std::string kText = "abcdefghijklmnopqrstuvwxyz", kOther = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

RecordedStream::Piece piece(std::uint64_t begin, std::size_t length, const std::string& of = kText) {
    return {begin, {reinterpret_cast<const std::uint8_t*>(of.data()) + begin, length}};
}

std::string read(const RecordedStream& stream, std::uint64_t offset, std::size_t length) {
    std::vector<std::uint8_t> bytes(length);
    stream.read(offset, bytes);
    std::string text(bytes.begin(), bytes.end());
    for (char& c : text) {
        if (c == static_cast<char>(capture::kFillByte)) c = '.';
    }
    return text;
}

}  // namespace

TEST_CASE("a stream has each byte once, whatever the order and overlap of its pieces") {
    const RecordedStream stream({piece(6, 4), piece(0, 4), piece(2, 5), piece(0, 2)}, {}, 10);
    CHECK(stream.filled() == 0);
    CHECK(read(stream, 0, 10) == "abcdefghij");
    CHECK(read(stream, 3, 5) == "defgh");
    CHECK(read(stream, 10, 0).empty());
}

TEST_CASE("holes of a stream are filled and counted, and nothing lies behind its length") {
    const RecordedStream stream({piece(2, 3), piece(8, 10)}, {}, 12);
    CHECK(stream.filled() == 5);
    CHECK(read(stream, 0, 12) == "..cde...ijkl");
    CHECK(read(stream, 5, 4) == "...i");
    CHECK(read(RecordedStream({}, {}, 3), 0, 3) == "...");
}

TEST_CASE("doubtful pieces of a stream count where there are no others") {
    const RecordedStream stream({piece(2, 3), piece(8, 2)}, {piece(0, 4, kOther), piece(4, 6, kOther)}, 12);
    CHECK(read(stream, 0, 12) == "ABcdeFGHij..");
    CHECK(stream.filled() == 2);
}
