#pragma once

#include <map>
#include <string>
#include <vector>

#include "control/port_reading.hpp"

namespace terminus::control {

/// Tells when a port's link goes and when it comes back. It looks now and then, for not every driver tells by
/// itself (e1000e and vmxnet3 don't).
class LinkWatch {
 public:
    struct Change {
        std::string port;
        bool is_up = false;
    };

    /// What has changed since the last look. A port that was never looked at is taken to have been up.
    [[nodiscard]] std::vector<Change> look(const std::vector<PortReading>& ports);

 private:
    std::map<std::string, bool> was_up_;
};

}  // namespace terminus::control
