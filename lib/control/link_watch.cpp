#include "control/link_watch.hpp"

#include <utility>

namespace terminus::control {

std::vector<LinkWatch::Change> LinkWatch::look(const std::vector<PortReading>& ports) {
    std::vector<Change> changes;
    for (const PortReading& port : ports) {
        if (port.is_removed) continue;  // which is said elsewhere, and worse
        bool& was_up = was_up_.try_emplace(port.name, true).first->second;
        if (std::exchange(was_up, port.is_up) != port.is_up) changes.push_back({port.name, port.is_up});
    }
    return changes;
}

}  // namespace terminus::control
