#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "machine_watch.hpp"
#include "outcome.hpp"
#include "plan.hpp"
#include "wire_watch.hpp"

namespace terminus::simulation {

/// Two stacks over a bad wire; everything follows from the plan. Whoever else is about has hooks.
class PairWorld {
 public:
    PairWorld(PairPlan&& plan, bool traces);
    virtual ~PairWorld() = default;
    PairWorld(const PairWorld&) = delete;
    PairWorld& operator=(const PairWorld&) = delete;

    Outcome run();

 protected:
    /// Not zero, and late enough for a clock that steps back.
    static constexpr base::Instant kStart = base::instant_from_ns(10'000'000'000'000);

    [[nodiscard]] Machine& machine(std::size_t index) { return machines_[index]; }
    [[nodiscard]] Verdict& verdict() { return verdict_; }
    [[nodiscard]] base::Instant now() const { return now_; }

    /// Before each turn; what is looked at after it; when there is something to do next, base::kNever at the
    /// end.
    virtual void others_act() {}
    virtual void others_check() {}
    [[nodiscard]] virtual base::Instant others_next() { return base::kNever; }
    /// Segments of theirs, and their part in the story of a run that failed.
    [[nodiscard]] virtual std::uint64_t others_segments() const { return 0; }
    [[nodiscard]] virtual std::string others_story() { return {}; }

 private:
    /// The stream that the opener's (0) or the other's (1) end of a connection sends.
    static std::uint64_t pattern(std::size_t connection, std::size_t end) { return 2 * connection + end + 1; }
    static Flow flow(const ConnectionPlan& plan, std::size_t connection, std::size_t end) {
        Flow made;
        made.behaviour = plan.ends[end];
        made.sends = pattern(connection, end);
        made.receives = pattern(connection, 1 - end);
        return made;
    }
    [[nodiscard]] wire::FourTuple tuple(std::size_t connection, std::size_t end) const;
    void prepare(std::size_t connection);
    void open(std::size_t connection);
    void upset(const Upset& what);
    [[nodiscard]] base::Instant next_event() const;
    void begin_due();
    void turn();
    void step(base::Instant limit);
    [[nodiscard]] bool is_over();
    void check_streams();
    void check_stream(const Flow& from, const Flow& to, const std::string& name);
    [[nodiscard]] const Flow* end_of(std::size_t connection, std::size_t end);
    [[nodiscard]] std::string wire_story() const;
    std::string story();

    PairPlan plan_;
    Verdict verdict_;
    base::Instant now_ = kStart;
    std::uint32_t steps_ = 0;
    WireWatch wire_watch_;
    Machine machines_[2];
    sim::Link link_;
    MachineWatch watches_[2];
    std::size_t next_upset_ = 0;
    std::vector<bool> opened_;
};

}  // namespace terminus::simulation
