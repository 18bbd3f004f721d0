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
    std::vector<Measured> measured;
    for (const Candidate& candidate : candidates)
        measured.push_back({candidate.name, {}});
    for (int round = 0; round < rounds_; ++round) {
        for (std::size_t i = 0; i < candidates.size(); ++i) {
            candidates[i].prepare();
            const std::uint64_t begun = rte_rdtsc_precise();
            candidates[i].run();
            const std::uint64_t ended = rte_rdtsc_precise();
            measured[i].cycles.push_back(static_cast<double>(ended - begun) /
                                         static_cast<double>(operations));
        }
    }
    record(what, entries, std::move(measured));
}

void Report::record(const std::string& what, std::uint64_t entries, std::vector<Measured> measured) {
    const double cycles_a_nanosecond = static_cast<double>(rte_get_tsc_hz()) / 1e9;
    Row row{what, entries, {}};
    for (Measured& one : measured) {
        std::sort(one.cycles.begin(), one.cycles.end());
        const double median = one.cycles[one.cycles.size() / 2];
        row.figures.push_back(
            {one.name, median, one.cycles.front(), one.cycles.back(), median / cycles_a_nanosecond});
    }
    print(row);
    rows_.push_back(std::move(row));
}

void Report::count(const std::string& what, std::uint64_t entries, const std::string& unit, double figure,
                   Budget budget) {
    std::printf("%-22s %10llu  %.1f %s\n", what.c_str(), static_cast<unsigned long long>(entries), figure,
                unit.c_str());
    print_budget(figure, budget);
    rows_.push_back({what, entries, {}, unit, figure, budget});
}

void Report::judge(Budget budget) {
    rows_.back().budget = budget;
    print_budget(rows_.back().figures.front().cycles, budget);
}

void Report::print_budget(double figure, const Budget& budget) {
    if (budget.most == 0) return;
    const char* const verdict = figure <= budget.aim    ? "what is aimed at"
                                : figure <= budget.most ? "within the budget"
                                                        : "beyond the budget";
    std::printf("%33s  budget %.0f, aim %.0f: %s (x %.2f of the budget)\n", "", budget.most, budget.aim,
                verdict, figure / budget.most);
}

void Report::compare(std::uint64_t few, std::uint64_t many, Budget budget) {
    const std::vector<Row> rows = rows_;
    for (const Row& before : rows) {
        if (before.entries != few || before.figures.empty() || before.figures.front().name != "worker")
            continue;
        const auto after = std::find_if(rows.begin(), rows.end(), [&](const Row& row) {
            return row.what == before.what && row.entries == many;
        });
        if (after == rows.end()) continue;
        const double loss = 100 * (1 - before.figures.front().cycles / after->figures.front().cycles);
        const std::string what = before.what.substr(before.what.find_first_not_of(' '));
        count("loss, from " + std::to_string(few) + " open: " + what, many, "%", loss, budget);
    }
}

void Report::print_budgets() const {
    const bool is_asked =
        std::any_of(rows_.begin(), rows_.end(), [](const Row& row) { return row.budget.most > 0; });
    if (!is_asked) return;
    std::printf("\n%-42s %10s %10s %10s %10s  %s\n", "DESIGN's budgets, at 3 GHz", "open", "is", "budget",
                "aim", "");
    for (const Row& row : rows_) {
        if (row.budget.most > 0) print_verdict(row);
    }
}

void Report::print_verdict(const Row& row) {
    const Rate& rate = row.budget.rate;
    const double figure = row.figures.empty() ? row.counted : row.figures.front().cycles;
    const auto shown = [&rate](double cycles) {
        return rate.unit == nullptr ? cycles : rate.of_one_cycle / cycles;
    };
    const std::string unit = rate.unit == nullptr ? row.unit : rate.unit;
    std::printf("%-42s %10llu %10.1f %10.0f %10.0f  %s: %s\n", row.what.c_str(),
                static_cast<unsigned long long>(row.entries), shown(figure), shown(row.budget.most),
                shown(row.budget.aim), unit.c_str(),
                figure <= row.budget.aim    ? "met, and the aim"
                : figure <= row.budget.most ? "met"
                                            : "not met");
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
        nlohmann::json entry{{"what", row.what}, {"entries", row.entries}};
        if (row.figures.empty()) {
            entry["unit"] = row.unit;
            entry["figure"] = row.counted;
        } else {
            entry["figures"] = figures;
        }
        if (row.budget.most > 0) entry["budget"] = {{"most", row.budget.most}, {"aim", row.budget.aim}};
        all.push_back(std::move(entry));
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
