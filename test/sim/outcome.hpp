#pragma once

#include <cstdint>
#include <string>

#include "base/time.hpp"

namespace terminus::simulation {

/// What a run came to.
struct Outcome {
    std::string failure;         ///< empty: all was as it must be
    base::Duration lived{};      ///< virtual time
    std::uint64_t segments = 0;  ///< sent by stacks, or to them by who is none
};

}  // namespace terminus::simulation
