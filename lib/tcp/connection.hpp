#pragma once

#include <cstdint>
#include <optional>

#include "base/archive.hpp"
#include "packet/byte_queue.hpp"
#include "packet/out_of_order.hpp"
#include "tcp/challenge.hpp"
#include "tcp/environment.hpp"
#include "tcp/events.hpp"
#include "tcp/half_open.hpp"
#include "tcp/loss_recovery.hpp"
#include "tcp/out_segment.hpp"
#include "tcp/path_mtu.hpp"
#include "tcp/push_marks.hpp"
#include "tcp/receive_tuning.hpp"
#include "tcp/rtt.hpp"
#include "tcp/sack_report.hpp"
#include "tcp/send_times.hpp"
#include "tcp/sequence_space.hpp"
#include "tcp/snapshot.hpp"
#include "tcp/state.hpp"
#include "tcp/timers.hpp"
#include "wire/tcp.hpp"

namespace terminus::tcp {

/// A TCP connection from SYN_SENT or SYN_RECEIVED to CLOSED or TIME_WAIT (RFC 9293), sans-IO: segments, time
/// and the application's wishes come in by call, what it wants sent is polled. It knows no addresses.
///
/// Its gauge (LegStats::connections of its state, CLOSED included) goes up at construction, follows every
/// change of state, and goes down in released(), which the owner calls once, right before the object is
/// destroyed.
class Connection {
 public:
    struct OpenParameters {
        stats::Leg leg = stats::Leg::Client;
        wire::SeqNum iss;
        std::uint32_t timestamp_offset = 0;
        std::uint16_t advertised_mss = 536;  ///< what we can receive: MTU less headers (RFC 9293 MUST-67)
        std::uint16_t path_mss = 536;        ///< what the path carries, options not subtracted
        bool ipv6 = false;  ///< default MSS and header size; a promotion takes it from the half-open
    };

    /// Active open: SYN_SENT, the SYN is polled.
    Connection(const OpenParameters& parameters, const Environment& env);
    /// Promotion of a half-open: SYN_RECEIVED; the segment that completes it comes by segment_arrives().
    Connection(const OpenParameters& parameters, const HalfOpen& half_open, const Environment& env);
    /// Of an archive: in no gauge before restored().
    explicit Connection(base::ToBeRead);
    /// RFC 7413 4.2.2, right after a promotion: the SYN came with a cookie and `text`. What was received is
    /// the application's and what it sends goes out before the handshake is complete.
    void open_fast(packet::Slice text, const Environment& env);
    /// RFC 7413 4.2.1: the SYN that is polled next may have up to `bytes_max` of what is queued.
    void allow_syn_text(std::uint16_t bytes_max) { syn_text_max_ = bytes_max; }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Counts this connection out of the gauges.
    void released(const Environment& env);

    template <typename Archive>
    void archive(Archive& a) {
        archive_but_queues(a);
        send_queue_.archive(a);
        receive_queue_.archive(a);
        reassembly_.archive(a);
    }
    /// Everything when is_quiet(): kBytesBesideQueues bytes.
    template <typename Archive>
    void archive_but_queues(Archive& a) {
        base::archive_but(a, *this, send_queue_, reassembly_, receive_queue_);
    }
    /// Whether it holds no buffer, has nothing on the way and nothing to tell: what there is then are plain
    /// bytes of its own.
    [[nodiscard]] bool is_quiet() const;
    /// Counts a connection that was read into the gauges; false when its bytes are those of no connection.
    [[nodiscard]] bool restored(const Environment& env);

    // ---- the network's side

