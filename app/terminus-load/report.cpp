#include "report.hpp"

#include <array>
#include <cstdarg>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "figures.hpp"

namespace terminus::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array kQuantiles{std::pair{"p50", 500'000u}, std::pair{"p99", 990'000u},
                                std::pair{"p99_9", 999'000u}};

const char* name_of(Role role) {
    switch (role) {
        case Role::Client:
            return "client";
        case Role::Backend:
            return "backend";
        case Role::Both:
            return "both";
        case Role::Probe:
            return "probe";
        case Role::Reflector:
            break;
    }
    return "reflector";
}

const char* name_of(load::Scenario scenario) {
    switch (scenario) {
        case load::Scenario::Connects:
            return "connects";
        case load::Scenario::Requests:
            return "requests";
        case load::Scenario::Bulk:
            return "bulk";
        case load::Scenario::Idle:
            break;
    }
    return "idle";
}

/// A side as reports show it.
struct Shown {
    const char* name;
    const dpdk::Device& device;
    const load::Numbers& total;
    Figures figures;
    const SpeakingSide* speaker;  ///< nullptr of one that has no latencies
};

std::vector<Shown> sides_of(const Report& report) {
    std::vector<Shown> sides;
    const Measured& measured = report.measured;
    if (const SpeakingSide* speaker = report.generator.speaker()) {
        sides.push_back({"client", report.devices.front(), speaker->numbers(),
                         figures_of(measured.client_before, measured.client_after, measured.seconds),
                         speaker});
    }
    if (const Side* backend = report.generator.backend()) {
        sides.push_back({report.arguments.role == Role::Reflector ? "reflector" : "backend",
                         report.devices.back(), backend->numbers(),
                         figures_of(measured.backend_before, measured.backend_after, measured.seconds),
                         nullptr});
    }
    return sides;
}

double busy_share(const Report& report) {
    return report.measured.seconds > 0 ? report.measured.busy_seconds / report.measured.seconds : 0;
}

std::optional<Verdict> verdict_of(const Report& report) {
    if (!report.arguments.has_client()) return std::nullopt;
    const Shown client = sides_of(report).front();
    Circumstances around;
    around.driver = client.device.driver();
    around.busy = busy_share(report);
    if (report.arguments.scenario == load::Scenario::Connects ||
        report.arguments.scenario == load::Scenario::Requests) {
        const bool connects = report.arguments.scenario == load::Scenario::Connects;
        around.asked_rate = static_cast<double>(report.arguments.rate);
        around.achieved_rate = connects ? client.figures.connections : client.figures.responses;
    }
    return judge(client.figures, report.reflector, around);
}

// ---- text

[[gnu::format(printf, 2, 3)]] void append(std::string& text, const char* format, ...) {
    char line[256];
    va_list values;
    va_start(values, format);
    std::vsnprintf(line, sizeof line, format, values);
    va_end(values);
    text += line;
}

void append_rates(std::string& text, const Shown& side) {
    const Figures& figures = side.figures;
    append(text, "%s on %s\n", side.name, side.device.driver().c_str());
    if (side.total.connections_begun > 0)
        append(text, "  connections/s  %14.0f   open %llu\n", figures.connections,
               static_cast<unsigned long long>(figures.open));
    if (side.total.responses > 0) append(text, "  responses/s    %14.0f\n", figures.responses);
    append(text, "  frames/s       %14.0f received %14.0f sent\n", figures.frames_received,
           figures.frames_sent);
    append(text, "  wire Gbit/s    %14.3f received %14.3f sent\n", figures.wire_gbits_received,
           figures.wire_gbits_sent);
    if (figures.text_gbits_received + figures.text_gbits_sent > 0)
        append(text, "  text Gbit/s    %14.3f received %14.3f sent\n", figures.text_gbits_received,
               figures.text_gbits_sent);
}

void append_latency(std::string& text, const char* what, const stats::Histogram& latency) {
    if (latency.count() == 0) return;
    const auto us = [](std::uint64_t ns) { return static_cast<double>(ns) / 1000; };
    append(text, "  %-9s us   p50 %.1f   p99 %.1f   p99.9 %.1f   max %.1f   (%llu, mean %.1f)\n", what,
           us(latency.quantile(500'000)), us(latency.quantile(990'000)), us(latency.quantile(999'000)),
           us(latency.max()), static_cast<unsigned long long>(latency.count()), us(latency.mean()));
}

void append_repetitions(std::string& text, const load::Numbers& total) {
    if (total.retransmissions + total.duplicates + total.out_of_order == 0) return;
    append(text, "  sent again %llu, came again %llu, came behind a gap %llu\n",
           static_cast<unsigned long long>(total.retransmissions),
           static_cast<unsigned long long>(total.duplicates),
           static_cast<unsigned long long>(total.out_of_order));
}

void append_failures(std::string& text, const Report& report, const Shown& side) {
    for (std::size_t kind = 0; kind < load::kFailures; ++kind) {
        const std::uint64_t count = side.total.failures[kind];
        if (count == 0) continue;
        const std::string name(load::kFailureNames[kind]);
        append(text, "  FAILED %s: %llu%s\n", name.c_str(), static_cast<unsigned long long>(count),
               report.arguments.tolerated.contains(name) ? " (tolerated)" : "");
    }
}

// ---- JSON

Json latency_of(const stats::Histogram& latency) {
    Json json{{"count", latency.count()}, {"min", latency.min()}, {"mean", latency.mean()}};
    for (const auto& [name, millionths] : kQuantiles)
        json[name] = latency.quantile(millionths);
    json["max"] = latency.max();
    return json;
}

Json side_of(const Shown& side) {
    const Figures& figures = side.figures;
    Json failures = Json::object();
    for (std::size_t kind = 0; kind < load::kFailures; ++kind)
        failures[std::string(load::kFailureNames[kind])] = side.total.failures[kind];
    const dpdk::DeviceStats device = side.device.stats();
    Json json{
        {"driver", side.device.driver()},
        {"connections_per_second", figures.connections},
        {"closes_per_second", figures.closes},
        {"responses_per_second", figures.responses},
        {"frames_per_second", figures.frames()},
        {"frames_received_per_second", figures.frames_received},
        {"frames_sent_per_second", figures.frames_sent},
        {"frame_bytes", figures.frame_bytes()},
        {"wire_gbits_received", figures.wire_gbits_received},
        {"wire_gbits_sent", figures.wire_gbits_sent},
        {"text_gbits_received", figures.text_gbits_received},
        {"text_gbits_sent", figures.text_gbits_sent},
        {"open", figures.open},
        {"totals",
         {{"connections_begun", side.total.connections_begun},
          {"connections_established", side.total.connections_established},
          {"connections_ended", side.total.connections_ended},
          {"responses", side.total.responses},
          {"text_bytes_received", side.total.text_received},
          {"text_bytes_sent", side.total.text_sent},
          {"frames_received", side.total.frames_received},
          {"frames_sent", side.total.frames_sent},
          {"frames_ignored", side.total.frames_ignored},
          {"window_probes", side.total.window_probes},
          {"retransmissions", side.total.retransmissions},
          {"duplicates", side.total.duplicates},
          {"out_of_order", side.total.out_of_order}}},
        {"failures", failures},
        {"device",
         {{"rx_missed", device.rx_missed}, {"rx_errors", device.rx_errors}, {"tx_errors", device.tx_errors}}},
    };
    if (side.speaker != nullptr) {
        json["latency_ns"] = Json::object();
        if (const stats::Histogram* connects = side.speaker->connect_latency())
            json["latency_ns"]["connect"] = latency_of(*connects);
        json["latency_ns"]["response"] = latency_of(side.speaker->response_latency());
    }
    return json;
}

}  // namespace

std::uint64_t failures_that_count(const Report& report) {
    std::uint64_t sum = 0;
    for (const Shown& side : sides_of(report)) {
        for (std::size_t kind = 0; kind < load::kFailures; ++kind) {
            if (!report.arguments.tolerated.contains(std::string(load::kFailureNames[kind])))
                sum += side.total.failures[kind];
        }
    }
    return sum;
}

std::string to_text(const Report& report) {
    std::string text;
    const bool has_connections = report.arguments.has_client() || report.arguments.has_backend();
    append(text, "%s, %s: %.2f s, generator at work %.0f %% of them\n", name_of(report.arguments.role),
           has_connections ? name_of(report.arguments.scenario) : "round trips", report.measured.seconds,
           busy_share(report) * 100);
    for (const Shown& side : sides_of(report)) {
        append_rates(text, side);
        if (side.speaker != nullptr) {
            if (const stats::Histogram* connects = side.speaker->connect_latency())
                append_latency(text, "connect", *connects);
            append_latency(text, "response", side.speaker->response_latency());
        }
        append_repetitions(text, side.total);
        append_failures(text, report, side);
    }
    if (report.arguments.scenario == load::Scenario::Idle && report.measured.seconds_to_open > 0)
        append(text, "all %u connections were open after %.2f s\n", report.arguments.concurrency,
               report.measured.seconds_to_open);
    if (const auto verdict = verdict_of(report)) {
        if (report.reflector)
            append(text, "reflector on this device: %.0f frames/s, %.0f round trips/s\n",
                   report.reflector->frames, report.reflector->responses);
        text += verdict->sentence + '\n';
    }
    append(text, "%llu failures\n", static_cast<unsigned long long>(failures_that_count(report)));
    return text;
}

std::string to_json(const Report& report) {
    const Arguments& arguments = report.arguments;
    Json json{{"program", "terminus-load"},           {"version", TERMINUS_VERSION},
              {"role", name_of(arguments.role)},      {"mode", name_of(arguments.scenario)},
              {"concurrency", arguments.concurrency}, {"rate", arguments.rate},
              {"seconds", report.measured.seconds},   {"busy", busy_share(report)}};
    for (const Shown& side : sides_of(report))
        json[side.name] = side_of(side);
    if (arguments.scenario == load::Scenario::Idle && arguments.has_client())
        json["seconds_to_open"] = report.measured.seconds_to_open;
    if (const auto verdict = verdict_of(report)) {
        json["limit"] = {{"what", verdict->limit}, {"sentence", verdict->sentence}};
        if (report.reflector) {
            json["reflector"] = {{"frames_per_second", report.reflector->frames},
                                 {"responses_per_second", report.reflector->responses}};
        }
        if (verdict->ratio) json["reflector"]["ratio"] = *verdict->ratio;
    }
    json["failures"] = failures_that_count(report);
    return json.dump(1);
}

}  // namespace terminus::app
