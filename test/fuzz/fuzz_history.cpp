// Whole lives of connections: the first byte chooses the world (test/sim), and each of the others decides
// something in it: what is sent and when, by programs and by hostile peers, what befalls it on the wire,
// which clock leaps. The oracle is the simulation's: every byte once and in order, and all of its other
// checks.
#include <cstdio>
#include <cstdlib>

#include "sim/choices.hpp"
#include "sim/hostile.hpp"
#include "sim/pair.hpp"
#include "sim/proxy.hpp"

namespace {

using namespace terminus;

simulation::Outcome live(std::uint8_t world, simulation::Choices& choices) {
    switch (world % 3) {
        case 0:
            return simulation::run_hostile(choices, false);
        case 1:
            return simulation::run_pair(choices, false);
        default:
            return simulation::run_proxy(choices, false);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    simulation::Choices choices(base::Bytes(data, size).subspan(1));
    const simulation::Outcome outcome = live(data[0], choices);
    if (outcome.failure.empty()) return 0;
    std::fprintf(stderr, "%s", outcome.failure.c_str());
    std::abort();
}
