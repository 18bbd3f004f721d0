#pragma once

#include <cstdint>

#include "tcp/congestion_control.hpp"

namespace terminus::tcp {

/// BBR version 3 as draft-ietf-ccwg-bbr describes it, in integers: a model of the path (the most it delivers,
/// the least round trip, how much may be in flight without loss) says how fast to send and how much to have
/// under way, and four tactics probe it in turn:
///
///     Startup -> Drain -> ProbeBW: Down -> Cruise -> Refill -> Up -+      ProbeRTT: from any state, when no
///                                   ^                              |      shorter round trip was seen for 5
///                                   s;
///                                   +------------------------------+      back to Cruise (or Startup)
///
/// The draft's names are kept; its section titles stand where its rules are. Rates are bytes a second,
/// volumes bytes. Two things differ by what the machine tells: a loss is judged by the rate sample of the ACK
/// that revealed it, not packet by packet, and an echo of congestion (RFC 3168) counts as a round with loss,
/// a probe with too much of it.
class Bbr {
 public:
    static constexpr bool kOwnsRecovery = true;

    enum class State : std::uint8_t { Startup, Drain, Down, Cruise, Refill, Up, ProbeRtt };

    void begin(const CongestionStart& start);
    void acknowledged(const AckSample& sample);
    void loss_detected(const LossEvent& loss);
    void congestion_marked(const LossEvent& loss);
    void timed_out(const LossEvent& loss);
    void recovery_left(base::Instant now);
    void undone(base::Instant now);
    void restart_after_idle(std::uint32_t restart_window, base::Duration idle);
    void set_window(std::uint32_t bytes) { window_ = std::min(bytes, kCongestionWindowMax); }

    [[nodiscard]] std::uint32_t window() const { return window_; }
    /// There is none: what Linux shows for BBR, too.
    [[nodiscard]] std::uint32_t slow_start_threshold() const { return kCongestionWindowMax; }
    [[nodiscard]] std::uint64_t pacing_rate() const { return pacing_rate_; }
    [[nodiscard]] std::uint32_t send_quantum() const;

    // ---- the model, for tests and for people who ask
    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] std::uint64_t max_bandwidth() const { return std::max(max_bw_[0], max_bw_[1]); }
    /// Zero: not known yet.
    [[nodiscard]] base::Duration min_rtt() const {
        return min_rtt_ == kUnknown ? base::Duration{0} : min_rtt_;
    }

 private:
    static constexpr base::Duration kUnknown = base::Duration::max();
    static constexpr std::uint32_t kNoLimit = UINT32_MAX;  // the draft's Infinity, for volumes
    static constexpr std::uint64_t kNoRateLimit = UINT64_MAX;

    /// "ACK phase": what the ACKs that come in say about probing.
    enum class AckPhase : std::uint8_t { Init, Refilling, ProbeStarting, ProbeFeedback, ProbeStopping };
    /// One ACK, and what it begins.
    struct Ack {
        const AckSample& sample;
        bool app_limited = false;
        bool round_start = false;
        bool loss_round_start = false;
    };

    // bbr_model.cpp: the path
    void begin_ack(Ack& ack);
    void update_max_bandwidth(const Ack& ack);
    void update_ack_aggregation(const Ack& ack);
    void check_full_bandwidth(const Ack& ack);
    void reset_full_bandwidth(std::uint64_t baseline);
    void update_min_rtt(const Ack& ack);
    void note_loss();
    void adapt_lower_bounds();
    void reset_congestion_signals();
    void reset_short_term_model();
    [[nodiscard]] bool is_inflight_too_high(const AckSample& sample) const;
    void raise_inflight_longterm_slope();
    void probe_inflight_longterm_upward(const Ack& ack);
    void save_state();

    // bbr_states.cpp: the states
    void check_startup(const Ack& ack);
    void check_drain(const Ack& ack);
    void probe_bandwidth(const Ack& ack);
    bool adapt_long_term_model(const Ack& ack);
    void handle_inflight_too_high(const Ack& ack);
    void check_probe_rtt(const Ack& ack);
    void handle_probe_rtt(const Ack& ack);
    void enter_down(base::Instant now);
    void enter_refill();
    void enter_up(const Ack& ack);
    void start_round() { next_round_delivered_ = delivered_; }
    [[nodiscard]] bool is_time_to_probe(base::Instant now) const;
    [[nodiscard]] bool is_time_to_cruise(const Ack& ack) const;
    [[nodiscard]] bool is_time_to_go_down(const Ack& ack);
    [[nodiscard]] bool is_probing_bandwidth_state() const {
        return state_ >= State::Down && state_ <= State::Up;
    }
    std::uint32_t random_below(std::uint32_t bound);

