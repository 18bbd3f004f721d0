#pragma once

#include "config/config.hpp"
#include "worker/messages.hpp"

/// Configuration to what the data plane takes.
namespace terminus::control {

/// One worker's tunables: limits for the whole process are divided by the number of workers, rounded up.
[[nodiscard]] tcp::Tunables tunables_of(const config::Tcp& tcp, std::uint32_t workers);

/// A whole-process limit's share of one worker, rounded up; 0 stays 0.
[[nodiscard]] constexpr std::uint32_t share(std::uint32_t limit, std::uint32_t workers) {
    return limit / workers + (limit % workers == 0 ? 0 : 1);
}

}  // namespace terminus::control
