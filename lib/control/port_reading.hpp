#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace terminus::control {

/// A piece of work that a device may do in the workers' place.
struct PortOffload {
    std::string name;
    bool asked = false;
    bool offered = false;
    bool used = false;
};

/// A port as its device tells of it at one moment; counts are since it was opened.
struct PortReading {
    std::string name;
    bool is_up = false;
    bool is_removed = false;  ///< the kernel has its device back, and the counts are the last there were
    std::uint64_t received_frames = 0;
    std::uint64_t received_bytes = 0;
    std::uint64_t sent_frames = 0;
    std::uint64_t sent_bytes = 0;
    std::uint64_t missed = 0;     ///< the device had no descriptor: the workers are too slow
    std::uint64_t no_buffer = 0;  ///< the pool was empty
    std::uint64_t receive_errors = 0;
    std::uint64_t transmit_errors = 0;
    std::vector<PortOffload> offloads;
};

/// Asks the devices, on the control thread; whoever knows them gives one.
using ReadPorts = std::function<std::vector<PortReading>()>;

}  // namespace terminus::control
