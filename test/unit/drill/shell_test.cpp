#include "drill/shell.hpp"

#include <catch2/catch.hpp>

namespace terminus::drill {
namespace {

using Words = std::vector<std::string>;

std::vector<ShellCommand> scanned(std::string_view text) {
    auto commands = scan_shell(text, 1);
    if (!commands) FAIL(commands.error().message);
    return commands.value();
}

TEST_CASE("commands end with lines, semicolons and &&, but not with a backslash") {
    const auto commands = scanned("a b\n  c \\\n d; e && f # g\n#h\n");
    REQUIRE(commands.size() == 4);
    REQUIRE(commands[0].words == Words{"a", "b"});
    REQUIRE(commands[1].words == Words{"c", "d"});
    REQUIRE(commands[1].line == 2);
    REQUIRE(commands[3].words == Words{"f"});
    REQUIRE(commands[3].line == 3);
}

TEST_CASE("quotations are one word, and products are computed in them") {
    const auto commands =
        scanned("sysctl -q net.ipv4.tcp_rmem=\"4096 540000 $((15*1024*1024))\" x='a b' $((2*3))");
    REQUIRE(commands[0].words ==
            Words{"sysctl", "-q", "net.ipv4.tcp_rmem=4096 540000 15728640", "x=a b", "6"});
}

TEST_CASE("output to /dev/null is no word, output to a file is one") {
    const auto commands = scanned("a > /dev/null 2>&1\nb 2>/dev/null\nc &> /dev/null\necho 3 > /sys/x");
    REQUIRE(commands.size() == 4);
    REQUIRE(commands[0].words == Words{"a"});
    REQUIRE(commands[1].words == Words{"b"});
    REQUIRE(commands[2].words == Words{"c"});
    REQUIRE(commands[3].words == Words{"echo", "3", ">/sys/x"});
}

TEST_CASE("pipes and alternatives are marked") {
    const auto commands = scanned("a | b || \\\n c\n/tmp/restore_${PPID}.sh");
    REQUIRE(commands.size() == 4);
    REQUIRE(commands[1].is_piped);
    REQUIRE_FALSE(commands[1].is_alternative);
    REQUIRE(commands[2].is_alternative);
    REQUIRE_FALSE(commands[3].is_alternative);
    REQUIRE(commands[3].words == Words{"/tmp/restore_${PPID}.sh"});
}

TEST_CASE("what else a shell can do is refused in its line") {
    for (const std::string_view text : {"a\necho $HOME", "a\necho $(b)", "a\nb &", "a\nb < c", "a\nls *",
                                        "a\n(b)", "a\necho \"b", "a\necho $((1+2))"}) {
        const auto commands = scan_shell(text, 5);
        REQUIRE_FALSE(commands.ok());
        REQUIRE(commands.error().line == 6);
    }
}

}  // namespace
}  // namespace terminus::drill
