#pragma once

#include <prometheus/metric_family.h>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "control/port_reading.hpp"
#include "control/source_port_watch.hpp"
#include "worker/group.hpp"

/// The families, by what they are about; internal to `control`.
namespace terminus::control::families {

using Families = std::vector<prometheus::MetricFamily>;
using Labels = std::vector<std::pair<std::string, std::string>>;

[[nodiscard]] prometheus::MetricFamily counter(const char* name, const char* help);
[[nodiscard]] prometheus::MetricFamily gauge(const char* name, const char* help);
void add(prometheus::MetricFamily& family, const Labels& labels, double value);

/// Per leg: connections, opens, closes, retransmissions, resets, timers, bytes.
void add_legs(Families& out, const worker::Group& group);
/// Drops and the other numbers that only make sense for the whole process.
void add_process(Families& out, const worker::Group& group);
/// Frames, hand-overs, buffers, source ports and time, by worker.
void add_workers(Families& out, const worker::Group& group);
/// What devices tell of the ports; no family when there is none.
void add_ports(Families& out, const std::vector<PortReading>& ports);
/// What is known of source ports by backend; no family when that is nothing.
void add_backend_ports(Families& out, const std::vector<SourcePortWatch::Reading>& readings);
void add_tunables(Families& out, const config::Tcp& tcp);

}  // namespace terminus::control::families
