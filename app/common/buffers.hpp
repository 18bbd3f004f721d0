#pragma once

#include <string>

#include "base/result.hpp"
#include "config/config.hpp"
#include "dpdk/pool.hpp"
#include "dpdk/sizing.hpp"
#include "stack/settings.hpp"

/// What the programs that run workers share.
namespace terminus::app {

[[nodiscard]] dpdk::SizingRequest sizing_request(const config::Config& config);

/// The pools of the process; devices are opened after and closed before them.
struct Pools {
    dpdk::Pool payload;
    dpdk::Pool header;
    dpdk::Pool indirect;
    [[nodiscard]] static base::Result<Pools, std::string> create(const dpdk::Sizing& sizing);
    [[nodiscard]] stack::Buffers buffers(const dpdk::Sizing& sizing) const;
};

}  // namespace terminus::app
