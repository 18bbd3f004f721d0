#pragma once

#include <cstdint>
#include <string>

#include "machine_watch.hpp"
#include "plan.hpp"
#include "scenario.hpp"
#include "wire_watch.hpp"

namespace terminus::simulation {

/// Two stacks over a bad wire; everything follows from the plan.
class PairWorld : public Scenario {
 public:
    PairWorld(PairPlan&& plan, bool traces);

 protected:
    [[nodiscard]] Machine& machine(std::size_t index) { return machines_[index]; }

    void turn() override;
    [[nodiscard]] base::Instant next_turn() override;
    [[nodiscard]] std::uint64_t received() const override;
    [[nodiscard]] bool is_quiet() override;
    void check_end() override;
    [[nodiscard]] std::uint64_t segments() const override { return wire_watch_.segments(); }
    [[nodiscard]] std::string story() override;

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
    void check_stream(const Flow& from, const Flow& to, const std::string& name);
    [[nodiscard]] const Flow* end_of(std::size_t connection, std::size_t end);
    [[nodiscard]] std::string wire_story() const;

    PairPlan plan_;
    WireWatch wire_watch_;
    Machine machines_[2];
    sim::Link link_;
    MachineWatch watches_[2];
};

}  // namespace terminus::simulation
