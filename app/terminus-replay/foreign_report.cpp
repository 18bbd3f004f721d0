#include "foreign_report.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "foreign_account.hpp"
#include "stats/reasons.hpp"

namespace terminus::app {
namespace {

using capture::DivergenceKind;
using capture::NoteKind;
using By = replay::ServiceChoice::By;

/// Lines of one kind in the text; the JSON has all.
constexpr std::size_t kLinesMax = 20;
constexpr std::size_t kListMax = 160;

std::string row(const std::string& what, std::uint64_t value, const std::string& behind = {}) {
    char line[512];
    std::snprintf(line, sizeof line, "    %-58s %8llu  %s", what.c_str(),
                  static_cast<unsigned long long>(value), behind.c_str());
    std::string text = line;
    text.erase(text.find_last_not_of(' ') + 1);
    return text + '\n';
}

std::string packets_text(const std::vector<std::uint64_t>& packets) {
    std::string list = capture::packet_list(packets);
    if (list.size() > kListMax) {
        list.resize(list.rfind(',', kListMax));
        list += ", …";
    }
    return (packets.size() == 1 ? "packet " : "packets ") + list;
}

std::string ends_text(const capture::RecordedConversation& recorded) {
    return recorded.client.to_string() + " > " + recorded.server.to_string() + " from packet " +
           std::to_string(recorded.first_packet);
}

std::string of_text(std::uint64_t reached, std::uint64_t recorded) {
    return std::to_string(reached) + " of " + std::to_string(recorded);
}

std::string_view why(By by) {
    switch (by) {
        case By::Endpoint:
            return "its own address and port";
        case By::Port:
            return "the one service on its port";
        case By::OnlyOne:
            return "the one service there is";
        case By::None:
        case By::Ambiguous:
            break;
    }
    return "";
}

/// Recorded servers and the services in their place, in the order of their first conversations.
std::vector<std::string> places(const Foreign& foreign, std::uint16_t port) {
    std::vector<std::string> lines;
    for (const replay::PlayedConversation& one : foreign.stage().cast().played()) {
        if (one.port != port) continue;
        const std::string line =
            one.recorded().server.to_string() + " is played to " + one.choice.service->service + " (" +
            one.choice.service->listens.to_string() + "), " + std::string(why(one.choice.by));
        if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(line);
    }
    return lines;
}

/// At most kLinesMax of `lines`, and how many more there are.
std::string bounded(const std::vector<std::string>& lines) {
    std::string text;
    for (std::size_t i = 0; i < std::min(lines.size(), kLinesMax); ++i)
        text += "    " + lines[i] + '\n';
    if (lines.size() > kLinesMax) text += "    … and " + std::to_string(lines.size() - kLinesMax) + " more\n";
    return text;
}

std::string played_text(const Foreign& foreign, const ForeignAccount& account, std::uint16_t port) {
    const auto& played = account.played;
    std::string text = bounded(places(foreign, port));
    text += row("conversations played", account.accounted_for + account.unaccounted.size());
    text += row("  with every byte accounted for", account.accounted_for);
    text += row("request bytes that reached a backend", account.request.reached,
                "of " + std::to_string(account.request.recorded));
    text += row("response bytes that reached a client", account.response.reached,
                "of " + std::to_string(account.response.recorded));
    text += row("recorded packets played", played.recorded);
    text += row("frames that they became", played.frames);
    const auto add = [&](const char* what, std::uint64_t value) {
        if (value != 0) text += row(what, value);
    };
    add("packets split to the MSS", played.split);
    add("packets with repaired checksums", played.repaired);
    add("bytes of text filled in", played.filled_bytes);
    add("frames made up", played.made_up);
    add("ACKs inserted", played.inserted);
    add("packets that waited for what they answer", played.waited);
    return text;
}

std::string unaccounted_text(const ForeignAccount& account) {
    std::vector<std::string> lines;
    for (const replay::PlayedConversation* const one : account.unaccounted) {
        std::string line = ends_text(one->recorded()) + ": request " +
                           of_text(one->server.request.reached(), one->recorded().request.length()) +
                           ", response " +
                           of_text(one->response.reached(), one->recorded().response.length());
        if (one->server.request.difference())
            line += ", request differs at byte " + std::to_string(*one->server.request.difference());
        if (one->response.difference())
            line += ", response differs at byte " + std::to_string(*one->response.difference());
        lines.push_back(std::move(line));
    }
    return lines.empty() ? "" : "\n  Not accounted for:\n" + bounded(lines);
}

template <typename Kind, typename Wanted>
std::string kinds_text(const std::map<Kind, ForeignAccount::Packets>& kinds, Wanted&& wanted) {
    std::string text;
    for (const auto& [kind, packets] : kinds) {
        if (wanted(kind))
            text += row(std::string(capture::text(kind)), packets.size(), packets_text(packets));
    }
    return text;
}

std::string titled(const char* title, const std::string& text) {
    return text.empty() ? text : std::string("\n  ") + title + ":\n" + text;
}

std::string unplayed_text(const ForeignAccount& account) {
    std::vector<std::string> lines;
    for (const replay::UnplayedConversation* const one : account.unplayed)
        lines.push_back(ends_text(*one->recorded) + ": " + one->why);
    return bounded(lines);
}

std::string port_text(const Foreign& foreign, const std::string& name, std::uint16_t port) {
    const ForeignAccount account = account_of(foreign, port);
    std::string text = "\n  Played from the capture of " + name + ":\n" + played_text(foreign, account, port);
    text += unaccounted_text(account);
    text += titled("Divergences, by the packet that they came before or with",
                   kinds_text(account.divergences, [](DivergenceKind) { return true; }));
    text += titled("Altered", kinds_text(account.notes, [](NoteKind kind) { return !is_unmapped(kind); }));
    return text + titled("Not mapped", kinds_text(account.notes, is_unmapped) + unplayed_text(account));
}

std::string backends_text(const Foreign& foreign) {
    const replay::Stage::Counters& counters = foreign.stage().counters();
    std::string text;
    const auto add = [&](const char* what, std::uint64_t value) {
        if (value != 0) text += row(what, value);
    };
    add("connections refused as recorded", counters.refused);
    add("SYNs unanswered as recorded", counters.unanswered);
    add("connections of no recorded conversation", foreign.stage().backends().strangers());
    add("frames lost for want of buffers", counters.lost);
    add("packets to nobody who is played", counters.to_nobody);
    return titled("Backends and links", text);
}

nlohmann::json json_of(const replay::PlayedConversation& one) {
    nlohmann::json json{{"client", one.recorded().client.to_string()},
                        {"server", one.recorded().server.to_string()},
                        {"service", one.choice.service->service},
                        {"first_packet", one.recorded().first_packet},
                        {"accounted_for", one.is_accounted_for()},
                        {"request_bytes", one.recorded().request.length()},
                        {"request_bytes_reached", one.server.request.reached()},
                        {"response_bytes", one.recorded().response.length()},
                        {"response_bytes_reached", one.response.reached()},
                        {"packets", one.player.counters().recorded},
                        {"frames", one.player.counters().frames},
                        {"lag_seconds", static_cast<double>(one.player.lag().count()) / 1e9}};
    for (const capture::Divergence& divergence : one.player.divergences())
        json["divergences"].push_back(
            {{"packet", divergence.packet}, {"what", capture::text(divergence.what)}});
    if (one.server.closed)
        json["backend_closed"] =
            std::string(stats::kCloseReasons[static_cast<std::size_t>(*one.server.closed)].label);
    return json;
}

nlohmann::json json_of(const Foreign& foreign, const Replay::Port& port, std::uint16_t index) {
    const ForeignAccount account = account_of(foreign, index);
    nlohmann::json json{{"port", port.name},
                        {"conversations", nlohmann::json::array()},
                        {"unplayed", nlohmann::json::array()},
                        {"notes", nlohmann::json::array()}};
    for (const replay::PlayedConversation& one : foreign.stage().cast().played()) {
        if (one.port == index) json["conversations"].push_back(json_of(one));
    }
    for (const replay::UnplayedConversation* const one : account.unplayed)
        json["unplayed"].push_back({{"client", one->recorded->client.to_string()},
                                    {"server", one->recorded->server.to_string()},
                                    {"first_packet", one->recorded->first_packet},
                                    {"why", one->why}});
    for (const auto& [kind, packets] : account.notes)
        json["notes"].push_back({{"what", capture::text(kind)}, {"packets", packets}});
    return json;
}

}  // namespace

std::string foreign_text(const Replay& replay) {
    if (replay.foreign() == nullptr) return {};
    std::string text;
    for (std::uint16_t port = 0; port < replay.ports().size(); ++port) {
        if (replay.foreign()->recorded(port) != nullptr)
            text += port_text(*replay.foreign(), replay.ports()[port].name, port);
    }
    return text + backends_text(*replay.foreign());
}

nlohmann::json foreign_json(const Replay& replay) {
    nlohmann::json json = nlohmann::json::array();
    if (replay.foreign() == nullptr) return json;
    for (std::uint16_t port = 0; port < replay.ports().size(); ++port) {
        if (replay.foreign()->recorded(port) != nullptr)
            json.push_back(json_of(*replay.foreign(), replay.ports()[port], port));
    }
    return json;
}

}  // namespace terminus::app
