#pragma once

#include <memory>
#include <type_traits>

#include "tcp/bbr.hpp"
#include "tcp/congestion_algorithm.hpp"
#include "tcp/cubic.hpp"
#include "tcp/reno.hpp"

namespace terminus::tcp {

/// One connection's congestion control: one of the closed set, chosen when the connection begins. What its
/// members mean is said at the concept. Its window is kept in front: every segment asks for it, and its state
/// is touched by acknowledgements alone.
class Congestion {
    template <typename Self, typename Use>
    static auto visit(Self& self, Use&& use) {
        switch (self.algorithm_) {
            case CongestionAlgorithm::Cubic:
                break;
            case CongestionAlgorithm::Reno:
                return use(self.reno_);
            case CongestionAlgorithm::Bbr:
                return use(self.bbr_);
        }
        return use(self.cubic_);
    }
    template <typename Act>
    void change(Act&& act) {
        visit(*this, [&](auto& control) {
            act(control);
            window_ = control.window();
        });
    }

 public:
    explicit Congestion(CongestionAlgorithm algorithm) : algorithm_(algorithm) {
        switch (algorithm) {
            case CongestionAlgorithm::Cubic:
                std::construct_at(&cubic_);
                break;
            case CongestionAlgorithm::Reno:
                std::construct_at(&reno_);
                break;
            case CongestionAlgorithm::Bbr:
                std::construct_at(&bbr_);
                break;
        }
    }

    void begin(const CongestionStart& start) {
        change([&](auto& control) { control.begin(start); });
    }
    void acknowledged(const AckSample& sample) {
        change([&](auto& control) { control.acknowledged(sample); });
    }
    void loss_detected(const LossEvent& loss) {
        change([&](auto& control) { control.loss_detected(loss); });
    }
    void congestion_marked(const LossEvent& loss) {
        change([&](auto& control) { control.congestion_marked(loss); });
    }
    void timed_out(const LossEvent& loss) {
        change([&](auto& control) { control.timed_out(loss); });
    }
    void recovery_left(base::Instant now) {
        change([&](auto& control) { control.recovery_left(now); });
    }
    void undone(base::Instant now) {
        change([&](auto& control) { control.undone(now); });
    }
    void restart_after_idle(std::uint32_t restart_window, base::Duration idle) {
        change([&](auto& control) { control.restart_after_idle(restart_window, idle); });
    }
    void set_window(std::uint32_t bytes) {
        change([&](auto& control) { control.set_window(bytes); });
    }

    [[nodiscard]] std::uint32_t window() const { return window_; }
    [[nodiscard]] std::uint32_t slow_start_threshold() const {
        return visit(*this, [](const auto& control) { return control.slow_start_threshold(); });
    }
    [[nodiscard]] std::uint64_t pacing_rate() const {
        return visit(*this, [](const auto& control) { return control.pacing_rate(); });
    }
    [[nodiscard]] std::uint32_t send_quantum() const {
        return visit(*this, [](const auto& control) { return control.send_quantum(); });
    }
    /// The control steers its window in recoveries, too; PRR is not to.
    [[nodiscard]] bool owns_recovery() const {
        return visit(*this, []<typename Control>(const Control&) { return Control::kOwnsRecovery; });
    }
    [[nodiscard]] CongestionAlgorithm algorithm() const { return algorithm_; }

 private:
    CongestionAlgorithm algorithm_;  // RFC 9293 3.8.2, MAY-18
    std::uint32_t window_ = 0;
    union {
        Cubic cubic_;
        Reno reno_;
        Bbr bbr_;
    };
};
// Part of every connection; BBR's model is what makes it so large (the others need 96).
static_assert(sizeof(Congestion) <= 208);
static_assert(std::is_trivially_copyable_v<Congestion> && std::is_trivially_destructible_v<Congestion>);

}  // namespace terminus::tcp
