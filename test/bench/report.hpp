#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/rng.hpp"

namespace terminus::bench {

/// One way to do what a row of a benchmark is about.
struct Candidate {
    std::string name;
    std::function<void()> run;              ///< the operations and nothing else
    std::function<void()> prepare = [] {};  ///< before each run, and not timed
};

/// A way and back: elements are taken out of something and put in again.
struct Reversible {
    std::string name;
    std::function<void()> take_out;
    std::function<void()> put_in;
    std::function<bool()> is_whole;  ///< nothing is out
};

/// What so many cycles for one of something are as a rate, at 3 GHz: `of_one_cycle` divided by them.
struct Rate {
    const char* unit = nullptr;
    double of_one_cycle = 0;
};

/// What DESIGN 6 asks for.
struct Budget {
    double most = 0;  ///< must reach; 0: nothing is asked for
    double aim = 0;
    Rate rate{};  ///< how DESIGN says it, where that is not as it is measured
};

/// Cycles for one operation, by round.
struct Measured {
    std::string name;
    std::vector<double> cycles;
};

/// What is measured, a row after the other: cycles of the time stamp counter for one operation.
class Report {
 public:
    explicit Report(int rounds) : rounds_(rounds) {}

    /// Runs candidates one after the other, as many times over as there are rounds, so that what else the
    /// machine does meets them alike, and prints a line: each candidate's median with its spread, and the
    /// second's as a ratio of the first's. `operations` is how many each run does.
    void measure(const std::string& what, std::uint64_t entries, std::uint64_t operations,
                 const std::vector<Candidate>& candidates);
    /// A row for the way and one for the way back: of each the other prepares.
    void measure_both_ways(const std::string& out, const std::string& in, std::uint64_t entries,
                           std::uint64_t operations, const std::vector<Reversible>& candidates);
    /// A row of what was measured elsewhere: cycles for one operation, of each round.
    void record(const std::string& what, std::uint64_t entries, std::vector<Measured> measured);
    /// Something that is counted and not timed, with what it may be at most (0: nothing is asked of it) and
    /// what is aimed at.
    void count(const std::string& what, std::uint64_t entries, const std::string& unit, double figure,
               Budget budget = {});
    /// Holds the last row's first figure against a budget of cycles.
    void judge(Budget budget);
    [[nodiscard]] int rounds() const { return rounds_; }
    /// What of the worker's rate is lost between `few` and `many` open connections, for each row that is
    /// there with both, held against `budget` in per cent.
    void compare(std::uint64_t few, std::uint64_t many, Budget budget);
    /// Everything that has a budget, beside it.
    void print_budgets() const;
    /// The rows as an array.
    [[nodiscard]] std::string to_json() const;

 private:
    struct Figure {
        std::string name;
        double cycles = 0;       // median over the rounds
        double least = 0;        // cycles, of the best round
        double most = 0;         // cycles, of the worst round
        double nanoseconds = 0;  // of the median round
    };
    struct Row {
        std::string what;  // "lookup, hit"
        std::uint64_t entries = 0;
        std::vector<Figure> figures;
        std::string unit = "cycles";
        double counted = 0;  // in another unit
        Budget budget;
    };

    static void print(const Row& row);
    static void print_verdict(const Row& row);
    static void print_budget(double figure, const Budget& budget);

    int rounds_;
    std::vector<Row> rows_;
};

/// `wanted` of the numbers below `count`, each once, in an order that no prefetcher guesses.
[[nodiscard]] std::vector<std::uint32_t> shuffled(std::uint32_t count, std::uint32_t wanted, base::Rng& rng);

}  // namespace terminus::bench
