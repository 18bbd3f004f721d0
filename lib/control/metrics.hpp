#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "control/port_reading.hpp"
#include "control/source_port_watch.hpp"
#include "worker/group.hpp"

namespace terminus::control {

/// What the process knows of itself and no worker counts.
struct ProcessFacts {
    std::string version;
    double start_time_seconds = 0;  ///< since 1970
    bool ready = false;
    std::uint64_t reloads_applied = 0;
    std::uint64_t reloads_refused = 0;
};

/// All workers' numbers as Prometheus families, read from their counters at the moment of the scrape.
/// docs/metrics.md lists them; a test holds it against the code.
class Metrics : public prometheus::Collectable {
 public:
    /// The busy ratio is over the last so many samples; the control thread takes one a second.
    static constexpr std::size_t kRatioSamples = 10;

    /// All outlive this; `config` is what is in force at each scrape. Without `ports` there is nothing of
    /// backends' source ports.
    Metrics(const worker::Group& group, const config::Config& config, const ProcessFacts& facts,
            const SourcePortWatch* ports = nullptr);

    /// What is asked for the ports at each scrape; without it there is nothing of ports.
    void set_ports(ReadPorts read) { read_ports_ = std::move(read); }

    [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

    /// Remembers the workers' busy and idle times for the busy ratio.
    void sample();

 private:
    struct Times {
        std::uint64_t busy_ns;
        std::uint64_t idle_ns;
    };
    [[nodiscard]] Times times(std::uint32_t worker) const;
    [[nodiscard]] double busy_ratio(std::uint32_t worker) const;
    [[nodiscard]] prometheus::MetricFamily busy_ratios() const;

    const worker::Group& group_;
    const config::Config& config_;
    const ProcessFacts& facts_;
    const SourcePortWatch* ports_;
    ReadPorts read_ports_;
    std::deque<std::vector<Times>> samples_;  // oldest first
};

/// The families in the text format that Prometheus scrapes.
[[nodiscard]] std::string to_text(const std::vector<prometheus::MetricFamily>& families);

/// The table of docs/metrics.md, in Markdown.
[[nodiscard]] std::string metrics_reference(const std::vector<prometheus::MetricFamily>& families);

}  // namespace terminus::control