    /// RFC 9293 3.10.7.3 and .4. `payload` is the segment's text (empty when there is none).
    Disposition segment_arrives(const wire::TcpSegment& segment, packet::Slice payload,
                                const Environment& env);
    /// An ICMP error that quotes sequence number `quoted`; `next_hop_mtu` for TooBig. False: not in flight,
    /// ignored.
    bool icmp_error_arrives(IcmpError error, wire::SeqNum quoted, std::uint16_t next_hop_mtu,
                            const Environment& env);
    /// Runs every deadline that is due.
    void timers_expired(const Environment& env);
    /// The earliest of the seven deadlines, or when pacing lets the next segment out; base::kNever when there
    /// is none.
    [[nodiscard]] Instant next_deadline() const;
    /// Asks the memory for what a segment touches, in either direction: all but what is rare.
    void prefetch() const {
        const auto* const begin = reinterpret_cast<const char*>(this);
        for (std::size_t at = 0; at < kOftenBytes; at += 64)
            __builtin_prefetch(begin + at);
    }
    /// Asks the memory for what next_deadline() reads.
    void prefetch_deadlines() const {
        __builtin_prefetch(&deadlines_);
        __builtin_prefetch(reinterpret_cast<const char*>(&deadlines_ + 1) - 1);
        __builtin_prefetch(&leg_);  // its neighbours say whether it is paced
    }
    /// The next segment to be sent, or nothing; a run of up to `segments_max` of them where nothing has to be
    /// asked between one and the next (OutSegment::segment_length). What a call yields goes out: it moves
    /// snd.nxt and arms timers. Called until empty, or until the caller's quota is used.
    [[nodiscard]] std::optional<OutSegment> poll_transmit(const Environment& env,
                                                          std::uint32_t segments_max = 1);
    /// Whether poll_transmit() would yield a segment now; changes nothing, cheap.
    [[nodiscard]] bool wants_transmit(const Environment& env) const;
    [[nodiscard]] const packet::ByteQueue& send_queue() const;
    /// In-order bytes not yet taken, for those who look without taking.
    [[nodiscard]] const packet::ByteQueue& receive_queue() const { return receive_queue_; }

    /// Text of a segment right behind the one that segment_arrives() has just accepted, in the same turn,
    /// with the same ACK, window and timestamps, no flag but ACK and perhaps PSH, and no mark of congestion:
    /// the checks of RFC 9293 3.10.7.4 have all been made, and what is left is the text. False: it is not so
    /// simple, nothing was done, and it is for segment_arrives().
    [[nodiscard]] bool text_continues(const wire::TcpSegment& segment, packet::Slice& payload,
                                      const Environment& env);

    /// Whether `ack`, without text and behind what segment_arrives() has just accepted, may be left out since
    /// `next` follows in the same turn and acknowledges more: both move snd.una, no loss is being looked
    /// into, and neither says anything else (no SACK, no ECE). Then it is counted as received. Its bytes are
    /// acknowledged by `next`, at the same time, so that windows grow by as much (RFC 3465 counts bytes).
    [[nodiscard]] bool is_overtaken(const wire::TcpSegment& ack, const wire::TcpSegment& next,
                                    const Environment& env);

    // ---- the application's side

    [[nodiscard]] Events take_events();
    [[nodiscard]] bool has_events() const { return events_ != 0; }
    /// In-order bytes not yet taken.
    [[nodiscard]] std::uint32_t readable_bytes() const;
    /// Takes up to `max_bytes` of them (whole slices unless max_bytes cuts one; `pool` for that cut); the
    /// receive window opens, and a window update is sent when silly-window avoidance lets it (RFC
    /// 9293 3.8.6.2.2).
    [[nodiscard]] packet::ByteQueue take_received(std::uint32_t max_bytes, rte_mempool* pool,
                                                  const Environment& env);
    /// The peer's FIN has arrived and every byte before it has been taken; never after some were lost with an
    /// abort.
    [[nodiscard]] bool peer_finished() const;
    /// Bytes that send() will take now: what send_buffer() leaves, and no more than notsent_lowat lets wait;
    /// 0 after finish().
    [[nodiscard]] std::uint32_t send_room(const Environment& env) const;
    /// Bytes that the send queue may hold: twice what the path carries, within wmem, so that a window's worth
    /// is at hand while another is on the way.
    [[nodiscard]] std::uint32_t send_buffer(const Environment& env) const;
    /// Bytes queued and never sent.
    [[nodiscard]] std::uint32_t unsent_bytes() const;
    /// `more`: the writer knows that the rest follows at once, so what doesn't fill a segment waits for it,
    /// whatever `nodelay` says: until the next send() or finish(), until the peer sends anything, and for
    /// about 200 ms when nothing is on the way (Linux's MSG_MORE). Otherwise the last byte goes out with PSH.
    /// `ends_record`: no segment has bytes of this write and of one that follows (Linux's MSG_EOR).
    void send(packet::ByteQueue&& bytes, const Environment& env, bool more = false, bool ends_record = false);
    /// TCP_CORK: from now on full segments only, or not any more; what nothing is on the way for waits no
    /// longer than about 200 ms.
    void set_corked(bool corked, const Environment& env);
    /// What is queued now is held back neither for a cork nor by Nagle's algorithm.
    void push_queued(const Environment& env);
    /// The peer's last byte came without PSH, so more follows it at once (RFC 9293 3.9.1.2).
    [[nodiscard]] bool expects_more() const;
    /// FIN after everything queued: shutdown(SHUT_WR). Idempotent.
    void finish(const Environment& env);
    /// Nobody is left to take data: finish(), and an orphan from now on (fin_timeout, data is answered by
    /// RST). Unread data makes it a RST at once (RFC 9293 SHLD-3).
    void abandon(const Environment& env);
    /// RST to the peer where the state calls for one, then CLOSED for `reason`.
    void abort(stats::CloseReason reason, const Environment& env);
    /// The tunables are others than in the last call (an option was set): the keepalive timer starts anew by
    /// them. Everything else follows them by itself.
    void tunables_changed(const Environment& env);

