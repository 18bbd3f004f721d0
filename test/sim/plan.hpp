#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "app.hpp"
#include "choices.hpp"
#include "machine.hpp"
#include "sim/link.hpp"
#include "upset.hpp"

namespace terminus::simulation {

/// One connection: which machine opens it, when, and what both ends do.
struct ConnectionPlan {
    base::Duration at{};
    std::uint8_t opener = 0;  ///< index of the machine
    bool is_v6 = false;
    bool is_simultaneous = false;  ///< both open it at once, towards each other's port
    Behaviour ends[2];             ///< the opener's and the other's
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
[[nodiscard]] PairPlan make_pair_plan(Choices& choices, bool is_gentle);
/// What one end of a connection does; how it ends is still to be said.
[[nodiscard]] Behaviour make_behaviour(Choices& choices);
/// What both ends of a connection do, without each waiting for the other.
void make_ends(Choices& choices, bool is_gentle, Behaviour (&ends)[2]);
/// Something that happens to machines and wires of every kind of world, and what ends it: a cut, somebody who
/// takes buffers, or a clock that leaps. When, and to whom, both say already.
void upset_alike(Choices& choices, Upset& begin, Upset& end);
/// One direction of a wire; `has_v6`: its path MTU is IPv6's least at least.
[[nodiscard]] sim::LinkSettings make_wire(Choices& choices, bool is_gentle, bool has_v6);
/// Tunables that a machine may well have; `is_gentle`: none that gives up soon.
[[nodiscard]] tcp::Tunables make_tunables(Choices& choices, bool is_gentle);

}  // namespace terminus::simulation
