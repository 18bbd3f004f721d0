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

/// Whether the kernel had the CPU, too, if only for its timer's tick: in a virtual machine that is some tens
/// of microseconds each four milliseconds, more than any turn takes. It is told by a segment register that
/// 64-bit code has no use for: with a null selector other than 0 in it, which a return from an interrupt
/// makes 0 (IRETQ, in Intel's and AMD's manuals). Costs some ten cycles.
class Interruption {
 public:
    void begin() {
        const std::uint16_t null_selector = 3;
        asm volatile("mov %0, %%es" : : "r"(null_selector));
    }
    /// Since begin().
    [[nodiscard]] bool was_there() const {
        std::uint16_t selector = 0;
        asm volatile("mov %%es, %0" : "=r"(selector));
        return selector == 0;
    }
};

}  // namespace terminus::bench
