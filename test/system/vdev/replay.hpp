#pragma once

#include <string>

#include "scene.hpp"

namespace terminus::vdev {

/// The splice over capture files, in virtual time: a run over cables is recorded at Terminus's front port,
/// and then repeated with the recorded client in `folder`/in.pcap behind a net_pcap device, which writes
/// out.pcap. Prints as run_live() does.
[[nodiscard]] int run_replay(const std::string& folder, const SceneOptions& options);

}  // namespace terminus::vdev
