#include "numbers.hpp"

#include <algorithm>
#include <array>

#include "control/metrics.hpp"
#include "foreign_numbers.hpp"

namespace terminus::app {
namespace {

// Of the process that a scrape finds, not of what it did.
constexpr std::array<std::string_view, 5> kOfTheProcess = {"ready", "config_reloads", "start_time_seconds",
                                                           "build_info", "tcp_tunable"};

void add_metrics(std::vector<Number>& out, const Replay& replay, const config::Config& config) {
    const control::ProcessFacts facts;
    const control::Metrics metrics(replay.group(), config, facts);
    for (const auto& family : metrics.Collect()) {
        const std::string name = short_name(family.name);
        if (std::find(kOfTheProcess.begin(), kOfTheProcess.end(), name) != kOfTheProcess.end()) continue;
        for (const auto& metric : family.metric) {
            Number number{name, {}, metric.counter.value + metric.gauge.value};  // the other one is 0
            for (const auto& label : metric.label)
                number.labels.emplace_back(label.name, label.value);
            out.push_back(std::move(number));
        }
    }
}

void add_ports(std::vector<Number>& out, const Replay& replay) {
    for (const Replay::Port& port : replay.ports()) {
        const capture::FilePort::Counters files = port.counters();
        const capture::Reader::Counters read = port.reader_counters();
        const auto add = [&](const char* name, std::uint64_t value) {
            out.push_back({name, {{"port", port.name}}, static_cast<double>(value)});
        };
        add("port_rx_packets", files.received);
        add("port_rx_bytes", files.received_bytes);
        add("port_rx_no_buffer", files.no_buffer);
        add("port_rx_too_long", files.too_long);
        add("port_tx_packets", files.sent);
        add("port_tx_bytes", files.sent_bytes);
        add("port_tx_refused", port.files->frames_refused());
        add("capture_cut_packets", read.cut);
        add("capture_backward_stamps", read.backwards);
        add("capture_duplicates", read.duplicates);
        add("capture_repaired_checksums", read.repaired);
        add("capture_unfinished_checksums", read.unfinished);
        add("capture_unrepaired_packets", read.unrepaired);
    }
}

}  // namespace

std::string_view Number::label(std::string_view key) const {
    for (const auto& own : labels) {
        if (own.first == key) return own.second;
    }
    return {};
}

std::string short_name(std::string_view metric) {
    if (metric.starts_with("terminus_")) metric.remove_prefix(9);
    if (metric.ends_with("_total")) metric.remove_suffix(6);
    return std::string(metric);
}

std::vector<Number> numbers_of(const Replay& replay, const config::Config& config) {
    std::vector<Number> out;
    add_ports(out, replay);
    add_foreign(out, replay);
    add_metrics(out, replay, config);
    out.push_back({"virtual_seconds", {}, static_cast<double>(replay.elapsed().count()) / 1e9});
    return out;
}

}  // namespace terminus::app
