// terminus-replay: captures through the real workers, in virtual time.

#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "common/junit.hpp"
#include "condition.hpp"
#include "config/load.hpp"
#include "exit_codes.hpp"
#include "expectation.hpp"
#include "numbers.hpp"
#include "plot.hpp"
#include "progress.hpp"
#include "repeat.hpp"
#include "replay.hpp"
#include "report.hpp"

namespace terminus::app {
namespace {

using Outcome = JunitCase::Outcome;

config::Config load(const std::string& path) {
    auto loaded = config::load(path);
    if (loaded) return std::move(loaded).value();
    std::string text;
    for (const config::ConfigError& error : loaded.error())
        text += (text.empty() ? "" : "\n") + error.to_string();
    throw std::runtime_error(text);
}

JunitCase held_against(const Expectation& expectation, const Replay& replay) {
    JunitCase one{"expect " + expectation.port->device.name};
    one.details = difference(expectation, replay);
    if (one.details.empty()) return one;
    one.outcome = Outcome::Failed;
    one.message = expectation.port->device.sent + " is not as " + expectation.golden;
    return one;
}

JunitCase judged(const Condition& condition, const std::vector<Number>& numbers) {
    JunitCase one{"assert " + condition.text};
    const Judgement judgement = judge(condition, numbers);
    if (judgement.holds) return one;
    char value[32];
    std::snprintf(value, sizeof value, "%.15g", judgement.value);
    one.outcome = Outcome::Failed;
    one.message = "it is " + std::string(value);
    return one;
}

void show_failures(const std::vector<JunitCase>& cases) {
    for (const JunitCase& one : cases) {
        if (one.outcome == Outcome::Failed)
            std::fprintf(stderr, "%s: %s\n%s", one.name.c_str(), one.message.c_str(), one.details.c_str());
    }
}

void write_junit(const std::string& path, const std::vector<JunitCase>& cases) {
    std::ofstream out(path, std::ios::binary);
    out << junit("terminus-replay", cases);
    if (!out.flush()) throw std::runtime_error(path + " can't be written");
}

void run_to_the_end(Replay& replay) {
    Progress progress;
    while (replay.step())
        progress.stepped(replay.received(), replay.elapsed());
    progress.end();
    replay.close();
}

void draw(const Replay& replay, const std::string& folder) {
    const std::size_t left_out = plot(replay, folder);
    if (left_out > 0) {
        std::fprintf(stderr, "--plot: %zu connections are not drawn; the first %zu of a port are\n", left_out,
                     kDrawnMax);
    }
}

int run(const Arguments& arguments) {
    std::vector<Condition> conditions;
    for (const std::string& text : arguments.conditions)
        conditions.push_back(parse_condition(text));
    const config::Config config = load(arguments.config);
    const auto begin = std::chrono::steady_clock::now();
    Replay replay(config, arguments);
    const std::vector<Expectation> expectations = expectations_of(arguments, replay);
    if (!arguments.plot.empty()) check_plot(replay, arguments.plot);
    run_to_the_end(replay);
    if (!arguments.plot.empty()) draw(replay, arguments.plot);
    const std::vector<Number> numbers = numbers_of(replay, config);
    const std::string report =
        arguments.report == ReportFormat::Json ? json_report(replay, numbers) : text_report(replay, numbers);
    std::fputs(report.c_str(), stdout);
    std::fflush(stdout);

    std::vector<JunitCase> cases{{"replay"}};
    cases.front().seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    for (const Expectation& expectation : expectations) {
        if (arguments.update) {
            update(expectation);
        } else {
            cases.push_back(held_against(expectation, replay));
        }
    }
    for (const Condition& condition : conditions)
        cases.push_back(judged(condition, numbers));
    show_failures(cases);
    if (!arguments.junit.empty()) write_junit(arguments.junit, cases);
    for (const JunitCase& one : cases) {
        if (one.outcome == Outcome::Failed) return kNotAsExpected;
    }
    return kAsExpected;
}

}  // namespace
}  // namespace terminus::app

int main(int argc, char** argv) {
    terminus::app::Arguments arguments = terminus::app::parse_arguments(argc, argv);
    try {
        if (!arguments.recording.empty()) return terminus::app::repeat(arguments);
        arguments.devices = terminus::app::take_pcap_devices(arguments.eal);
        return terminus::app::run(arguments);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "terminus-replay: %s\n", error.what());
        return terminus::app::kCannotRun;
    }
}
