#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "outcome.hpp"
#include "verdict.hpp"

namespace terminus::simulation {

/// A run from its first turn to the last: the clock, what the plan has for which moment, and the way from one
/// thing that happens to the next. Its heirs have the machines and the wires.
class Scenario {
 public:
    virtual ~Scenario() = default;
    Scenario(const Scenario&) = delete;
    Scenario& operator=(const Scenario&) = delete;

    Outcome run();

 protected:
    /// Not zero, and late enough for a clock that steps back.
    static constexpr base::Instant kStart = base::instant_from_ns(10'000'000'000'000);

    Scenario() = default;

    /// Before run(): `what` happens so long after the start. Of two at once the first is what was said first.
    void schedule(base::Duration after, std::function<void()> what);

    [[nodiscard]] Verdict& verdict() { return verdict_; }
    [[nodiscard]] base::Instant now() const { return now_; }

    /// Everybody's turn at now(), and what is looked at after it.
    virtual void turn() = 0;
    /// When somebody has something to do; base::kNever: nobody ever.
    [[nodiscard]] virtual base::Instant next_turn() = 0;
    /// Bytes that programs were given so far.
    [[nodiscard]] virtual std::uint64_t received() const = 0;
    /// Everybody's connections are over, and nothing is under way.
    [[nodiscard]] virtual bool is_quiet() = 0;
    /// What must be so when all was quiet long enough.
    virtual void check_end() = 0;
    [[nodiscard]] virtual std::uint64_t segments() const = 0;
    /// For a run that failed: what the verdict doesn't say.
    [[nodiscard]] virtual std::string story() = 0;

 private:
    struct Happening {
        base::Duration at{};
        std::function<void()> what;
    };

    void begin_due();
    void step(base::Instant limit);
    void note_progress();
    [[nodiscard]] std::string failure();

    Verdict verdict_;
    base::Instant now_ = kStart;
    std::uint64_t received_ = 0;
    base::Instant ends_by_;  // when nothing is received anymore
    std::uint32_t steps_ = 0;
    std::vector<Happening> happenings_;  // in order, once it runs
    std::size_t next_happening_ = 0;
};

}  // namespace terminus::simulation
