#pragma once

#include <cstdint>
#include <vector>

#include "control/worker_settings.hpp"
#include "packet/port.hpp"
#include "record/head.hpp"
#include "worker/worker.hpp"

/// Between what a process is made of and how a recording tells it.
namespace terminus::app {

/// `rss` as the device spreads over the workers; nothing in it when that is done in software.
[[nodiscard]] record::PortFacts recorded_port(const std::string& name, const packet::PortCapabilities& able,
                                              wire::MacAddress mac, std::uint16_t mtu,
                                              const flow::RssConfig& rss);
[[nodiscard]] packet::PortCapabilities capabilities_of(const record::PortFacts& port);
[[nodiscard]] control::PortFacts port_facts(const record::PortFacts& port, std::uint16_t workers);
/// How a port of a device spreads over the workers; see recorded_port().
[[nodiscard]] flow::Steering steering_of(const flow::RssConfig& rss, std::uint16_t workers);

/// The keys and the seed that `settings` were made with, into `head`, and out of it.
void keep_chance(const worker::Settings& settings, record::Head& head);
[[nodiscard]] control::Chance chance_of(const record::Head& head);

}  // namespace terminus::app
