#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/archive.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "base/slab.hpp"
#include "flow/handle.hpp"
#include "flow/table.hpp"
#include "packet/batch.hpp"
#include "packet/frame_access.hpp"
#include "stack/application.hpp"
#include "stack/connection_id.hpp"
#include "stack/connections.hpp"
#include "stack/look_ahead.hpp"
#include "stack/network.hpp"
#include "stack/profiles.hpp"
#include "stack/settings.hpp"
#include "stack/slots.hpp"
#include "stack/time_waits.hpp"
#include "stats/core_stats.hpp"
#include "tcp/connection.hpp"
#include "tcp/fast_open.hpp"
#include "tcp/fast_open_cache.hpp"
#include "tcp/half_open.hpp"
#include "tcp/syn_cookie.hpp"
#include "timer/wheel.hpp"

namespace terminus::stack {

/// What a SYN's Fast Open option comes to, and the cookie that the SYN-ACK brings.
struct FastOpenJudgement {
    tcp::FastOpenVerdict verdict = tcp::FastOpenVerdict::None;
    std::optional<wire::FastOpenCookie> cookie;
};

/// One core's TCP: the table, the slots, the wheel and the pipeline between them (DESIGN 3.7), and nothing
/// that knows a clock or a device. The worker calls the first group in the order of a turn; the application
/// calls the second from within its own calls.
template <typename App>
class Stack {
 public:
    /// `settings` outlives the stack.
    Stack(const Settings& settings, Network& network, App& app, stats::CoreStats& stats, base::Instant now);
    Stack(const Stack&) = delete;
    Stack& operator=(const Stack&) = delete;

    // ---- the worker's side: a turn

    /// The turn's time, once; measures the free buffers too.
    void begin_turn(base::Instant now) {
        begin_turn(now, packet::buffers_within_reach(settings_.buffers.payload));
    }
    /// The same with free buffers as somebody measured them: in a replay that was another pool.
    void begin_turn(base::Instant now, std::uint32_t free_buffers);
    /// Whether so few are free that a turn may have to end a connection.
    [[nodiscard]] bool is_low_on_buffers(std::uint32_t free_buffers) const;
    /// Every frame of a burst from `port`: parsed, found, given to its connection or answered.
    void ingress(packet::Batch& frames, std::uint16_t port);
    /// A frame that another worker received for this one.
    void handed_over(packet::Buffer frame, std::uint16_t port);
    /// At most kTimerBudget expirations.
    void run_timers();
    /// The application, for each connection with events.
    void run_application();
    /// At most kSegmentsPerTurn segments a dirty connection, round robin, while the ports have room.
    void egress();
    /// Whether another turn would find something without a new frame, message or deadline.
    [[nodiscard]] bool has_work() const;
    /// Whether another turn would give memory back of connections that have become quiet: a worker that has
    /// nothing to do goes on with that.
    [[nodiscard]] bool is_tidying() const { return connections_.has_somebody_to_rest(env_.now); }
    /// When run_timers() has something to do at the earliest.
    [[nodiscard]] base::Instant next_deadline() const;
    /// Armed entries of the wheel: at most one for each connection, half-open, TIME_WAIT and arm_timer().
    [[nodiscard]] std::uint32_t armed_timers() const { return wheel_.size(); }

    // ---- the worker's side: what the control thread asks

    void set_tunables(const tcp::Tunables& tunables) {
        profiles_.set_process(tunables);
        network_.set_hop_limit(tunables.hop_limit);
    }
    /// What Fast Open knows of backends (cookies, losses) is forgotten.
    void forget_fast_open_peers() { fast_open_peers_.clear(); }
    /// New SYNs are answered with RST.
    void set_draining(bool draining) { draining_ = draining; }
    /// Half-opens whose listener is gone are reset in the next turns (DESIGN 3.4): after the application has
    /// a new table.
    void services_changed();
    /// Resets every connection and half-open; TIME_WAITs stay.
    void abort_all(stats::CloseReason reason);
    /// Calls `use(tuple, service, leg, snapshot)` for at most `rows_max` connections, half-opens and
    /// TIME_WAITs from `cursor` on (0 to begin); returns the next cursor, or nothing at the end.
    template <typename Use>
    [[nodiscard]] std::optional<std::uint64_t> list(std::uint64_t cursor, std::uint32_t rows_max,
                                                    Use&& use) const;

