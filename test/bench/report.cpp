#include "report.hpp"

#include <rte_cycles.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

namespace terminus::bench {

void Report::measure(const std::string& what, std::uint64_t entries, std::uint64_t operations,
                     const std::vector<Candidate>& candidates) {
    std::vector<std::vector<double>> cycles(candidates.size());
    for (int round = 0; round < rounds_; ++round) {
        for (std::size_t i = 0; i < candidates.size(); ++i) {
            candidates[i].prepare();
            const std::uint64_t begun = rte_rdtsc_precise();
            candidates[i].run();
            const std::uint64_t ended = rte_rdtsc_precise();
            cycles[i].push_back(static_cast<double>(ended - begun) / static_cast<double>(operations));
        }
    }
    const double cycles_a_nanosecond = static_cast<double>(rte_get_tsc_hz()) / 1e9;
    Row row{what, entries, {}};
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        std::sort(cycles[i].begin(), cycles[i].end());
        const double median = cycles[i][cycles[i].size() / 2];
        row.figures.push_back(
            {candidates[i].name, median, cycles[i].front(), cycles[i].back(), median / cycles_a_nanosecond});
    }
    print(row);
    rows_.push_back(std::move(row));
}

void Report::measure_both_ways(const std::string& out, const std::string& in, std::uint64_t entries,
                               std::uint64_t operations, const std::vector<Reversible>& candidates) {
    std::vector<Candidate> outs, ins;
    for (const Reversible& one : candidates) {
        outs.push_back({one.name, one.take_out, [one] {
                            if (!one.is_whole()) one.put_in();
                        }});
        ins.push_back({one.name, one.put_in, [one] {
                           if (one.is_whole()) one.take_out();
                       }});
    }
    measure(out, entries, operations, outs);
    measure(in, entries, operations, ins);
}

void Report::print(const Row& row) {
    std::printf("%-22s %10llu", row.what.c_str(), static_cast<unsigned long long>(row.entries));
    for (const Figure& figure : row.figures) {
        std::printf("  %s %7.1f (%.1f to %.1f)", figure.name.c_str(), figure.cycles, figure.least,
                    figure.most);
    }
    if (row.figures.size() == 2) std::printf("  x %.2f", row.figures[1].cycles / row.figures[0].cycles);
    std::printf("\n");
    std::fflush(stdout);
}

std::string Report::to_json() const {
    nlohmann::json all = nlohmann::json::array();
    for (const Row& row : rows_) {
        nlohmann::json figures = nlohmann::json::object();
        for (const Figure& figure : row.figures) {
            figures[figure.name] = {{"cycles", figure.cycles},
                                    {"cycles_least", figure.least},
                                    {"cycles_most", figure.most},
                                    {"nanoseconds", figure.nanoseconds}};
        }
        all.push_back({{"what", row.what}, {"entries", row.entries}, {"figures", figures}});
    }
    return all.dump(2);
}

std::vector<std::uint32_t> shuffled(std::uint32_t count, std::uint32_t wanted, base::Rng& rng) {
    std::vector<std::uint32_t> order(count);
    std::iota(order.begin(), order.end(), 0);
    for (std::uint32_t i = 0; i < wanted; ++i)
        std::swap(order[i], order[i + rng.below(count - i)]);
    order.resize(wanted);
    return order;
}

}  // namespace terminus::bench
