#include "drill/tcp_options.hpp"

#include <catch2/catch.hpp>

namespace terminus::drill {
namespace {

using Kind = OptionSpec::Kind;

TEST_CASE("options survive the way through a header") {
    const std::vector<OptionSpec> options{
        {.kind = Kind::Mss, .value = 1460},
        {.kind = Kind::SackOk},
        {.kind = Kind::Timestamps, .value = 0x01020304, .echo = 5},
        {.kind = Kind::Nop},
        {.kind = Kind::Wscale, .value = 8},
        {.kind = Kind::Sack, .blocks = {{1, 2}, {0xfffffff0, 4}}},
        {.kind = Kind::FastOpen, .bytes = {0xab, 0xcd}},
        {.kind = Kind::FastOpenExp, .bytes = {1, 2}},
        {.kind = Kind::Eol},
    };
    const auto decoded = decode_options(encode_options(options));
    REQUIRE(decoded);
    REQUIRE(*decoded == options);
    REQUIRE(
        to_string(*decoded) ==
        "mss 1460,sackOK,TS val 16909060 ecr 5,nop,wscale 8,sack 1:2 4294967280:4,FO abcd,FOEXP 0102,eol");
}

TEST_CASE("an option that runs out of its header is none") {
    for (const std::vector<std::uint8_t>& bytes :
         {std::vector<std::uint8_t>{2}, {2, 4, 5}, {8, 1}, {8, 0, 1, 1}, {1, 1, 5, 10, 0}}) {
        REQUIRE_FALSE(decode_options(bytes));
    }
}

TEST_CASE("an unknown option, or a known one of the wrong length, keeps its bytes") {
    const std::vector<std::uint8_t> bytes{77, 3, 9, 2, 3, 9};
    const auto decoded = decode_options(bytes);
    REQUIRE(decoded);
    REQUIRE((*decoded)[0].kind == Kind::Raw);
    REQUIRE((*decoded)[1].kind == Kind::Raw);
    REQUIRE(encode_options(*decoded) == bytes);
    REQUIRE(to_string(*decoded) == "kind 77 0x09,kind 2 0x09");
}

}  // namespace
}  // namespace terminus::drill
