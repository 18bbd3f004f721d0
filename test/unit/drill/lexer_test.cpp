#include "drill/lexer.hpp"

#include <catch2/catch.hpp>

namespace terminus::drill {
namespace {

using namespace std::chrono_literals;

std::vector<Token> scanned(std::string_view text, const Definitions& definitions = {}) {
    auto tokens = scan(text, definitions);
    if (!tokens) FAIL(tokens.error().line << ": " << tokens.error().message);
    return tokens.value();
}

std::string kinds(const std::vector<Token>& tokens) {
    constexpr std::string_view kLetters = "EOWIHDSCc.s";
    std::string all;
    for (const Token& token : tokens)
        all += kLetters[static_cast<std::size_t>(token.kind)];
    return all;
}

TEST_CASE("a packet's line is words, numbers and symbols, and comments are nothing") {
    const auto tokens = scanned("+.1 < P. 1:1001(1000) ack 1 // why\n/* or\nnot */ <...>");
    REQUIRE(kinds(tokens) == "sDsWsIsIsIsWIs.sE");
    REQUIRE(tokens[1].text == ".1");
    REQUIRE(tokens[3].text == "P");
    REQUIRE(tokens.back().line == 3);
}

TEST_CASE("numbers run into an ellipsis without becoming decimals") {
    const auto tokens = scanned("0...0.200 read");
    REQUIRE(kinds(tokens) == "I.DWE");
    REQUIRE(tokens[2].text == "0.200");
}

TEST_CASE("a word may begin with digits, as cookies do, and 0x makes a number") {
    REQUIRE(kinds(scanned("3021b9d889017eeb 0x1F -1 12345678901234567890")) == "WHIIE");
    const auto tokens = scanned("0x1F -1 12345678901234567890");
    REQUIRE(tokens[0].integer == 31);
    REQUIRE(tokens[1].integer == -1);
    REQUIRE_FALSE(tokens[2].integer);
}

TEST_CASE("an option keeps what follows its equals sign, addresses and quotations included") {
    const auto tokens = scanned("--local_ip=fd::1 --strict_segments // said why\n--x=\"a b\" 0");
    REQUIRE(kinds(tokens) == "OOOIE");
    REQUIRE(tokens[0].text == "local_ip");
    REQUIRE(tokens[0].value == "fd::1");
    REQUIRE_FALSE(tokens[1].has_value);
    REQUIRE(tokens[2].value == "a b");
    REQUIRE(tokens[3].line == 2);
}

TEST_CASE("a defined word is replaced by what it stands for, and the command line wins over the script") {
    constexpr std::string_view kScript = "--define=CC=\"reno\" --define=N=7 --define=FD=fd3 CC N FD";
    auto tokens = scanned(kScript);
    REQUIRE(kinds(tokens) == "OOOSIWE");
    REQUIRE(tokens[3].text == "reno");
    REQUIRE(tokens[4].integer == 7);
    REQUIRE(tokens[5].text == "fd3");
    tokens = scanned(kScript, {{"N", "0x8"}});
    REQUIRE(tokens[4].integer == 8);
}

TEST_CASE("strings resolve escapes, commands and code stand as they are written") {
    const auto tokens = scanned(R"("a\n\x41\"" `sysctl -q a="1 2"` %{ assert 1 }%)");
    REQUIRE(kinds(tokens) == "SCcE");
    REQUIRE(tokens[0].text == "a\nA\"");
    REQUIRE(tokens[1].text == "sysctl -q a=\"1 2\"");
    REQUIRE(tokens[2].text == " assert 1 ");
}

TEST_CASE("what never ends is a fault in the line where it begins") {
    for (const std::string_view text :
         {"0 1\n\"abc", "0 1\n`abc", "0 1\n%{ abc", "0 1\n/* abc", "0 1\n--x=\"abc"}) {
        const auto tokens = scan(text, {});
        REQUIRE_FALSE(tokens.ok());
        REQUIRE(tokens.error().line == 2);
    }
}

TEST_CASE("seconds are exact to the nanosecond, and nothing else is taken for seconds") {
    REQUIRE(parse_seconds("0.000001") == 1us);
    REQUIRE(parse_seconds(".1") == 100ms);
    REQUIRE(parse_seconds("3") == 3s);
    REQUIRE(parse_seconds("1000000000") == 1'000'000'000s);
    REQUIRE_FALSE(parse_seconds("9999999999"));
    REQUIRE(parse_seconds("1.123456789") == 1'123'456'789ns);
    for (const std::string_view text : {"", ".", "-1", "1.1234567891", "1e3", "99999999999"})
        REQUIRE_FALSE(parse_seconds(text));
}

}  // namespace
}  // namespace terminus::drill
