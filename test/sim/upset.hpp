#pragma once

#include <cstdint>

#include "base/time.hpp"
#include "sim/link.hpp"
#include "tcp/tunables.hpp"

namespace terminus::simulation {

/// Something that happens to a machine or to the wire.
struct Upset {
    enum class Kind : std::uint8_t { Wire, Cut, Mend, ClockJump, Hoard, EndHoard, Tunables };
    base::Duration at{};
    Kind kind = Kind::Cut;
    std::uint8_t machine = 0;
    sim::LinkSettings wire[2];
    base::Duration jump{};
    std::uint8_t pool = 0;    ///< payload, header, indirect
    std::uint32_t leave = 0;  ///< buffers
    tcp::Tunables tunables;
};

}  // namespace terminus::simulation
