#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace terminus::bench {

/// One way to do what a row of a benchmark is about.
struct Candidate {
    std::string name;
    /// Runs the operation `operations()` times and nothing else; what prepares it is `prepare`, which is not
    /// timed.
    std::function<void()> run;
    std::function<void()> prepare = [] {};
};

/// What was measured of a candidate: nanoseconds and cycles of the time stamp counter for one operation.
struct Figure {
    std::string name;
    double cycles = 0;       ///< median over the rounds
    double least = 0;        ///< cycles, of the best round
    double most = 0;         ///< cycles, of the worst round
    double nanoseconds = 0;  ///< of the median round
};

struct Row {
    std::string what;  ///< "lookup, hit"
    std::uint64_t entries = 0;
    std::vector<Figure> figures;
};

/// Runs candidates one after the other, `rounds` times over, so that what else the machine does meets them
/// alike. `operations` is how many each run does.
[[nodiscard]] Row measure(const std::string& what, std::uint64_t entries, std::uint64_t operations,
                          int rounds, const std::vector<Candidate>& candidates);

/// A line for people: each candidate's median with its spread, and the second's as a ratio of the first's.
void print(const Row& row);
/// The rows as JSON: an array.
[[nodiscard]] std::string to_json(const std::vector<Row>& rows);

/// The value is used: what computed it is not optimised away.
template <typename T>
inline void keep(const T& value) {
    asm volatile("" : : "r,m"(value) : "memory");
}

}  // namespace terminus::bench
