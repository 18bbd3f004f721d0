#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "base/time.hpp"
#include "stats/core_stats.hpp"
#include "tcp/congestion_set.hpp"
#include "tcp/delivery_rate.hpp"
#include "tcp/environment.hpp"
#include "tcp/prr.hpp"
#include "tcp/rack.hpp"
#include "tcp/rtt.hpp"
#include "tcp/sent_records.hpp"
#include "tcp/sequence_space.hpp"
#include "wire/tcp.hpp"

namespace terminus::tcp {

/// Linux's words for where a sender stands.
enum class RecoveryState : std::uint8_t {
    Open,      ///< nothing is wrong
    Disorder,  ///< something arrived out of order, or twice
    Cwr,       ///< the window comes down after an ECN echo (RFC 3168)
    Recovery,  ///< fast recovery (RFC 6675, 6582)
    Loss,      ///< after a time-out
};

/// What the retransmission deadline stands for (Linux has one timer for the three, too).
enum class RetransmitTimer : std::uint8_t { Timeout, Reordering, TailLossProbe };

/// The sender's books: what is outstanding, what of it has arrived, is lost, is to be sent again; how much
/// may be outstanding. RFC 6675, 8985, 9937, 5682, 4015, 2018, 6582. It has no timer and sends nothing: the
/// connection asks.
class LossRecovery {
 public:
    /// What each call may use of the connection and the world.
    struct Context {
        const Environment& env;
        const SendSpace& snd;
        const RttEstimator& rtt;
        stats::LegStats& stats;
        bool sack;                    ///< agreed on
        std::uint32_t own_timestamp;  ///< TSval of now
    };

    /// An acceptable ACK, judged before snd.una is moved; below that, only what its SACK reports counts.
    struct Ack {
        wire::SeqNum ack;
        const wire::TcpOptions& options;
        bool is_duplicate = false;  ///< RFC 5681 2: same number, no text, same window, with data outstanding
        bool ece = false;           ///< ECN agreed on and echoed
        std::optional<std::uint32_t> echoed_timestamp;
    };
    struct Outcome {
        Duration rtt{-1};  ///< for the RTO: of the oldest segment acknowledged, sent once; negative: none
        bool is_forward = false;  ///< snd.una moves
        bool undone = false;      ///< a time-out turned out spurious: its back-off is void
    };

    explicit LossRecovery(CongestionAlgorithm algorithm) : congestion_(algorithm) {}

    /// The handshake is complete: una = nxt = iss + 1.
    void begin(const Context& context, std::uint32_t initial_window, Duration handshake_rtt,
               std::uint64_t random);

    /// The handshake that text went ahead of turns out to have been lossy (RFC 6928 2).
    void reduce_initial_window(std::uint32_t window) { congestion_.set_window(window); }

    // ---- sending

    /// [begin, end) was sent for the first time, with PSH or without; snd.nxt is its end already.
    void sent(const Context& context, wire::SeqNum begin, wire::SeqNum end, bool push);
    /// [begin, end) was sent again; it begins with a record.
    void resent(const Context& context, wire::SeqNum begin, wire::SeqNum end);
    /// The next stretch to be sent again, as far as one fate goes; nothing when new text is to go first
    /// (F-RTO).
    struct Range {
        wire::SeqNum begin;
        wire::SeqNum end;
        bool push = false;  ///< its last byte was sent with PSH
    };
    [[nodiscard]] std::optional<Range> next_lost(const Context& context) const;
    /// Bytes believed to be on the way (RFC 6675 pipe).
    [[nodiscard]] std::uint32_t pipe(const SendSpace& snd) const;
    [[nodiscard]] std::uint32_t window() const { return congestion_.window(); }
    /// RFC 5682 2.1 step 2b: new text goes before what is lost, if there is any.
    [[nodiscard]] bool prefers_new_text(const SendSpace& snd) const {
        return new_text_first_ && !snd.nxt.after(recover_);
    }
    /// Whether `length` bytes more may be on the way; the first always may.
    [[nodiscard]] bool may_send(const SendSpace& snd, std::uint32_t length) const {
        const std::uint32_t on_the_way = pipe(snd);
        return on_the_way == 0 || std::uint64_t{on_the_way} + length <= congestion_.window();
    }
    /// Bytes that the window lets out beside what is on the way.
    [[nodiscard]] std::uint32_t room(const SendSpace& snd) const {
        const std::uint32_t on_the_way = pipe(snd);
        const std::uint32_t most = window();
        return most > on_the_way ? most - on_the_way : 0;
    }
    /// When the next segment may go out (pacing); the past when it may now.
    [[nodiscard]] Instant paced_until() const { return pace_at_; }
    /// Whether segments are spread over time at all.
    [[nodiscard]] bool is_paced() const { return congestion_.pacing_rate() != 0; }
    /// Whether nothing is wrong and nothing is being tried out: an ACK without news changes nothing then.
    [[nodiscard]] bool is_calm() const { return state_ == RecoveryState::Open && !probe_outstanding_; }
    /// Whether the number of ACKs counts, not only what they acknowledge: a slow start that is to go on grows
    /// by two segments an ACK at most (RFC 3465 2.2), BBR measures by each.
    [[nodiscard]] bool counts_acks() const {
        return is_paced() || (is_in_slow_start() && is_window_limited());
    }
    /// Whether the window alone holds text back (RFC 7661); true for all ACKs until the next word of it, for
    /// they come in bursts.
    void window_limits(bool limited) { window_limited_ = limited; }
    /// Nothing is left to be sent though there is room.
    void application_limits(const Context& context);
    /// RFC 5681 4.1.
    void restart_after_idle(std::uint32_t restart_window, Duration idle) {
        congestion_.restart_after_idle(restart_window, idle);
    }
    /// RFC 3168 6.1.2: new text is to carry CWR once.
    [[nodiscard]] bool take_window_reduced() { return std::exchange(cwr_pending_, false); }
    [[nodiscard]] bool has_window_reduced() const { return cwr_pending_; }

