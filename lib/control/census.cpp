#include "control/census.hpp"

namespace terminus::control {

Census census(const worker::Group& group) {
    Census census;
    for (std::uint32_t i = 0; i < group.size(); ++i) {
        const stats::CoreStats& core = group.stats(i);
        for (const stats::LegStats& leg : core.legs) {
            for (std::size_t state = 0; state < stats::kTcpStates; ++state) {
                const auto is = static_cast<tcp::State>(state);
                if (is == tcp::State::Closed || is == tcp::State::Listen) continue;
                (is == tcp::State::TimeWait ? census.time_waits : census.connections) +=
                    leg.connections[state].value();
            }
        }
    }
    return census;
}

}  // namespace terminus::control
