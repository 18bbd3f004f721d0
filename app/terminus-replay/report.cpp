#include "report.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>

#include "foreign_report.hpp"
#include "stats/reasons.hpp"

namespace terminus::app {
namespace {

/// What testpmd shows of a port.
struct Forwarded {
    std::uint64_t rx_packets = 0;
    std::uint64_t rx_dropped = 0;
    std::uint64_t tx_packets = 0;
    std::uint64_t tx_dropped = 0;

    Forwarded& operator+=(const Forwarded& other) {
        rx_packets += other.rx_packets;
        rx_dropped += other.rx_dropped;
        tx_packets += other.tx_packets;
        tx_dropped += other.tx_dropped;
        return *this;
    }
};

Forwarded forwarded(const Replay::Port& port) {
    const capture::FilePort::Counters files = port.counters();
    return {files.received, files.no_buffer + files.too_long, files.sent, port.files->frames_refused()};
}

std::string printed(const char* format, auto... values) {
    char line[256];
    std::snprintf(line, sizeof line, format, values...);
    return line;
}

// The columns are testpmd's, so that what reads its output reads ours.
std::string lines_of(const Forwarded& counted) {
    const auto line = [](const char* direction, std::uint64_t packets, std::uint64_t dropped) {
        return printed("  %s-packets: %-14llu %s-dropped: %-14llu%s-total: %-llu\n", direction,
                       static_cast<unsigned long long>(packets), direction,
                       static_cast<unsigned long long>(dropped), direction,
                       static_cast<unsigned long long>(packets + dropped));
    };
    return line("RX", counted.rx_packets, counted.rx_dropped) +
           line("TX", counted.tx_packets, counted.tx_dropped);
}

std::string forward_statistics(const Replay& replay) {
    const std::string border(22, '-'), plus(15, '+');
    std::string text;
    Forwarded all;
    std::size_t number = 0;
    for (const Replay::Port& port : replay.ports()) {
        const Forwarded own = forwarded(port);
        all += own;
        text += printed("\n  %s Forward statistics for port %-2zu %s\n", border.c_str(), number++,
                        border.c_str());
        text += lines_of(own) + "  " + std::string(76, '-') + '\n';
    }
    text += "\n  " + plus + " Accumulated forward statistics for all ports" + plus + '\n';
    return text + lines_of(all) + "  " + std::string(76, '+') + '\n';
}

/// A part of the summary: numbers of one name, told by a label's words.
struct Part {
    const char* title;
    const char* name;
    const char* label;
    const stats::ReasonText* texts;  // none for states
    std::size_t texts_count;
};
constexpr Part kParts[] = {
    {"Connections at the end, by state", "connections", "state", nullptr, 0},
    {"Closes, by reason", "closes", "reason", stats::kCloseReasons, std::size(stats::kCloseReasons)},
    {"Retransmissions, by cause", "retransmitted_segments", "cause", stats::kRetransmitCauses,
     std::size(stats::kRetransmitCauses)},
    {"Resets, by reason", "resets", "reason", stats::kResetReasons, std::size(stats::kResetReasons)},
    {"Drops, by reason", "drops", "reason", stats::kDropReasons, std::size(stats::kDropReasons)},
};

std::string help_of(const Part& part, std::string_view label) {
    const auto* const end = part.texts + part.texts_count;
    const auto* const found =
        std::find_if(part.texts, end, [&](const stats::ReasonText& text) { return text.label == label; });
    return found == end ? std::string() : std::string(found->help);
}

std::string lines_of(const Part& part, const std::vector<Number>& numbers) {
    std::string text;
    for (const Number& number : numbers) {
        if (number.name != part.name || number.value == 0) continue;
        const std::string what = std::string(number.label("leg")) + (number.label("leg").empty() ? "" : " ") +
                                 std::string(number.label("direction")) +
                                 (number.label("direction").empty() ? "" : " ") +
                                 std::string(number.label(part.label));
        text += printed("    %-36s %10.0f  ", what.c_str(), number.value) +
                help_of(part, number.label(part.label));
        text.erase(text.find_last_not_of(' ') + 1);
        text += '\n';
    }
    return text.empty() ? text : std::string("\n  ") + part.title + ":\n" + text;
}

std::string note(const Replay::Port& port, std::uint64_t count, const std::string& what) {
    return count == 0 ? std::string()
                      : "\n  " + port.name + ": " + std::to_string(count) + " packets " + what + '\n';
}

std::string notes(const Replay& replay) {
    std::string text;
    for (const Replay::Port& port : replay.ports()) {
        const capture::Reader::Counters read = port.reader_counters();
        text += note(port, read.duplicates, "were seen at another interface before, and were left out");
        text += note(port, read.cut, "were cut by the snap length, and are what was left of them");
        text += note(port, read.backwards, "had an earlier time than the one before, and took its time");
        text += note(port, read.repaired,
                     "had a wrong checksum, which was repaired; " + std::to_string(read.unfinished) +
                         " of them had one left to the sender's device");
        text +=
            note(port, read.unrepaired, "are fragments or were cut, and keep the checksums that they have");
    }
    if (replay.was_cut_short()) text += "\n  Connections were left when --limit was over.\n";
    return text;
}

nlohmann::json json_of(const Replay::Port& port) {
    const Forwarded own = forwarded(port);
    const capture::Reader::Counters read = port.reader_counters();
    return {{"name", port.name},
            {"device", port.device.name},
            {"rx_packets", own.rx_packets},
            {"rx_dropped", own.rx_dropped},
            {"rx_bytes", port.counters().received_bytes},
            {"tx_packets", own.tx_packets},
            {"tx_dropped", own.tx_dropped},
            {"tx_bytes", port.counters().sent_bytes},
            {"cut_packets", read.cut},
            {"backward_stamps", read.backwards},
            {"duplicates", read.duplicates},
            {"repaired_checksums", read.repaired},
            {"unfinished_checksums", read.unfinished},
            {"unrepaired_packets", read.unrepaired}};
}

}  // namespace

std::string text_report(const Replay& replay, const std::vector<Number>& numbers) {
    std::string text = forward_statistics(replay) + foreign_text(replay);
    for (const Part& part : kParts)
        text += lines_of(part, numbers);
    text += notes(replay);
    return text + printed("\n  Virtual time: %.6f s\n", static_cast<double>(replay.elapsed().count()) / 1e9);
}

std::string json_report(const Replay& replay, const std::vector<Number>& numbers) {
    nlohmann::json report;
    report["virtual_seconds"] = static_cast<double>(replay.elapsed().count()) / 1e9;
    report["cut_short"] = replay.was_cut_short();
    report["ports"] = nlohmann::json::array();
    for (const Replay::Port& port : replay.ports())
        report["ports"].push_back(json_of(port));
    if (replay.foreign() != nullptr) report["foreign"] = foreign_json(replay);
    report["numbers"] = nlohmann::json::array();
    for (const Number& number : numbers) {
        if (number.value == 0) continue;
        nlohmann::json one{{"name", number.name}, {"value", number.value}};
        for (const auto& [key, value] : number.labels)
            one["labels"][key] = value;
        report["numbers"].push_back(std::move(one));
    }
    return report.dump(2) + '\n';
}

}  // namespace terminus::app