    // ---- what arrives and what expires

    Outcome acknowledge(const Context& context, const Ack& ack);
    /// The retransmission time-out (RFC 6298 5.4, 5681 3.1): the first segment is lost, and with it what
    /// isn't reported and was not sent lately (RFC 8985 6.3).
    void timed_out(const Context& context, std::uint32_t timeouts_before);
    /// RFC 8985 6.3: the reordering window is over for something.
    void reordering_expired(const Context& context);
    /// RFC 8985 7.3: the segment to be sent as a probe when there is no new text; nothing when nothing is
    /// outstanding.
    [[nodiscard]] std::optional<Range> tail_probe(const Context& context) const;
    /// A probe was sent: `was_sent_before`, or new text.
    void tail_probe_sent(const Context& context, bool was_sent_before);
    /// The probe's time has come: the time-out follows a whole RTO later.
    void probe_due(const Context& context);
    /// What is outstanding goes again though nothing was lost to congestion: the path carries less than was
    /// thought (RFC 1191 6.4), or the window had closed over it and opens again.
    void resend_blamelessly(const Context& context, stats::RetransmitCause cause);
    void clear(const Environment& env) { records_.clear(env.sent); }

    // ---- the one segment on the way that may be too large for the path (RFC 4821; mtu_probe.cpp)

    struct MtuProbeFate {
        std::uint16_t length;  ///< of its text
        bool arrived;          ///< else lost, and nothing beside it
    };
    /// [begin, end), sent() just now, is larger than what is known to get through.
    void mtu_probe_sent(wire::SeqNum begin, wire::SeqNum end);
    /// Its length, while its fate is open; else 0.
    [[nodiscard]] std::uint16_t mtu_probe_length() const;
    /// A router says that it was too large: it goes again as text of any other size.
    void mtu_probe_refused(const Context& context);
    /// What became of it, told once; nothing as long as it is open, and when it can't be told (RFC
    /// 4821 7.6.4).
    [[nodiscard]] std::optional<MtuProbeFate> take_mtu_probe_fate();

    // ---- timers

    /// The RTO runs from now (RFC 6298 5.1, 5.3), or ends with nothing outstanding; the probe's time too.
    void restart_timeout(const Context& context);
    /// Nothing of ours expires: the connection probes a closed window instead.
    void stop_timers() { timeout_at_ = probe_at_ = reordering_at_ = base::kNever; }
    /// What expires next, and what it stands for; kNever: nothing is outstanding.
    [[nodiscard]] Instant deadline() const;
    [[nodiscard]] RetransmitTimer timer() const;

    // ---- for listings

    [[nodiscard]] RecoveryState state() const { return state_; }
    [[nodiscard]] const Congestion& congestion() const { return congestion_; }
    [[nodiscard]] const SentRecords& records() const { return records_; }
    [[nodiscard]] std::uint32_t sacked_bytes() const {
        return records_.sacked_bytes() + unsacked_duplicates_;
    }
    [[nodiscard]] Duration min_rtt() const { return min_rtt_; }
    [[nodiscard]] const Rack& rack() const { return rack_; }
    [[nodiscard]] std::uint64_t delivered_bytes() const { return rate_.delivered_bytes(); }
    [[nodiscard]] stats::RetransmitCause cause() const { return cause_; }

 private:
    /// What one ACK does, gathered while it is worked through.
    struct Work;

    static constexpr wire::TcpOptions kNoOptions{};

    struct MtuProbe {
        enum class Fate : std::uint8_t { None, Open, Arrived, Lost };
        wire::SeqNum begin;
        wire::SeqNum end;
        Fate fate = Fate::None;
    };

