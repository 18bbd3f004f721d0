#pragma once

#include <cstdint>

namespace terminus::bench {

/// Whether somebody else had the calling thread's CPU: another thread while this one was ready to run, or
/// another machine (steal, which the kernel counts in hundredths of a second). Asked before and after what is
/// timed, on the thread that is timed.
class Disturbance {
 public:
    Disturbance() { begin(); }
    void begin() { before_ = read(); }
    /// Since begin().
    [[nodiscard]] bool was_there() const { return read() != before_; }

 private:
    struct Counts {
        std::uint64_t waited_ns = 0;  // /proc/thread-self/schedstat
        std::uint64_t stolen = 0;     // /proc/stat
        std::uint64_t switched = 0;   // against our will: getrusage()
        bool operator==(const Counts&) const = default;
    };
    [[nodiscard]] static Counts read();

    Counts before_;
};

}  // namespace terminus::bench
