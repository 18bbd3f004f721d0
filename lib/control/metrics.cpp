#include "control/metrics.hpp"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <sstream>

#include "control/metric_families.hpp"

namespace terminus::control {

using families::add;
using families::counter;
using families::gauge;
using prometheus::MetricFamily;

Metrics::Metrics(const worker::Group& group, const config::Config& config, const ProcessFacts& facts,
                 const SourcePortWatch* ports)
    : group_(group), config_(config), facts_(facts), ports_(ports) {
    sample();
}

std::vector<MetricFamily> Metrics::Collect() const {
    families::Families out;
    families::add_legs(out, group_);
    families::add_process(out, group_);
    families::add_workers(out, group_);
    out.push_back(busy_ratios());
    if (read_ports_) families::add_ports(out, read_ports_());
    if (ports_ != nullptr) families::add_backend_ports(out, ports_->readings());
    families::add_tunables(out, config_.tcp);

    MetricFamily ready = gauge(
        "terminus_ready",
        "1 while new connections are wanted; 0 while starting and draining, and once a port's device was "
        "removed");
    add(ready, {}, facts_.ready ? 1 : 0);
    out.push_back(std::move(ready));
    MetricFamily reloads =
        counter("terminus_config_reloads_total", "Configuration files read again, by what became of it");
    add(reloads, {{"result", "applied"}}, static_cast<double>(facts_.reloads_applied));
    add(reloads, {{"result", "refused"}}, static_cast<double>(facts_.reloads_refused));
    out.push_back(std::move(reloads));
    MetricFamily start = gauge("terminus_start_time_seconds", "When the process started, since 1970");
    add(start, {}, facts_.start_time_seconds);
    out.push_back(std::move(start));
    MetricFamily build = gauge("terminus_build_info", "Always 1; the version is the label");
    add(build, {{"version", facts_.version}}, 1);
    out.push_back(std::move(build));
    return out;
}

void Metrics::sample() {
    std::vector<Times> now;
    for (std::uint32_t i = 0; i < group_.size(); ++i)
        now.push_back(times(i));
    samples_.push_back(std::move(now));
    if (samples_.size() > kRatioSamples) samples_.pop_front();
}

Metrics::Times Metrics::times(std::uint32_t worker) const {
    const stats::CoreStats& core = group_.stats(worker);
    return {core.busy_ns.value(), core.idle_ns.value()};
}

double Metrics::busy_ratio(std::uint32_t worker) const {
    const Times before = samples_.front()[worker];
    const Times now = times(worker);
    const auto busy = static_cast<double>(now.busy_ns - before.busy_ns);
    const auto idle = static_cast<double>(now.idle_ns - before.idle_ns);
    return busy + idle > 0 ? busy / (busy + idle) : 0;
}

MetricFamily Metrics::busy_ratios() const {
    MetricFamily ratios =
        gauge("terminus_worker_busy_ratio",
              "Share of the last ten seconds that the worker spent on work, 0 to 1 (a polling CPU "
              "always reads 100 %)");
    for (std::uint32_t i = 0; i < group_.size(); ++i)
        add(ratios, {{"worker", std::to_string(i)}}, busy_ratio(i));
    return ratios;
}

std::string to_text(const std::vector<MetricFamily>& families) {
    return prometheus::TextSerializer().Serialize(families);
}

std::string metrics_reference(const std::vector<MetricFamily>& families) {
    std::string out = "| metric | type | labels | meaning |\n|---|---|---|---|\n";
    for (const MetricFamily& family : families) {
        std::string labels;
        for (const auto& label : family.metric.front().label) {
            labels += (labels.empty() ? "`" : ", `") + label.name + "`";
        }
        const bool counts = family.type == prometheus::MetricType::Counter;
        out += "| `" + family.name + "` | " + (counts ? "counter" : "gauge") + " | " + labels + " | " +
               family.help + " |\n";
    }
    return out;
}

}  // namespace terminus::control
