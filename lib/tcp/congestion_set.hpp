#pragma once

#include <variant>

#include "tcp/bbr.hpp"
#include "tcp/congestion_algorithm.hpp"
#include "tcp/cubic.hpp"
#include "tcp/reno.hpp"

namespace terminus::tcp {

/// One connection's congestion control: one of the closed set, chosen when the connection begins. What its
/// members mean is said at the concept.
class Congestion {
 public:
    explicit Congestion(CongestionAlgorithm algorithm) {
        switch (algorithm) {
            case CongestionAlgorithm::Cubic:
                control_.emplace<Cubic>();
                break;
            case CongestionAlgorithm::Reno:
                control_.emplace<Reno>();
                break;
            case CongestionAlgorithm::Bbr:
                control_.emplace<Bbr>();
                break;
        }
    }

    void begin(const CongestionStart& start) {
        std::visit([&](auto& control) { control.begin(start); }, control_);
    }
    void acknowledged(const AckSample& sample) {
        std::visit([&](auto& control) { control.acknowledged(sample); }, control_);
    }
    void loss_detected(const LossEvent& loss) {
        std::visit([&](auto& control) { control.loss_detected(loss); }, control_);
    }
    void congestion_marked(const LossEvent& loss) {
        std::visit([&](auto& control) { control.congestion_marked(loss); }, control_);
    }
    void timed_out(const LossEvent& loss) {
        std::visit([&](auto& control) { control.timed_out(loss); }, control_);
    }
    void recovery_left(base::Instant now) {
        std::visit([&](auto& control) { control.recovery_left(now); }, control_);
    }
    void undone(base::Instant now) {
        std::visit([&](auto& control) { control.undone(now); }, control_);
    }
    void restart_after_idle(std::uint32_t restart_window, base::Duration idle) {
        std::visit([&](auto& control) { control.restart_after_idle(restart_window, idle); }, control_);
    }
    void set_window(std::uint32_t bytes) {
        std::visit([&](auto& control) { control.set_window(bytes); }, control_);
    }

    [[nodiscard]] std::uint32_t window() const {
        return std::visit([](const auto& control) { return control.window(); }, control_);
    }
    [[nodiscard]] std::uint32_t slow_start_threshold() const {
        return std::visit([](const auto& control) { return control.slow_start_threshold(); }, control_);
    }
    [[nodiscard]] std::uint64_t pacing_rate() const {
        return std::visit([](const auto& control) { return control.pacing_rate(); }, control_);
    }
    [[nodiscard]] std::uint32_t send_quantum() const {
        return std::visit([](const auto& control) { return control.send_quantum(); }, control_);
    }
    /// The control steers its window in recoveries, too; PRR is not to.
    [[nodiscard]] bool owns_recovery() const {
        return std::visit([]<typename Control>(const Control&) { return Control::kOwnsRecovery; }, control_);
    }
    [[nodiscard]] CongestionAlgorithm algorithm() const {
        return static_cast<CongestionAlgorithm>(control_.index());
    }

 private:
    // RFC 9293 3.8.2, MAY-18; in CongestionAlgorithm's order.
    std::variant<Cubic, Reno, Bbr> control_;
};
// Part of every connection; BBR's model is what makes it so large (the others need 96).
static_assert(sizeof(Congestion) <= 208);

}  // namespace terminus::tcp