    // bbr.cpp: what comes of it
    void set_initial_pacing_rate(base::Duration rtt);
    void set_pacing_rate(std::uint32_t gain_percent);
    void set_window(const Ack& ack);
    [[nodiscard]] std::uint64_t bandwidth() const { return std::min(max_bandwidth(), bw_shortterm_); }
    [[nodiscard]] std::uint32_t bdp(std::uint64_t bandwidth, std::uint32_t gain_percent) const;
    [[nodiscard]] std::uint32_t inflight(std::uint64_t bandwidth, std::uint32_t gain_percent) const;
    [[nodiscard]] std::uint32_t quantized(std::uint32_t inflight) const;
    [[nodiscard]] std::uint32_t inflight_with_headroom() const;
    [[nodiscard]] std::uint32_t target_inflight() const { return std::min(bdp(bandwidth(), 100), window_); }
    [[nodiscard]] std::uint32_t probe_rtt_window() const;
    [[nodiscard]] std::uint32_t min_pipe() const { return 4 * mss_; }
    void restore_window() { window_ = std::max(window_, prior_window_); }

    std::uint64_t max_bw_[2] = {0, 0};  // of the ProbeBW cycle before, of this one
    std::uint64_t bw_shortterm_ = kNoRateLimit;
    std::uint64_t bw_latest_ = 0;
    std::uint64_t full_bw_ = 0;
    std::uint64_t pacing_rate_ = 0;
    std::uint64_t undo_bw_shortterm_ = 0;

    base::Duration min_rtt_ = kUnknown;
    base::Instant min_rtt_at_{};
    base::Duration probe_rtt_min_ = kUnknown;
    base::Instant probe_rtt_min_at_{};
    base::Instant probe_rtt_done_at_ = base::kNever;  // kNever: the pipe is not drained yet
    base::Instant probe_at_{};                        // when a probe is due by the clock
    base::Instant extra_acked_from_{};

    std::uint32_t window_ = 0;
    std::uint32_t prior_window_ = 0;
    std::uint32_t initial_window_ = 0;
    std::uint32_t mss_ = 1;
    std::uint32_t inflight_longterm_ = kNoLimit;
    std::uint32_t inflight_shortterm_ = kNoLimit;
    std::uint32_t inflight_latest_ = 0;
    std::uint32_t undo_inflight_shortterm_ = 0;
    std::uint32_t undo_inflight_longterm_ = 0;
    // Totals delivered, modulo 2^32: no window comes near 2^31, so before and after are told by the
    // difference.
    std::uint32_t delivered_ = 0;
    std::uint32_t next_round_delivered_ = 0;
    std::uint32_t loss_round_delivered_ = 0;
    std::uint32_t slow_until_ = 0;  // what is sent before it was slow for ProbeRTT's sake
    std::uint32_t extra_acked_[2] = {0, 0};
    std::uint32_t extra_acked_delivered_ = 0;
    std::uint32_t probe_up_acked_ = 0;
    std::uint32_t probe_up_acked_per_increase_ = kNoLimit;
    std::uint32_t random_ = 1;

    State state_ = State::Startup;
    State undo_state_ = State::Drain;  // Startup or Up: return there; else nothing
    AckPhase ack_phase_ = AckPhase::Init;
    std::uint8_t full_bw_count_ = 0;
    std::uint8_t extra_acked_rounds_ = 0;
    std::uint8_t drain_rounds_ = 0;
    std::uint8_t rounds_since_probe_up_ = 0;
    std::uint8_t probe_up_rounds_ = 0;
    std::uint8_t loss_events_in_round_ = 0;
    bool full_bw_reached_ : 1 = false;
    bool full_bw_now_ : 1 = false;
    bool has_rtt_ : 1 = false;
    bool idle_restart_ : 1 = false;
    bool is_slow_ : 1 = false;  // slow_until_ is still ahead
    bool is_loss_in_round_ : 1 = false;
    bool is_marked_ : 1 = false;  // since the last ACK was processed
    bool is_probe_sample_ : 1 = false;
    bool prev_probe_too_high_ : 1 = false;
    bool prev_probe_precautionary_ : 1 = false;
    bool probe_rtt_expired_ : 1 = false;
    bool probe_rtt_round_done_ : 1 = false;
    bool in_recovery_ : 1 = false;
    bool may_undo_ : 1 = false;
};
static_assert(CongestionControl<Bbr>);

}  // namespace terminus::tcp
