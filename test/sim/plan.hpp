#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "app.hpp"
#include "choices.hpp"
#include "machine.hpp"
#include "sim/link.hpp"

namespace terminus::simulation {

/// One connection: which machine opens it, when, and what both ends do.
struct ConnectionPlan {
    base::Duration at{};
    std::uint8_t opener = 0;  ///< index of the machine
    bool is_v6 = false;
    bool is_simultaneous = false;  ///< both open it at once, towards each other's port
    Behaviour ends[2];             ///< the opener's and the other's
};

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

/// All that a seed decides, before anything has happened.
struct PairPlan {
    MachinePlan machines[2];
    sim::LinkSettings wire[2];
    std::vector<ConnectionPlan> connections;
    std::vector<Upset> upsets;
    /// Nothing in it is a reason to give a connection up: each must end in order, with every byte.
    bool is_gentle = false;
};

[[nodiscard]] PairPlan make_pair_plan(Choices& choices);
/// Tunables that a machine may well have; `is_gentle`: none that gives up soon.
[[nodiscard]] tcp::Tunables make_tunables(Choices& choices, bool is_gentle);

}  // namespace terminus::simulation