    /// What was queued when an active open failed: no peer has acknowledged it, another may have it.
    [[nodiscard]] packet::ByteQueue take_unanswered();

    // ---- what the stack, `ss` and tests look at

    [[nodiscard]] State state() const;
    [[nodiscard]] stats::Leg leg() const;
    /// Set once the state is CLOSED or TIME_WAIT.
    [[nodiscard]] std::optional<stats::CloseReason> close_reason() const;
    /// CLOSED, and nothing left to be sent (a RST may be).
    [[nodiscard]] bool is_finished() const;
    /// Whether it only waits for its peer: abandoned, or in CLOSING or LAST_ACK with nothing left to be read.
    [[nodiscard]] bool is_orphan() const;
    /// Whether what is queued to be sent has waited for an acknowledgement for so long: a reader who doesn't
    /// read.
    [[nodiscard]] bool is_stalled_for(Duration span, const Environment& env) const {
        return !send_queue_.empty() && env.now - progress_at_ >= span;
    }
    /// Buffers held: receive, out-of-order and send queues.
    [[nodiscard]] std::uint32_t buffer_count() const;
    /// Opened by open_fast() and not yet complete: text flows, and the peer has not proven its address.
    [[nodiscard]] bool is_fast_opened() const { return fast_open_ && state_ == State::SynReceived; }
    /// Text of a SYN was acknowledged, ours or the peer's.
    [[nodiscard]] bool is_syn_text_taken() const { return syn_text_taken_; }
    [[nodiscard]] bool has_sack() const { return sack_; }
    [[nodiscard]] bool has_window_scaling() const { return window_scaling_; }
    [[nodiscard]] bool has_ecn() const { return ecn_; }
    using Snapshot = ConnectionSnapshot;
    [[nodiscard]] Snapshot snapshot() const;
    [[nodiscard]] const SendSpace& send_space() const { return snd_; }
    [[nodiscard]] const LossRecovery& recovery() const { return recovery_; }
    [[nodiscard]] const ReceiveSpace& receive_space() const { return rcv_; }
    /// RFC 7323's TS.Recent, when timestamps were agreed on.
    [[nodiscard]] std::optional<std::uint32_t> recent_timestamp() const;
    /// Our TSval of now.
    [[nodiscard]] std::uint32_t own_timestamp(const Environment& env) const;

 private:
    /// A check's verdict: empty means "go on".
    using Stop = std::optional<Disposition>;

    /// The one thing to be sent next.
    struct Plan {
        enum class Kind : std::uint8_t {
            Nothing,
            Reset,
            Syn,
            Retransmit,
            Data,
            MtuProbe,
            TailProbe,
            WindowProbe,
            KeepaliveProbe,
            Ack,
        };
        Kind kind = Kind::Nothing;
        bool fin = false;
        wire::SeqNum seq{};
        std::uint32_t length = 0;
        bool push = false;
        bool ends_record = false;  // cut off there
        std::uint32_t segments = 1;

        [[nodiscard]] wire::SeqNum text_end() const { return seq + length; }
    };

    // connection.cpp
    Connection(const OpenParameters& parameters, const Environment& env, State born, bool ipv6);
    void enter(State next, const Environment& env);
    void close(stats::CloseReason reason, const Environment& env);
    void agree_on(std::uint16_t peer_mss, bool timestamps, std::uint32_t recent, const Environment& env);
    void establish(Duration handshake_rtt, const Environment& env);
    void enter_time_wait(const Environment& env);
    stats::LegStats& leg_stats(const Environment& env) const { return env.stats.leg(leg_); }

    // segment_arrives.cpp
    Disposition syn_sent_segment_arrives(const wire::TcpSegment&, packet::Slice, const Environment&);
    Disposition finish_active_open(const wire::TcpSegment&, packet::Slice, const Environment&);
    Stop check_paws(const wire::TcpSegment&, const Environment&);
    Stop check_sequence(const wire::TcpSegment&, const Environment&);
    Stop check_reset(const wire::TcpSegment&, const Environment&);
    Stop check_syn(const wire::TcpSegment&, const Environment&);
    void update_recent_timestamp(const wire::TcpSegment&, const Environment&);
    Disposition drop(stats::DropReason reason, const Environment& env);
    void challenge(const Environment& env);
    void answer_unacceptable(const wire::TcpSegment&, const Environment&);

