#pragma once

#include "config/config.hpp"
#include "proxy/service_table.hpp"
#include "worker/messages.hpp"

/// Configuration to what the data plane takes.
namespace terminus::control {

/// One worker's tunables: limits for the whole process are divided by the number of workers, rounded up.
[[nodiscard]] tcp::Tunables tunables_of(const config::Tcp& tcp, std::uint32_t workers);

/// What one leg of a service has otherwise than the process.
[[nodiscard]] tcp::TunableOverrides overrides_of(const config::Leg& leg);

/// A whole-process limit's share of one worker, rounded up; 0 stays 0.
[[nodiscard]] constexpr std::uint32_t share(std::uint32_t limit, std::uint32_t workers) {
    return limit / workers + (limit % workers == 0 ? 0 : 1);
}

}  // namespace terminus::control
