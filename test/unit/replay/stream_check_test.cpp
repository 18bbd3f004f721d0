#include "replay/stream_check.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

namespace terminus::replay {
namespace {

base::Bytes bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

TEST_CASE("a stream is whole when all of it came in order, however it was cut and whatever came twice") {
    std::string text(3000, '\0');
    for (std::size_t i = 0; i < text.size(); ++i)
        text[i] = static_cast<char>(i * 7);
    const capture::RecordedStream recorded({{0, bytes_of(text)}}, {}, text.size());
    StreamCheck check(recorded);
    CHECK_FALSE(check.is_whole());
    check.take(0, bytes_of(text).first(10));
    check.take(0, bytes_of(text).first(10));
    check.take(5, bytes_of(text).subspan(5, 2000));
    CHECK(check.reached() == 2005);
    CHECK_FALSE(check.is_whole());
    check.take(2005, bytes_of(text).subspan(2005));
    CHECK(check.is_whole());
}

TEST_CASE("a byte that is not as recorded is told by its place") {
    const capture::RecordedStream recorded({{0, bytes_of("0123456789")}}, {}, 10);
    StreamCheck check(recorded);
    check.take(0, bytes_of("0123"));
    check.take(4, bytes_of("45x789"));
    CHECK(check.difference() == 6);
    CHECK(check.reached() == 10);
    CHECK_FALSE(check.is_whole());
}

TEST_CASE("a gap is a difference, and so is what the recording doesn't have") {
    const capture::RecordedStream recorded({{0, bytes_of("0123")}}, {}, 4);
    StreamCheck gap(recorded);
    gap.take(1, bytes_of("123"));
    CHECK(gap.difference() == 0);
    StreamCheck longer(recorded);
    longer.take(0, bytes_of("01234"));
    CHECK(longer.reached() == 4);
    CHECK(longer.difference() == 4);
    CHECK_FALSE(longer.is_whole());
}

TEST_CASE("of an empty stream nothing needs to come") {
    const capture::RecordedStream recorded;
    CHECK(StreamCheck(recorded).is_whole());
}

}  // namespace
}  // namespace terminus::replay
