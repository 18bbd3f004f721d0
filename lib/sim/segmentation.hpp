#pragma once

#include <deque>

#include "packet/slice.hpp"

namespace terminus::sim {

/// Cuts a frame as a device with TSO does, and appends the segments to `into`: linear, in buffers of the
/// frame's own pool, with checksums for the device still to finish. What the frame claims of itself is held
/// against it: what a device would send wrongly stops the program. Once the pool is empty the rest of the
/// segments is lost.
void cut_segments(const packet::Buffer& frame, std::deque<packet::Buffer>& into);

}  // namespace terminus::sim
