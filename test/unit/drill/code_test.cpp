#include "drill/code.hpp"

#include <catch2/catch.hpp>

namespace terminus::drill {
namespace {

const Symbols kSymbols{
    {"tcpi_snd_cwnd", 10}, {"tcpi_unacked", 2}, {"tcpi_options", 3}, {"tcpi_max", UINT64_MAX}};

std::string fault_of(std::string_view code) {
    CodeRunner runner;
    const auto result = runner.run(code, 1, kSymbols);
    return result.ok() ? "" : result.error().message;
}

TEST_CASE("an assertion that holds is silent, and one that doesn't shows the names that it read") {
    REQUIRE(fault_of("assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd") == "");
    REQUIRE(fault_of("assert tcpi_snd_cwnd == 11, 'cwnd=%d' % tcpi_snd_cwnd") ==
            "assertion failed: tcpi_snd_cwnd == 11; tcpi_snd_cwnd = 10 (cwnd=10)");
    REQUIRE(fault_of("assert 1 < tcpi_unacked <= 1") ==
            "assertion failed: 1 < tcpi_unacked <= 1; tcpi_unacked = 2");
}

TEST_CASE("operators bind as in Python") {
    for (const std::string_view holds : {"2 + 3 * 4 == 14",
                                         "(2 + 3) * 4 == 20",
                                         "7 // 2 == 3",
                                         "-7 // 2 == -4",
                                         "-7 % 3 == 2",
                                         "7 % -3 == -2",
                                         "1 << 4 | 1 == 17",
                                         "6 & 3 == 2",
                                         "5 ^ 1 == 4",
                                         "~0 == -1",
                                         "not 1 == 2",
                                         "not not 5",
                                         "1 == 1 and 2 == 2 or 3 == 4",
                                         "0 or 5",
                                         "1 <= 2 < 3 != 4",
                                         "abs(-3) == 3",
                                         "min(4, 2, 3) == 2",
                                         "max(4, 2) == 4",
                                         "(1 if 0 else 2) == 2",
                                         "'a' + 'b' == 'ab'",
                                         "'%d/%x' % (10, 255) == '10/ff'",
                                         "0x10 == 16",
                                         "(tcpi_options & 2) != 0",
                                         "TCP_CA_Recovery == 3",
                                         "'a' != 1"}) {
        CAPTURE(holds);
        REQUIRE(fault_of("assert " + std::string(holds)) == "");
        REQUIRE(fault_of("assert not (" + std::string(holds) + ")").starts_with("assertion failed"));
    }
}

TEST_CASE("variables live from one piece of code to the next") {
    CodeRunner runner;
    REQUIRE(runner.run("cwnd = 9; cwnd += 1", 1, kSymbols).ok());
    REQUIRE(runner.run("print(cwnd, 'x'); assert tcpi_snd_cwnd == cwnd, cwnd", 2, kSymbols).ok());
    REQUIRE(runner.printed() == "10 x\n");
    REQUIRE_FALSE(runner.run("cwnd -= 1\nassert tcpi_snd_cwnd == cwnd", 3, kSymbols).ok());
}

TEST_CASE("statements end with lines and semicolons, but not within parentheses or after a backslash") {
    REQUIRE(
        fault_of(
            "\n  assert (1 ==\n  1)  # yes; no\n\n assert tcpi_unacked == 2, tcpi_unacked; \\\n assert 1") ==
        "");
    CodeRunner runner;
    const auto result = runner.run("assert 1\nassert 1 == \\\n 2", 10, kSymbols);
    REQUIRE(result.error().line == 11);
}

TEST_CASE("what is not understood is refused, never skipped") {
    REQUIRE(fault_of("import os") == "`import` is not here");
    REQUIRE(fault_of("x = 1 / 2") == "`/` would make a float, which is not here; `//` divides integers");
    REQUIRE(fault_of("assert 1.5 < 2") == "no 64-bit integer: 1.5");
    REQUIRE(fault_of("assert tcpi_nothing == 0") == "there is no `tcpi_nothing` here");
    REQUIRE(fault_of("assert open('x')") == "the call open() is not here");
    REQUIRE(fault_of("assert 2 ** 3 == 8") == "`**` is not here");
    REQUIRE(fault_of("tcpi_unacked == 2") == "`tcpi_unacked` begins no statement that is understood here");
    REQUIRE(fault_of("assert 1 1") == "`1` is not expected here");
    REQUIRE(fault_of("assert") == "an expression that is not finished");
    REQUIRE(fault_of("x += 1") == "there is no `x` here");
    REQUIRE(fault_of("assert 'a' < 1") == "a number and a string have no order");
    REQUIRE(fault_of("assert 1, '%f' % 1") == "the format %f is not here");
    REQUIRE(fault_of("if 1: pass") == "`if` is not here");
    REQUIRE(fault_of("assert \"abc") == "a string that never ends");
}

TEST_CASE("integers never wrap") {
    REQUIRE(fault_of("x = 9223372036854775807 + 1") == "9223372036854775807 + 1 is no 64-bit integer");
    REQUIRE(fault_of("x = 1 << 63") == "1 << 63 is no 64-bit integer");
    REQUIRE(fault_of("x = 1 // 0") == "1 // 0 is no 64-bit integer");
    REQUIRE(fault_of("x = 99999999999999999999") == "no 64-bit integer: 99999999999999999999");
    REQUIRE(fault_of("assert tcpi_max > 0") == "`tcpi_max` is too large to compute with");
}

TEST_CASE("parentheses without end are refused, not followed") {
    REQUIRE(fault_of("x = " + std::string(5000, '(')) == "expressions are nested too deeply");
    REQUIRE(fault_of("x = " + std::string(5000, '-') + "1") == "expressions are nested too deeply");
}

}  // namespace
}  // namespace terminus::drill