    [[nodiscard]] bool is_in_slow_start() const {
        return congestion_.window() < congestion_.slow_start_threshold();
    }
    // loss_recovery.cpp
    [[nodiscard]] bool is_window_limited() const;
    void deliver(const Context&, const SentRecord&, std::uint32_t bytes, bool cumulatively, Work&);
    [[nodiscard]] static bool echoes_earlier(const Context&, const Work&, Duration rtt);
    void take_cumulative(const Context&, Work&);
    void count_duplicate(const Context&, Work&);
    void uncount_unseen(const SendSpace&, std::uint32_t answered);
    [[nodiscard]] std::uint32_t most_duplicates(const SendSpace&) const;
    void note_rtt(Duration rtt, Instant now);
    void steer_window(const Context&, Work&);
    void pace(const Context&, std::uint32_t length);
    void reset_duplicates() {
        unsacked_duplicates_ = 0;
        duplicates_ = 0;
    }
    // sack.cpp
    void take_sack(const Context&, Work&);
    [[nodiscard]] static bool is_dsack(const Ack&, const wire::TcpOptions&);
    void take_dsack(const Context&, Work&, const wire::SackBlock& block);
    void mark_block(const Context&, Work&, const wire::SackBlock& block, std::uint32_t& at);
    // loss_detection.cpp
    void find_losses(const Context&, Work&);
    Duration find_by_time(const Context&);
    void lose(const Context&, std::uint32_t index);
    void lose_first(const Context&);
    /// What is lost at once.
    enum class Reach : std::uint8_t {
        Overdue,     ///< the first segment, and what was sent long enough ago
        Unreported,  ///< all that no SACK reports
        Everything,  ///< that too: the peer has gone back on it
    };
    void lose_all(const Context&, Reach);
    [[nodiscard]] Duration reordering_window(const Context&) const;
    [[nodiscard]] Duration time_left(const Context&, const SentRecord&, Duration window) const;
    // recovery_state.cpp
    void follow_state(const Context&, Work&);
    bool in_loss(const Context&, Work&);
    bool end_episode(const Context&, Work&);
    bool undo_in_recovery(const Context&, Work&);
    bool undo_by_dsack(const Context&);
    void enter_recovery(const Context&, bool ece, std::uint32_t newly_delivered);
    void enter_cwr(const Context&);
    void leave(const Context&, RecoveryState next);
    void begin_undo(const SendSpace&);
    [[nodiscard]] bool is_proven_spurious(const Work&) const;
    [[nodiscard]] bool is_delayed(const Work&) const;
    void undo(const Context&, bool with_losses);
    [[nodiscard]] LossEvent event(const Context&) const;
    // tail_loss_probe.cpp
    [[nodiscard]] Duration probe_timeout(const Context&) const;
    void schedule_probe(const Context&);
    void probe_answered(const Context&, Work&);
    // mtu_probe.cpp
    [[nodiscard]] bool has_lost_mtu_probe_alone(const SendSpace&) const;
    void resend_mtu_probe(const Context&);
    void close_mtu_probe(MtuProbe::Fate fate) {
        if (mtu_probe_.fate == MtuProbe::Fate::Open) mtu_probe_.fate = fate;
    }

    // What every segment and its acknowledgement touch.
    SentRecords records_;
    std::uint32_t unsacked_duplicates_ = 0;  // bytes that duplicate ACKs stand for, without SACK
    RecoveryState state_ = RecoveryState::Open;
    stats::RetransmitCause cause_ = stats::RetransmitCause::FastRetransmit;
    std::uint8_t duplicates_ = 0;  // without SACK
    bool may_undo_ = false;
    bool has_resent_ = false;
    bool frto_ = false;
    bool new_text_first_ = false;
    bool cwr_pending_ = false;
    bool probe_outstanding_ = false;
    bool probe_was_resent_ = false;
    bool window_limited_ = false;
    bool reducing_ = false;  // PRR steers the window
    bool reneged_ = false;
    wire::SeqNum recover_;  // RFC 6582; Linux's high_seq
    wire::SeqNum limited_round_end_;
    std::uint32_t flight_max_ = 0;  // right after something was sent, this round trip
    Instant pace_at_{};
    Instant timeout_at_ = base::kNever;
    Instant probe_at_ = base::kNever;
    Instant reordering_at_ = base::kNever;
    DeliveryRate rate_;
    Rack rack_;
    Duration min_rtt_{-1};
    Instant min_rtt_at_{};
    MtuProbe mtu_probe_;
    Prr prr_;
    Congestion congestion_;

    // What losses need.
    std::uint32_t delivered_unseen_ = 0;  // of unsacked_duplicates_, counted and not acknowledged since
    wire::SeqNum undo_from_;
    std::int32_t undo_bytes_ = -1;  // sent again since, and not yet reported as duplicate
    std::uint32_t first_resent_stamp_ = 0;
    wire::SeqNum probe_end_;
    std::uint32_t probe_flight_ = 0;  // what was outstanding with the probe
};

}  // namespace terminus::tcp