    /// Calls `use(id, connection)` for each connection: for who watches, a walk over all slots.
    template <typename Use>
    void for_each_connection(Use&& use) const;

    /// Between two turns; the network has an archive of its own. What is read goes into a stack of the same
    /// settings before its first turn.
    template <typename Archive>
    void archive(Archive& a);
    /// How many bytes that will be, or more.
    [[nodiscard]] std::size_t archive_bytes_expected() const;

    // ---- the application's side

    [[nodiscard]] const tcp::Environment& environment() const { return env_; }
    /// environment() with the tunables of the connection's profile; environment() when the id is stale.
    [[nodiscard]] tcp::Environment environment(ConnectionId id) const;
    [[nodiscard]] const tcp::Tunables& tunables() const { return tunables_; }
    /// A profile's tunables, from now on; `id` is 1 … Settings::profiles_max. What connections and half-opens
    /// of it have agreed on with their peers stays.
    void set_profile(ProfileId id, const tcp::TunableOverrides& overrides) { profiles_.set(id, overrides); }
    /// The connection follows `profile` from its next event on; the application touches it when that is to be
    /// now.
    void use_profile(ConnectionId id, ProfileId profile);
    /// nullptr when the id is stale. Whoever then changes the connection calls touch().
    [[nodiscard]] tcp::Connection* find(ConnectionId id);
    /// Has the connection looked at again this turn: for segments to send, timers to arm, or its end.
    void touch(ConnectionId id);
    [[nodiscard]] base::Result<ConnectionId, ConnectError> connect(const ConnectRequest& request);
    /// How much of what is queued a SYN to `remote` would have, were one opened now
    /// (ConnectRequest::fast_open); 0 as long as no cookie of it is known.
    [[nodiscard]] std::uint16_t fast_open_text_max(const wire::IpAddress& remote, ProfileId profile) const;
    void set_cookie(ConnectionId id, Cookie cookie);
    [[nodiscard]] wire::FourTuple tuple(ConnectionId id) const;
    /// The cookie of the connection with this name, kNoCookie when there is none or the application has had
    /// its last call. `local_id` is that of tuple.local.address.
    [[nodiscard]] Cookie cookie_of(const wire::FourTuple& tuple, std::uint16_t local_id) const;
    /// The buffers one connection may hold now (kBufferShareDivisor); 0 under the reserve.
    [[nodiscard]] std::uint32_t buffer_share() const { return buffer_share_; }
    [[nodiscard]] rte_mempool* payload_pool() const { return settings_.buffers.payload; }
    [[nodiscard]] base::Rng& rng() { return rng_; }
    /// The worker this is, and how replies find it (for source ports).
    [[nodiscard]] const Settings& settings() const { return settings_; }
    [[nodiscard]] stats::CoreStats& stats() { return stats_; }
    /// The interface that leads to `remote`; nothing without a route.
    [[nodiscard]] std::optional<std::uint16_t> port_to(const wire::IpAddress& remote) const {
        return network_.port_to(remote);
    }

    /// A timer of the application's: timer_expired(cookie) comes once, in the first turn after `deadline`.
    /// The id is then gone; until then it is rearmed or cancelled by it. timer::kNoTimer when none is free.
    [[nodiscard]] timer::TimerId arm_timer(Cookie cookie, base::Instant deadline);
    void rearm_timer(timer::TimerId id, base::Instant deadline) { wheel_.rearm(id, deadline); }
    void cancel_timer(timer::TimerId id) { wheel_.cancel(id); }

 private:
    /// Who has had no turn for so long (50 ms) is rarely heard of: its timer would fire for every fourth
    /// request or more.
    static constexpr std::uint16_t kRareTicks = 12;
    /// A deadline so far away is none of what is being waited for.
    static constexpr base::Duration kTimerFar = std::chrono::seconds(1);

    /// A frame between being read and having its turn.
    struct Looked {
        Arrival arrival;
        Received received = Received::Nothing;
        flow::Key key;
        std::uint64_t hash = 0;
        std::uint32_t candidate = Connections::kNone;  ///< a connection that it may be for
        bool is_same_flow = false;                     ///< as of the frame before it
        bool continues = false;                        ///< that one's text, and says nothing else that is new
        bool overtakes = false;                        ///< that one, an ACK like this
    };
    using Ahead = LookAhead<Looked>;

