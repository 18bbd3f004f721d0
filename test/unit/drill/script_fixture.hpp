#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

#include "drill/runner.hpp"
#include "support/pool.hpp"

namespace terminus::drill::test {

/// A few tunables by name, as terminus-drill has them all.
inline base::Result<tcp::Tunables, std::string> some_tunables(const Assignments& assignments) {
    tcp::Tunables tunables;
    for (const auto& [name, value] : assignments) {
        const bool is_on = value == "true";
        if (name == "timestamps") {
            tunables.timestamps = is_on;
        } else if (name == "sack") {
            tunables.sack = is_on;
        } else if (name == "nodelay") {
            tunables.nodelay = is_on;
        } else if (name == "keepalive") {
            tunables.keepalive = is_on;
        } else if (name == "rfc1337") {
            tunables.rfc1337 = is_on;
        } else if (name == "tw_reuse") {
            tunables.tw_reuse = is_on;
        } else if (name == "quickack") {
            tunables.quickack = static_cast<std::uint32_t>(std::stoul(value));
        } else if (name == "fastopen") {
            tunables.fastopen = static_cast<std::uint16_t>(std::stoul(value));
        } else if (name == "fastopen_blackhole_timeout") {
            tunables.fastopen_blackhole_timeout = std::chrono::seconds(std::stoi(value));
        } else {
            return base::Failure{"there is no tunable " + name};
        }
    }
    return tunables;
}

inline RunSettings script_settings() {
    RunSettings settings;
    settings.tunables_of = some_tunables;
    settings.buffers.payload = terminus::test::pool();
    settings.buffers.header = terminus::test::pool();
    settings.buffers.indirect = terminus::test::indirect_pool();
    return settings;
}

inline RunResult run(std::string_view script, const RunSettings& settings = script_settings()) {
    const std::uint32_t before = terminus::test::buffers_in_use();
    RunResult result = run_script(script, settings);
    CHECK(terminus::test::buffers_in_use() == before);
    return result;
}

inline void passes(std::string_view script, const RunSettings& settings = script_settings()) {
    const RunResult result = run(script, settings);
    INFO(report("script", result));
    CHECK(result.verdict == Verdict::Passed);
}

/// Fails at `line` for the reason that begins with `message`.
inline RunResult fails(std::string_view script, int line, std::string_view message,
                       const RunSettings& settings = script_settings()) {
    RunResult result = run(script, settings);
    INFO(report("script", result));
    CHECK(result.verdict == Verdict::Failed);
    CHECK(result.fault.line == line);
    CHECK(result.fault.message.substr(0, message.size()) == message);
    return result;
}

/// Six lines: a listener with fd 3 and a client that is connected at 0.1 s.
inline const std::string kConnected =
    "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
    "+0 bind(3, ..., ...) = 0\n"
    "+0 listen(3, 1) = 0\n"
    "+0 < S 0:0(0) win 32792 <mss 1000>\n"
    "+0 > S. 0:0(0) ack 1 <mss 1460>\n"
    "+.1 < . 1:1(0) ack 1 win 32792\n";
/// One more: it is accepted with fd 4.
inline const std::string kAccepted = kConnected + "+0 accept(3, ..., ...) = 4\n";

}  // namespace terminus::drill::test
