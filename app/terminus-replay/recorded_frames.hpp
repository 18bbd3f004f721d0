#pragma once

#include <string>

#include "record/recording.hpp"
#include "worker/repetition.hpp"

/// A recording's frames as captures, for other tools and for the words of a difference.
namespace terminus::app {

/// Writes PORT-received.pcap and PORT-sent.pcap of each port into `folder`, which is made if it is not there:
/// frames of all workers in the order of their turns' times. Throws std::runtime_error.
void export_captures(const record::Recording& recording, const std::string& folder);

/// How what was sent in the turn that diverged is not what was recorded, in the words of --expect.
[[nodiscard]] std::string difference(const record::Recording& recording,
                                     const worker::Divergence& divergence);

}  // namespace terminus::app
