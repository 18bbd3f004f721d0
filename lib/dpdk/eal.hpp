#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace terminus::dpdk {

/// DPDK's environment: started once in a process, cleaned up when this dies. Everything else of this library
/// (pools, devices) is made after it and destroyed before it.
class Eal {
 public:
    /// `args` are EAL's options, without a program's name ("--no-huge", "-m", "512", ...). The error names
    /// the options that were refused and DPDK's reason; EAL itself has written details to its log. After a
    /// failure the process can't try again: DPDK keeps half of its state.
    [[nodiscard]] static base::Result<Eal, std::string> start(std::vector<std::string> args);

    Eal(Eal&& other) noexcept : running_(std::exchange(other.running_, false)) {}
    Eal& operator=(Eal&& other) noexcept {
        std::swap(running_, other.running_);
        return *this;
    }
    ~Eal();

    /// Whether DPDK's memory, and with it every pool, is in hugepages.
    [[nodiscard]] bool has_hugepages() const;

 private:
    Eal() = default;
    bool running_ = true;
};

/// The option for a program of one thread: EAL's only lcore, 0, on the first CPU that this process may use.
[[nodiscard]] std::string one_lcore();

}  // namespace terminus::dpdk
