#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"

namespace terminus::config {

/// One key that differs between two configurations.
struct Change {
    std::string path;    ///< "tcp.fin_timeout", "services[web].pool", or an entry as a whole: "pools[old]"
    std::string before;  ///< as written in a file; empty where the entry was not there
    std::string after;   ///< empty where the entry is gone
    bool needs_restart = false;

    /// "tcp.fin_timeout: 60s → 30s (needs a restart)"
    [[nodiscard]] std::string to_string() const;
    bool operator==(const Change&) const = default;
};

/// Every key that differs, in the order of the reference; entries of lists are matched by name (routes by
/// destination), so that their order does not matter.
[[nodiscard]] std::vector<Change> diff(const Config& before, const Config& after);

/// `running` with everything of `wanted` that a reload can bring into force; the rest stays as it runs.
[[nodiscard]] Config live_part(const Config& running, const Config& wanted);

}  // namespace terminus::config
