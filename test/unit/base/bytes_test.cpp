#include "base/bytes.hpp"

#include <array>
#include <catch2/catch.hpp>

using namespace terminus::base;

TEST_CASE("loads and stores are in network order at any alignment") {
    for (std::size_t at = 0; at < 8; ++at) {
        CAPTURE(at);
        std::array<std::uint8_t, 16> buffer{};
        store_be64(&buffer[at], 0x0102030405060708);
        for (std::size_t i = 0; i < 8; ++i)
            CHECK(buffer[at + i] == i + 1);
        CHECK(load_be64(&buffer[at]) == 0x0102030405060708);
        CHECK(load_be32(&buffer[at]) == 0x01020304);
        CHECK(load_be16(&buffer[at]) == 0x0102);
        store_be32(&buffer[at], 0xa0b0c0d0);
        CHECK(load_be64(&buffer[at]) == 0xa0b0c0d005060708);
        store_be16(&buffer[at], 0xffee);
        CHECK(load_be64(&buffer[at]) == 0xffeec0d005060708);
    }
}