    // icmp.cpp
    void path_shrinks(std::uint16_t next_hop_mtu, const Environment&);

    // fast_open.cpp
    bool is_fast_open_syn_again(const wire::TcpSegment&, const Environment&);
    void syn_acknowledged(wire::SeqNum ack, const Environment&);

    // acknowledge.cpp
    Stop check_ack(const wire::TcpSegment&, const Environment&);
    void take_ack(const wire::TcpSegment&, bool window_changed, const Environment&);
    void take_old_report(const wire::TcpSegment&, const Environment&);
    void drop_acknowledged(std::uint32_t acked, const Environment&);
    void answered(const Environment&);
    [[nodiscard]] Duration handshake_rtt(const wire::TcpSegment&, const Environment&) const;
    [[nodiscard]] Duration echoed_age(const wire::TcpSegment&, const Environment&) const;
    Stop act_on_acknowledged_fin(const Environment&);

    // receive.cpp
    Disposition process_text(const wire::TcpSegment&, packet::Slice, const Environment&);
    std::optional<stats::DropReason> hold_text(wire::SeqNum seq, packet::Slice, const Environment&);
    void accept_text(packet::Slice, const Environment&);
    void fill_gap(packet::Slice, const Environment&);
    void clear_reassembly(const Environment&);
    void lose_unread();
    bool gives_way_to(wire::SeqNum seq, wire::SeqNum end, const Environment&);
    void note_congestion(const wire::TcpSegment&, const Environment&);
    void note_duplicate(wire::SeqNum seq, wire::SeqNum end, const Environment&);
    void measure_arrival(const wire::TcpSegment&, const Environment&);
    void deliver(packet::Slice, const Environment&);
    void process_fin(const Environment&);
    void acknowledge_later(const Environment&);
    void acknowledge_quickly(const Environment&);
    [[nodiscard]] static std::uint8_t quick_acks_of(const Environment&);
    [[nodiscard]] std::uint32_t receive_buffer(const Environment&) const;
    [[nodiscard]] std::uint32_t free_window(const Environment&) const;
    std::uint16_t advertise_window(const Environment&);

    // mtu_probe.cpp
    [[nodiscard]] std::optional<Plan> plan_mtu_probe(const Environment&) const;
    void follow_mtu_probe(const Environment&);

    // transmit.cpp, segments.cpp
    [[nodiscard]] Plan plan(const Environment&) const;
    [[nodiscard]] Plan plan_text(const Environment&) const;
    void extend(Plan&, std::uint32_t segments_max, const Environment&) const;
    [[nodiscard]] bool is_restarting(const Environment&) const;
    [[nodiscard]] Plan plan_retransmission(const Environment&) const;
    [[nodiscard]] Plan plan_tail_probe(const Environment&) const;
    [[nodiscard]] Plan plan_window_probe() const;
    [[nodiscard]] LossRecovery::Context sending(const Environment& env) const {
        return {env, snd_, rtt_, leg_stats(env), sack_, own_timestamp(env)};
    }
    [[nodiscard]] Plan again(LossRecovery::Range range) const;
    [[nodiscard]] Plan segment_at(wire::SeqNum seq, std::uint32_t room, std::uint32_t window_room) const;
    [[nodiscard]] std::uint32_t window_room_at(wire::SeqNum seq) const;
    void note_limits(const Environment&);
    void note_times(bool has_text, bool has_window, const Environment&);
    [[nodiscard]] wire::SeqNum transmit_end() const;
    [[nodiscard]] wire::SeqNum queue_end() const;
    [[nodiscard]] wire::SeqNum acceptable_seq() const;
    [[nodiscard]] bool is_fin_acknowledged() const { return fin_sent_ && snd_.una == snd_.nxt; }
    [[nodiscard]] std::uint8_t sack_blocks(bool with_text) const;
    [[nodiscard]] std::uint16_t text_max() const;
    OutSegment make_segment(wire::SeqNum seq, std::uint8_t flags, bool with_text, const Environment&);
    OutSegment make_syn(const Environment&);
    OutSegment make_reset(const Environment&);
    [[nodiscard]] bool is_answering(const Environment&) const;
    OutSegment make_text(const Plan&, const Environment&);
    OutSegment make_probe(const Plan&, const Environment&);
    void note_sent(const Plan&, const Environment&);

