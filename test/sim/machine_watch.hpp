#pragma once

#include <string>
#include <vector>

#include "connection_watch.hpp"
#include "machine.hpp"
#include "verdict.hpp"

namespace terminus::simulation {

/// What must be true of a machine after each of its turns, whatever its peers do.
class MachineWatch {
 public:
    MachineWatch(Machine& machine, Verdict& verdict)
        : machine_(machine), verdict_(verdict), buffers_before_(machine.buffers_in_use()) {}

    void after_turn();
    /// With everything closed and every TIME_WAIT over: nothing is left.
    void at_end();
    /// Whether every connection, half-open and TIME_WAIT is gone.
    [[nodiscard]] bool is_idle() const;
    /// Like `ss -o`, for a run that failed.
    [[nodiscard]] std::string listing();

 private:
    Machine& machine_;
    Verdict& verdict_;
    std::uint32_t buffers_before_;
    std::vector<ConnectionMarks> marks_;  // by flow
};

}  // namespace terminus::simulation
