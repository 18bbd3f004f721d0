#include "capture.hpp"

#include <csignal>
#include <cstdio>
#include <filesystem>

#include "admin_client.hpp"

namespace terminusctl {
namespace {

volatile std::sig_atomic_t told_to_end = 0;

/// A signal interrupts the waiting for the answer and does nothing else.
void listen_to_signals() {
    struct sigaction action {};
    action.sa_handler = [](int) { told_to_end = 1; };
    for (const int signal : {SIGINT, SIGTERM, SIGHUP})
        (void)::sigaction(signal, &action, nullptr);
}

std::string decimal(const nlohmann::json& line, const char* key) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f", line.value(key, 0.0));
    return text;
}

std::string count(const nlohmann::json& line, const char* key) {
    return std::to_string(line.value(key, std::uint64_t{0}));
}

}  // namespace

void capture(const std::string& socket, const CaptureOptions& options,
             const std::function<void(const nlohmann::json&)>& take) {
    AdminClient client(socket);
    nlohmann::json wanted = nlohmann::json::object();
    if (options.stops) wanted["stop"] = "yes";
    if (!options.file.empty()) {
        // terminusd's folder is another.
        wanted["file"] = std::filesystem::absolute(options.file).lexically_normal().string();
        if (!options.span.empty()) wanted["for"] = options.span;
        if (options.limit_bytes > 0) wanted["limit"] = std::to_string(options.limit_bytes);
        if (options.connections_max > 0) wanted["connections_max"] = std::to_string(options.connections_max);
        if (options.is_detached) wanted["detach"] = "yes";
    }
    if (!options.file.empty() && !options.is_detached) listen_to_signals();
    bool has_ended = false;
    const auto end_if_told = [&] {
        if (told_to_end == 0 || has_ended) return;
        has_ended = true;
        AdminClient(socket).ask("capture", {{"stop", "yes"}}, [](const nlohmann::json&) {});
    };
    client.on_interrupt(end_if_told);
    client.ask("capture", wanted, [&](const nlohmann::json& line) {
        take(line);
        end_if_told();
    });
}

std::string in_words(const nlohmann::json& line, const CaptureOptions& options) {
    const std::string state = line.value("state", "?");
    const std::string file = line.value("file", "?");
    if (state == "none") return "nothing has been recorded";
    if (state == "begun") {
        std::string text = "recording into " + file +
                           ", which holds keys and payload: " + count(line, "connections") +
                           " connections and " + count(line, "time_waits") +
                           " TIME_WAITs at its beginning, " + count(line, "snapshot_bytes") +
                           " bytes, for which a worker stood still for " + decimal(line, "pause_ms") + " ms";
        if (!options.is_detached) text += "; Ctrl-C ends it";
        return text;
    }
    const std::string size = count(line, "bytes") + " bytes in " + decimal(line, "seconds") + " s";
    if (state == "ended") return file + " has ended: " + line.value("why", "?") + "; " + size;
    return options.file.empty() ? "recording into " + file + ": " + size : std::string();
}

}  // namespace terminusctl