    // pushing.cpp
    [[nodiscard]] bool waits_for_more(wire::SeqNum end, const Environment&) const;

    // open_close.cpp
    [[nodiscard]] std::uint32_t retries_max(Duration timeout, const Environment&) const;

    // timers.cpp
    void establishment_expired(const Environment&);
    void retransmission_expired(const Environment&);
    void timed_out(const Environment&);
    void persist_expired(const Environment&);
    void keepalive_expired(const Environment&);
    void sync_retransmission(const Environment&);
    void arm_keepalive(const Environment&);
    void update_persist(const Environment&);
    [[nodiscard]] Duration persist_timeout(const Environment&) const;
    [[nodiscard]] bool is_past_user_timeout(const Environment&) const;
    [[nodiscard]] Instant within_user_timeout(Instant deadline, const Environment&) const;

    // From what every segment touches to what none does that is in order.
    static constexpr std::size_t kOftenBytes = 13 * 64;
    SendSpace snd_;
    ReceiveSpace rcv_;
    State state_;
    stats::Leg leg_;
    std::uint8_t events_ = 0;
    std::uint8_t retransmits_ = 0;          // consecutive expiries without progress
    std::uint8_t duplicate_acks_owed_ = 0;  // to a peer that counts them, having no SACK
    std::uint8_t quick_acks_ = 0;           // acknowledgements still to be sent at once
    bool ack_pending_ : 1 = false;
    bool syn_pending_ : 1 = false;
    bool reset_pending_ : 1 = false;
    bool probe_pending_ : 1 = false;
    bool tail_probe_pending_ : 1 = false;
    bool keepalive_pending_ : 1 = false;
    bool is_parked_ : 1 = false;  // the window has closed over what is outstanding: probed, not timed out
    bool handshake_repeated_ : 1 = false;
    bool is_paced_ : 1 = false;         // what is to be sent waits for paced_until()
    bool ecn_ : 1 = false;              // agreed on; in SYN_SENT: asked for
    bool echo_congestion_ : 1 = false;  // a mark arrived, and no CWR since
    bool fin_queued_ : 1 = false;
    bool fin_sent_ : 1 = false;
    bool fin_received_ : 1 = false;
    bool fin_ahead_ : 1 = false;  // a FIN arrived beyond a gap, at fin_seq_
    bool orphan_ : 1 = false;
    bool timestamps_ : 1 = false;
    bool window_scaling_ : 1 = false;
    bool sack_ : 1 = false;
    bool active_ : 1 = false;
    bool ipv6_ : 1 = false;
    bool syn_text_taken_ : 1 = false;
    bool fast_open_ : 1 = false;    // the handshake is not waited for: open_fast()
    bool unread_lost_ : 1 = false;  // in-order text was thrown away before it was taken
    bool interactive_ : 1 = false;  // what comes is answered with text that takes its ACK along
    std::uint8_t probes_unanswered_ = 0;
    std::uint8_t persist_backoff_ = 0;
    PushMarks marks_;
    std::uint32_t recent_timestamp_ = 0;
    std::uint32_t recent_timestamp_s_ = 0;  // when it was stored
    std::uint32_t timestamp_offset_;
    std::optional<stats::CloseReason> close_reason_;
    stats::ResetReason reset_reason_ = stats::ResetReason::Aborted;
    Instant text_sent_at_;
    Instant progress_at_;  // since when what is queued has waited for an acknowledgement
    Deadlines deadlines_;
    packet::ByteQueue send_queue_;
    packet::OutOfOrder reassembly_;
    packet::ByteQueue receive_queue_;
    SendTimes send_times_;

    // What text and its acknowledgement touch beside that.
    Instant text_received_at_;  // in-order text; at first, when the handshake was complete
    RttEstimator rtt_;
    ReceiveTuning receive_tuning_;
    PathMtu path_;
    SackReport sack_report_;
    LossRecovery recovery_;  // what is rare is at its end

    // The rare part.
    ChallengeLimiter challenges_;
    wire::SeqNum fin_seq_;
    std::uint16_t syn_text_max_ = 0;
};
// DESIGN 6 gives an idle proxied connection, both legs, 640 bytes: those that are quiet are packed
// (stack/connections.hpp).
static_assert(sizeof(Connection) <= 1000);

inline constexpr std::size_t kBytesBesideQueues =
    sizeof(Connection) - 2 * sizeof(packet::ByteQueue) - sizeof(packet::OutOfOrder);

}  // namespace terminus::tcp
