// terminusctl: asks a running terminusd over its admin socket.

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "admin_client.hpp"
#include "capture.hpp"
#include "connection_table.hpp"

namespace {

using nlohmann::json;
using terminusctl::AdminClient;
using terminusctl::Fault;

struct SsOptions {
    bool timers = false;
    bool details = false;
    bool all = false;
    bool listening = false;
    bool ignored = false;
    std::string state;
    std::string leg;
    std::string service;
};

void print(const std::string& line) {
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fputc('\n', stdout);
}

void ss(const std::string& socket, const SsOptions& options, bool as_json) {
    json wanted = json::object();
    wanted["state"] = !options.state.empty() ? options.state
                      : options.all          ? "all"
                      : options.listening    ? "listening"
                                             : "default";
    if (!options.leg.empty()) wanted["leg"] = options.leg;
    if (!options.service.empty()) wanted["service"] = options.service;
    AdminClient client(socket);
    if (!as_json) print(terminusctl::table_header());
    client.ask("ss", wanted, [&](const json& row) {
        if (as_json) return print(row.dump());
        print(terminusctl::table_row(row, options.timers));
        const std::string details = options.details ? terminusctl::table_details(row) : std::string();
        if (!details.empty()) print(details);
    });
}

std::string number(const json& value) {
    if (value.is_string()) return value.get<std::string>();  // "+Inf"
    const double v = value.is_number() ? value.get<double>() : 0;
    if (v == std::floor(v) && std::fabs(v) < 1e15) return std::to_string(static_cast<long long>(v));
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", v);
    return text;
}

void stats(const std::string& socket, bool as_json, bool zeros_too) {
    AdminClient(socket).ask("stats", json::object(), [&](const json& line) {
        if (as_json) return print(line.dump());
        const std::string value = number(line.value("value", json(0)));
        if (value == "0" && !zeros_too) return;
        std::string name = line.value("name", "?");
        std::string labels;
        const json all = line.value("labels", json::object());
        for (const auto& [label, text] : all.items()) {
            labels += (labels.empty() ? "" : ",") + label + "=" +
                      (text.is_string() ? text.get<std::string>() : text.dump());
        }
        if (!labels.empty()) name += "{" + labels + "}";
        if (name.size() < 78) name.append(78 - name.size(), ' ');
        print(name + " " + value);
    });
}

void sysctl(const std::string& socket, const std::vector<std::string>& names, bool describe, bool as_json) {
    AdminClient client(socket);
    const auto show = [&](const json& line) {
        if (as_json) return print(line.dump());
        print(line.value("name", "?") + " = " + line.value("value", "?"));
        if (!describe) return;
        const std::string range = line.value("range", "");
        print("    " + line.value("help", ""));
        print("    default " + line.value("default", "?") + (range.empty() ? "" : ", range " + range));
    };
    if (names.empty()) return client.ask("sysctl", json::object(), show);
    for (const std::string& word : names) {
        const std::size_t sign = word.find('=');
        json options{{"name", word.substr(0, sign)}};
        if (sign != std::string::npos) options["value"] = word.substr(sign + 1);
        client.ask("sysctl", options, show);
    }
}

void capture(const std::string& socket, const terminusctl::CaptureOptions& options, bool as_json) {
    terminusctl::capture(socket, options, [&](const json& line) {
        const std::string words = as_json ? line.dump() : terminusctl::in_words(line, options);
        if (!words.empty()) print(words);
        std::fflush(stdout);
    });
}

void version(const std::string& socket) {
    print("terminusctl " TERMINUS_VERSION);
    AdminClient(socket).ask("version", json::object(),
                            [](const json& line) { print("terminusd " + line.value("version", "?")); });
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Asks a running terminusd."};
    app.set_help_flag("-h,--help", "show this and end");
    app.require_subcommand(1);
    app.fallthrough();
    std::string socket = "/run/terminus/admin.sock";
    bool as_json = false;
    app.add_flag("--json", as_json, "a JSON object per line, as the daemon sends it");
    app.add_option("-s,--socket", socket, "the daemon's admin socket")->capture_default_str();

    SsOptions ss_options;
    auto* ss_command = app.add_subcommand("ss", "connections, in the look of Linux's ss");
    ss_command->add_flag("-a,--all", ss_options.all, "listeners, SYN-RECV and TIME-WAIT too");
    ss_command->add_flag("-l,--listening", ss_options.listening, "listeners only");
    ss_command->add_flag("-o,--options", ss_options.timers, "the running timer of each connection");
    ss_command->add_flag("-i,--info", ss_options.details,
                         "round trips, time-out and windows in a second line");
    ss_command->add_flag("-t,--tcp,-n,--numeric", ss_options.ignored, "as with ss; always so here");
    ss_command->add_option("--state", ss_options.state,
                           "a state by ss's word: established, time-wait, all, …");
    ss_command->add_option("--leg", ss_options.leg, "client or backend");
    ss_command->add_option("--service", ss_options.service, "a service's name");

    bool stats_zeros = false;
    auto* stats_command = app.add_subcommand("stats", "counters and gauges that are not zero");
    stats_command->add_flag("-z,--zeros", stats_zeros, "zeros too");

    std::vector<std::string> names;
    bool describe = false;
    auto* sysctl_command = app.add_subcommand("sysctl", "shows or sets TCP tunables in the running daemon");
    bool all_names = false;
    sysctl_command->add_flag("-a,--all", all_names, "all of them, as without names");
    sysctl_command->add_flag("-d,--describe", describe, "with meaning, default and range");
    sysctl_command->add_option("name", names, "NAME shows it, NAME=VALUE sets it; Linux's names");

    terminusctl::CaptureOptions capturing;
    auto* capture_command = app.add_subcommand(
        "capture", "records all that an exact replay needs, or tells how the recording is");
    auto* file = capture_command->add_option(
        "--replayable", capturing.file,
        "a new file, made by terminusd for its own user only: it holds keys and payload. Ctrl-C ends the "
        "recording");
    capture_command->add_option("--for", capturing.span, "a duration (30s, 5m) after which it ends")
        ->needs(file);
    capture_command
        ->add_option("--limit", capturing.limit_bytes, "bytes (or 10GB and the like) after which it ends")
        ->transform(CLI::AsSizeValue(false))
        ->needs(file);
    capture_command
        ->add_option(
            "--connections-max", capturing.connections_max,
            "with more connections it does not begin, because of the time that writing them down takes "
            "(32768 for each worker)")
        ->needs(file);
    capture_command
        ->add_flag("--detach", capturing.is_detached,
                   "it goes on when this has ended, until --stop or an end that was asked for")
        ->needs(file);
    capture_command->add_flag("--stop", capturing.stops, "ends the recording")->excludes(file);

    auto* version_command = app.add_subcommand("version", "versions of both sides");

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& fault) {
        constexpr int kUsage = 2;
        return app.exit(fault) == 0 ? 0 : kUsage;
    }
    try {
        if (ss_command->parsed()) ss(socket, ss_options, as_json);
        if (stats_command->parsed()) stats(socket, as_json, stats_zeros);
        if (sysctl_command->parsed())
            sysctl(socket, all_names ? std::vector<std::string>() : names, describe, as_json);
        if (capture_command->parsed()) capture(socket, capturing, as_json);
        if (version_command->parsed()) version(socket);
    } catch (const std::exception& fault) {
        std::fflush(stdout);
        std::fprintf(stderr, "terminusctl: %s\n", fault.what());
        return 1;
    }
    return std::fflush(stdout) == 0 ? 0 : 1;
}