    static constexpr bool kIsPrefetching = requires(const App& app, ConnectionId id, Cookie cookie) {
        app.prefetch(cookie);
        app.beside(id, cookie);
    };

    // archive.ipp
    [[nodiscard]] bool restored();

    // ingress.ipp
    void step();
    void finish_steps();
    void has_its_turn(Looked& looked, const Looked* next);
    [[nodiscard]] static bool is_continued(const wire::TcpSegment& before, const wire::TcpSegment& next);
    [[nodiscard]] static bool is_overtaken(const wire::TcpSegment& before, const wire::TcpSegment& next);
    void look_up(Looked& looked, const Looked* before = nullptr);
    void prefetch_slot(Looked& looked) const;
    void prefetch_connection(std::uint32_t candidate) const;
    void prefetch_beside(Looked& looked) const;
    void arrives(Looked& looked);
    void segment_arrives(Arrival& arrival, const flow::Key& key, std::uint64_t hash);
    [[nodiscard]] bool text_continues(Arrival& arrival);
    [[nodiscard]] bool needs_only_the_next(const Looked& ack, const Looked& next);
    void to_half_open(std::uint32_t index, Arrival& arrival, std::uint64_t hash);
    void promote(std::uint32_t half_open_index, Arrival& arrival, std::uint64_t hash);
    void to_time_wait(std::uint32_t index, Arrival& arrival, std::uint64_t hash);
    void give_segment(std::uint32_t index, Arrival& arrival);
    void to_connection(std::uint32_t index, const Arrival& arrival, const wire::TcpSegment& segment,
                       packet::Slice payload);
    void icmp_error_arrives(Arrival& arrival, const flow::Key& key, std::uint64_t hash);
    void reset_peer(const Arrival& arrival, stats::Leg leg, stats::ResetReason reason,
                    const tcp::Tunables& tunables);
    void refuse(const Arrival& arrival, stats::DropReason dropped, stats::ResetReason reason);
    void drop(stats::DropReason reason) { stats_.drops[reason].add(); }

    // listen.ipp
    void to_listener(Arrival& arrival, std::uint64_t hash);
    [[nodiscard]] bool has_half_open_room() const;
    [[nodiscard]] tcp::HalfOpen::Parameters half_open_parameters(const Arrival& arrival,
                                                                 std::uint16_t service,
                                                                 wire::SeqNum iss) const;
    void open_half(const Arrival& arrival, std::uint16_t service, wire::SeqNum iss, std::uint64_t hash,
                   flow::Handle successor_of = flow::Handle::none(),
                   const std::optional<wire::FastOpenCookie>& cookie = std::nullopt);
    void reopen(std::uint32_t time_wait, const Arrival& arrival, std::uint64_t hash);
    void answer_with_cookie(const Arrival& arrival, std::uint16_t service);
    [[nodiscard]] bool completes_cookie(Arrival& arrival, std::uint16_t service, std::uint64_t hash);
    [[nodiscard]] std::uint32_t allocate_passive(const tcp::HalfOpen& half, const Arrival& arrival);

    // fast_open.ipp
    [[nodiscard]] FastOpenJudgement judge_fast_open(const Arrival& arrival, std::uint16_t service);
    [[nodiscard]] wire::FastOpenCookie cookie_towards(const wire::FourTuple& tuple,
                                                      const tcp::Tunables& tunables);
    [[nodiscard]] bool opens_fast(Arrival& arrival, std::uint16_t service, std::uint64_t hash,
                                  tcp::FastOpenVerdict verdict);
    void count_fast_open(ConnectionSlot& slot);
    [[nodiscard]] std::optional<tcp::OutSegment> poll_opening(ConnectionSlot& slot,
                                                              const wire::FourTuple& named,
                                                              const tcp::Environment& env);
    [[nodiscard]] std::optional<wire::FastOpenCookie> offer_fast_open(ConnectionSlot& slot,
                                                                      const wire::FourTuple& named,
                                                                      const tcp::Environment& env);
    void learn_fast_open(ConnectionSlot& slot, const Arrival& arrival, bool had_text, bool is_repeated);

