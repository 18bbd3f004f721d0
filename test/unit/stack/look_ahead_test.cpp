#include "stack/look_ahead.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace terminus::stack {
namespace {

using Line = LookAhead<int>;

/// Lets everybody go a step further, and says who had the last one.
int step(Line& line) {
    const int* const out = line.after(Line::kSteps);
    const int had_turn = out != nullptr ? *out : 0;
    line.step();
    return had_turn;
}

void enter(Line& line, int item) {
    line.place() = item;
    line.enter();
}

TEST_CASE("everybody has a turn, in order, so many steps after it entered") {
    // More than fit into the line, and fewer; twice, for it begins anew when it is empty.
    const int count = GENERATE(as<int>(), 1, 2, 7, 100);
    Line line;
    for (int round = 0; round < 2; ++round) {
        REQUIRE(line.empty());
        std::vector<int> turns;
        for (int item = 1; item <= count; ++item) {
            enter(line, item);
            REQUIRE(*line.last() == item);
            turns.push_back(step(line));
        }
        while (!line.empty())
            turns.push_back(step(line));
        std::vector<int> expected(Line::kSteps, 0);
        for (int item = 1; item <= count; ++item)
            expected.push_back(item);
        REQUIRE(turns == expected);
    }
}

TEST_CASE("on its way everybody is met once after each number of steps") {
    Line line;
    std::vector<std::string> met;
    for (int item = 1; item <= 3 || !line.empty(); ++item) {
        if (item <= 3) enter(line, item);
        for (std::uint32_t steps = 1; steps <= 2; ++steps) {
            if (const int* const one = line.after(steps))
                met.push_back(std::to_string(*one) + " after " + std::to_string(steps));
        }
        line.step();
    }
    REQUIRE(met == std::vector<std::string>{"1 after 1", "2 after 1", "1 after 2", "3 after 1", "2 after 2",
                                            "3 after 2"});
}

TEST_CASE("nobody is before the first, and a place is used without entering") {
    Line line;
    REQUIRE(line.last() == nullptr);
    REQUIRE(line.after(1) == nullptr);
    line.place() = 5;
    REQUIRE(line.empty());
    enter(line, 6);
    step(line);
    line.place() = 7;
    REQUIRE(*line.last() == 6);
    REQUIRE(*line.after(1) == 6);
}

}  // namespace
}  // namespace terminus::stack
