#pragma once

#include <cstdint>
#include <string>

#include "base/time.hpp"
#include "devices.hpp"
#include "scene.hpp"

namespace terminus::vdev {

/// A run over two wires of one kind, in real time: a worker between two hosts, one thread, frames lost and
/// overtaken in both directions of both wires. Prints one line of JSON, then a sentence for each fault; 0
/// when there is none.
[[nodiscard]] int run_live(Kind kind, const std::string& folder, const SceneOptions& options,
                           base::Duration limit);

}  // namespace terminus::vdev
