// terminus-sim: seeded simulations of the stack that ships, in virtual time.

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "hostile.hpp"
#include "pair.hpp"
#include "pools.hpp"
#include "proxy.hpp"

#if defined(__SANITIZE_ADDRESS__)
#    include <sanitizer/common_interface_defs.h>
#endif

namespace {

using terminus::simulation::Outcome;

struct Kind {
    const char* name;
    Outcome (*run)(std::uint64_t seed, bool traces);
};
constexpr Kind kKinds[] = {{"pair", terminus::simulation::run_pair},
                           {"hostile", terminus::simulation::run_hostile},
                           {"proxy", terminus::simulation::run_proxy}};

constexpr const char* kUsage =
    "terminus-sim [--kind KIND] [--trace] --seed N | --seeds FROM COUNT\n"
    "Seeded simulations of Terminus's stack in virtual time; ends with N passed, N failed.\n"
    "  pair      two stacks over a bad wire\n"
    "  hostile   a stack, peers who keep to no rule, and an honest one beside them\n"
    "  proxy     clients, workers, and backends\n"
    "  --trace   print each segment\n";

struct Options {
    const Kind* kind = &kKinds[0];
    std::uint64_t from = 0;
    std::uint64_t count = 0;
    bool traces = false;
};

// What is being run, for when an assertion or a sanitizer ends the process.
char repeat[256];

void tell_how_to_repeat() {
    std::fputs(repeat, stderr);
}

void tell_on_abort(int) {
    tell_how_to_repeat();
    std::signal(SIGABRT, SIG_DFL);
    std::abort();
}

const Kind* find(std::string_view name) {
    for (const Kind& kind : kKinds) {
        if (name == kind.name) return &kind;
    }
    return nullptr;
}

std::optional<std::uint64_t> number(const char* text) {
    char* end = nullptr;
    const unsigned long long value = std::strtoull(text, &end, 10);
    if (end == text || *end != '\0') return std::nullopt;
    return value;
}

/// Nothing when it doesn't say what to do.
std::optional<Options> parse(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--trace") {
            options.traces = true;
        } else if (word == "--kind" && i + 1 < argc) {
            options.kind = find(argv[++i]);
        } else if ((word == "--seed" && i + 1 < argc) || (word == "--seeds" && i + 2 < argc)) {
            const auto from = number(argv[++i]);
            const auto count = word == "--seed" ? std::optional<std::uint64_t>(1) : number(argv[++i]);
            if (!from || !count) return std::nullopt;
            options.from = *from;
            options.count = *count;
        } else {
            return std::nullopt;
        }
    }
    if (options.kind == nullptr || options.count == 0) return std::nullopt;
    return options;
}

int run(const char* program, const Options& options) {
    const Kind& kind = *options.kind;
    using Seconds = std::chrono::duration<double>;
    std::uint64_t failed = 0;
    std::uint64_t segments = 0;
    Seconds lived{};
    (void)terminus::simulation::World::get();
    const auto begin = std::chrono::steady_clock::now();
    for (std::uint64_t done = 0; done < options.count; ++done) {
        const std::uint64_t seed = options.from + done;
        std::snprintf(repeat, sizeof repeat, "repeat it by: %s --kind %s --seed %llu\n", program, kind.name,
                      static_cast<unsigned long long>(seed));
        const Outcome outcome = kind.run(seed, options.traces);
        lived += outcome.lived;
        segments += outcome.segments;
        if (outcome.failure.empty()) continue;
        ++failed;
        std::printf("seed %llu: %s%s", static_cast<unsigned long long>(seed), outcome.failure.c_str(),
                    repeat);
        std::fflush(stdout);
    }
    const Seconds took = std::chrono::steady_clock::now() - begin;
    std::printf("%s: %.0f virtual seconds in %.1f s, %.0f times as fast; %llu segments\n", kind.name,
                lived.count(), took.count(), lived.count() / took.count(),
                static_cast<unsigned long long>(segments));
    std::printf("%llu passed, %llu failed\n", static_cast<unsigned long long>(options.count - failed),
                static_cast<unsigned long long>(failed));
    return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    const std::optional<Options> options = parse(argc, argv);
    if (!options) {
        std::fputs(kUsage, stderr);
        return 2;
    }
    std::signal(SIGABRT, tell_on_abort);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_set_death_callback(tell_how_to_repeat);
#endif
    return run(argv[0], *options);
}
