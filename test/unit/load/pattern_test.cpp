#include "load/pattern.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <vector>

#include "wire/checksum.hpp"

namespace terminus::load {
namespace {

TEST_CASE("the text repeats after 256 bytes and not before") {
    const base::Bytes text = text_at(0, 600);
    CHECK(std::set<std::uint8_t>(text.begin(), text.begin() + 256).size() == 256);
    CHECK(std::equal(text.begin(), text.begin() + 256, text.begin() + 256));
    for (const std::uint32_t from : {1u, 77u, 255u}) {
        const base::Bytes later = text_at(static_cast<std::uint8_t>(from), 300);
        CHECK(std::equal(later.begin(), later.end(), text.begin() + from));
    }
}

TEST_CASE("the sum of any piece is the checksum's, whether it begins at an odd place or an even one") {
    for (std::uint32_t from = 0; from < 256; ++from) {
        for (const std::uint32_t length : {0u, 1u, 2u, 3u, 64u, 255u, 1447u, kTextMax}) {
            const auto place = static_cast<std::uint8_t>(from);
            CAPTURE(from, length);
            REQUIRE(wire::fold(text_sum(place, length)) == wire::fold(wire::sum(text_at(place, length))));
        }
    }
}

TEST_CASE("text is known by its place, and one wrong byte is seen") {
    std::vector<std::uint8_t> text;
    while (text.size() < 9000) {
        const base::Bytes more = text_at(static_cast<std::uint8_t>(text.size() + 200), 100);
        text.insert(text.end(), more.begin(), more.end());
    }
    CHECK(is_text(text, 200));
    CHECK_FALSE(is_text(text, 201));
    for (const std::size_t at : {std::size_t{0}, std::size_t{1460}, text.size() - 1}) {
        text[at] ^= 1;
        CHECK_FALSE(is_text(text, 200));
        text[at] ^= 1;
    }
    CHECK(is_text({}, 7));
}

}  // namespace
}  // namespace terminus::load
