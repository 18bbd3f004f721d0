#pragma once

#include "load/neighbours.hpp"
#include "load/settings.hpp"
#include "packet/batch.hpp"

namespace terminus::load {

/// The least that can be done with a frame: addresses and ports change places, and back it goes. What a
/// device carries of this is the most that it can carry of anything. Whatever address is asked for is here.
class Reflector {
 public:
    explicit Reflector(const SideSettings& settings) : neighbours_(settings, true) {}

    /// TCP's frames go to `out`, in the buffers in which they came; it has room for a burst.
    void receive(packet::Batch& frames, packet::Batch& out);
    /// Answers of ARP and neighbour discovery.
    void run(base::Instant now, packet::Batch& out) { neighbours_.run(now, out); }

 private:
    Neighbours neighbours_;
};

}  // namespace terminus::load
