#include "pair.hpp"

#include "pair_world.hpp"

namespace terminus::simulation {

Outcome run_pair(std::uint64_t seed, bool traces) {
    Choices choices(seed);
    return run_pair(choices, traces);
}

Outcome run_pair(Choices& choices, bool traces) {
    return PairWorld(make_pair_plan(choices), traces).run();
}

}  // namespace terminus::simulation