    // lifecycle.ipp
    [[nodiscard]] flow::Handle find_handle(const flow::Key& key, std::uint64_t hash) const;
    [[nodiscard]] bool has_key(flow::Handle handle, const flow::Key& key) const;
    [[nodiscard]] tcp::Connection::OpenParameters open_parameters(const wire::FourTuple& tuple,
                                                                  stats::Leg leg, ProfileId profile,
                                                                  wire::SeqNum iss) const;
    void tell_application(std::uint32_t index);
    [[nodiscard]] static bool is_over(const ConnectionSlot& slot);
    void settle(std::uint32_t index);
    void count_orphan(std::uint32_t index);
    void release_connection(std::uint32_t index);
    void become_time_wait(std::uint32_t index);
    void release_half_open(std::uint32_t index, std::uint64_t hash);
    void release_time_wait(std::uint32_t index, std::uint64_t hash);
    void free_time_wait(std::uint32_t index);
    void check_half_opens();
    bool reset_unserved(std::uint32_t index);
    void reset_half_open(std::uint32_t index, const wire::FourTuple& named, stats::CloseReason reason);

    // memory.ipp
    void divide_buffers(std::uint32_t available);
    [[nodiscard]] static std::uint32_t received_buffers(const ConnectionSlot& slot);
    [[nodiscard]] tcp::Environment environment_for(const ConnectionSlot& slot) const;
    [[nodiscard]] tcp::Environment environment_for(const HalfOpenSlot& slot) const;
    [[nodiscard]] tcp::Environment environment_of(std::uint16_t service) const;
    void relieve_pressure();

    // timers.ipp
    void fire(timer::Target target);
    [[nodiscard]] static std::uint32_t connection_of(std::optional<timer::Target> target);
    void half_open_expired(std::uint32_t index);
    [[nodiscard]] base::Instant next_time_wait_deadline() const;
    void end_time_waits(std::uint32_t budget);
    void sync_timer(std::uint32_t index);
    void set_timer(std::uint32_t index);

    // egress.ipp
    void mark_dirty(std::uint32_t index);
    void transmit(std::uint32_t index);
    [[nodiscard]] std::uint32_t flow_label_of(const wire::FourTuple& tuple) const;
    void answer(const wire::FourTuple& tuple, const tcp::OutSegment& segment, const tcp::Tunables& tunables);
    void send(const wire::FourTuple& tuple, const std::optional<neigh::NextHop>& next_hop,
              const tcp::OutSegment& segment, const packet::ByteQueue* queue, const tcp::Tunables& tunables,
              std::uint32_t flow_label);

    const Settings& settings_;
    Network& network_;
    App& app_;
    stats::CoreStats& stats_;
    Profiles profiles_;
    const tcp::Tunables& tunables_;  // the process's own
    tcp::SentPool sent_;
    tcp::Environment env_;
    base::Rng rng_;
    bool draining_ = false;
    /// Of the half-opens in the slots below it the listener may be gone since services_changed().
    std::uint32_t half_opens_unchecked_ = 0;
    std::optional<base::Instant> last_cookie_at_;
    tcp::FastOpenQueue fast_opens_;
    tcp::FastOpenCache fast_open_peers_;
    std::uint32_t buffer_share_ = 0;
    std::uint32_t drained_share_ = 0;  ///< of a connection that was drained in its last turn
    std::uint32_t orphans_ = 0;
    bool has_buffers_ = true;
    std::uint32_t pressure_cursor_ = 0;

    Connections connections_;
    base::Slab<HalfOpenSlot> half_opens_;
    TimeWaits time_waits_;
    flow::Table table_;
    timer::Wheel wheel_;
    DirtyList dirty_;
    Ahead ahead_;
    /// Whose segment was accepted by the last arrives(), within the burst.
    std::uint32_t accepted_by_ = Connections::kNone;
};

}  // namespace terminus::stack

#include "stack/archive.ipp"
#include "stack/egress.ipp"
#include "stack/fast_open.ipp"
#include "stack/ingress.ipp"
#include "stack/lifecycle.ipp"
#include "stack/listen.ipp"
#include "stack/listing.ipp"
#include "stack/memory.ipp"
#include "stack/timers.ipp"
