#pragma once

#include <string>
#include <vector>

#include "base/time.hpp"
#include "config/config.hpp"
#include "dpdk/device.hpp"
#include "dpdk/sizing.hpp"
#include "record/head.hpp"
#include "worker/worker.hpp"

namespace terminus::app {

/// What this process is made of. `text` is what the file `path` said; `began` the workers' first instant.
[[nodiscard]] record::Head recording_head(const std::string& path, const std::string& text,
                                          const worker::Settings& settings, const config::Config& config,
                                          const dpdk::Sizing& sizing,
                                          const std::vector<dpdk::Device>& devices, base::Instant began);

}  // namespace terminus::app
