#include "rounds.hpp"

#include <rte_cycles.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace terminus::bench {

Row measure(const std::string& what, std::uint64_t entries, std::uint64_t operations, int rounds,
            const std::vector<Candidate>& candidates) {
    std::vector<std::vector<double>> cycles(candidates.size());
    for (int round = 0; round < rounds; ++round) {
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
    return row;
}

void print(const Row& row) {
    std::printf("%-22s %10llu", row.what.c_str(), static_cast<unsigned long long>(row.entries));
    for (const Figure& figure : row.figures) {
        std::printf("  %s %7.1f (%.1f to %.1f)", figure.name.c_str(), figure.cycles, figure.least,
                    figure.most);
    }
    if (row.figures.size() == 2) std::printf("  x %.2f", row.figures[1].cycles / row.figures[0].cycles);
    std::printf("\n");
    std::fflush(stdout);
}

std::string to_json(const std::vector<Row>& rows) {
    nlohmann::json all = nlohmann::json::array();
    for (const Row& row : rows) {
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

}  // namespace terminus::bench
