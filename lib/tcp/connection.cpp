#include "tcp/connection.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace terminus::tcp {

using stats::Timer;

Connection::Connection(const OpenParameters& parameters, const Environment& env, State born, bool ipv6)
    : state_(born),
      leg_(parameters.leg),
      quick_acks_(quick_acks_of(env)),
      ipv6_(ipv6),
      timestamp_offset_(parameters.timestamp_offset),
      text_sent_at_(env.now),
      progress_at_(env.now),
      text_received_at_(env.now),
      rtt_(env.tunables),
      receive_tuning_(parameters.advertised_mss, env.now),
      path_(parameters.path_mss),
      recovery_(env.tunables.congestion_control) {
    snd_.iss = snd_.una = parameters.iss;
    marks_.begin(snd_.iss + 1);
    rcv_.advertised_mss = parameters.advertised_mss;
    leg_stats(env).connections[static_cast<std::size_t>(state_)].add();
}

Connection::Connection(const OpenParameters& parameters, const Environment& env)
    : Connection(parameters, env, State::Closed, parameters.ipv6) {
    active_ = true;
    snd_.nxt = snd_.iss + 1;
    timestamps_ = env.tunables.timestamps;
    window_scaling_ = env.tunables.window_scaling;
    sack_ = env.tunables.sack;
    ecn_ = env.tunables.ecn == 1;
    if (window_scaling_) rcv_.scale = scale_for(env.tunables.rmem.max);
    rcv_.adv = rcv_.nxt + unscaled_window(env.tunables.rmem.initial);  // moves along when irs is known
    syn_pending_ = true;
    leg_stats(env).opens_active.add();
    enter(State::SynSent, env);
    deadlines_.arm(Timer::Establishment, within_user_timeout(env.now + rtt_.rto(), env));
}

Connection::Connection(const OpenParameters& parameters, const HalfOpen& half_open, const Environment& env)
    : Connection(parameters, env, State::SynReceived, !half_open.remote_address().is_v4()) {
    snd_.iss = snd_.una = half_open.iss();
    snd_.nxt = snd_.iss + 1;
    marks_.begin(snd_.nxt);
    snd_.wnd = snd_.max_wnd = half_open.peer_window();
    snd_.wl1 = half_open.irs();
    snd_.wl2 = snd_.iss;
    snd_.scale = half_open.peer_scale();
    rcv_.irs = half_open.irs();
    rcv_.nxt = rcv_.acked = rcv_.pushed = half_open.irs() + 1;
    rcv_.adv = rcv_.nxt + half_open.advertised_window();
    rcv_.scale = half_open.own_scale();
    rcv_.advertised_mss = half_open.advertised_mss();
    window_scaling_ = half_open.window_scaling();
    sack_ = half_open.sack();
    ecn_ = half_open.ecn();
    retransmits_ = half_open.retransmits();
    const auto recent = half_open.recent_timestamp();
    agree_on(half_open.peer_mss(), recent.has_value(), recent.value_or(0), env);
    const auto since = half_open.timed_since(env);
    text_sent_at_ = since.value_or(env.now);
    handshake_repeated_ = !since;
    deadlines_.arm(Timer::Establishment, half_open.next_deadline());
}

Connection::Connection(base::ToBeRead)
    : state_(State::Closed),
      leg_(stats::Leg::Client),
      timestamp_offset_(0),
      rtt_(Tunables{}),
      receive_tuning_(0, {}),
      path_(0),
      recovery_(CongestionAlgorithm::Cubic) {}

void Connection::released(const Environment& env) {
    leg_stats(env).connections[static_cast<std::size_t>(state_)].subtract();
    clear_reassembly(env);
}

bool Connection::restored(const Environment& env) {
    if (static_cast<std::size_t>(state_) >= stats::kTcpStates) return false;
    if (static_cast<std::size_t>(leg_) >= stats::kLegs) return false;
    if (static_cast<std::size_t>(recovery_.congestion().algorithm()) >= std::size(kCongestionAlgorithms))
        return false;
    leg_stats(env).connections[static_cast<std::size_t>(state_)].add();
    env.stats.out_of_order_buffers.add(reassembly_.count());
    return true;
}

/// The only place where state_ changes, and with it the gauges.
void Connection::enter(State next, const Environment& env) {
    TERMINUS_ASSERT(is_legal(state_, next), "callers follow the arrows of RFC 9293 figure 5");
    leg_stats(env).connections[static_cast<std::size_t>(state_)].subtract();
    leg_stats(env).connections[static_cast<std::size_t>(next)].add();
    state_ = next;
}

/// The end of the connection, counted once. What was received in order stays readable after a normal end;
/// after any other every queue is flushed (RFC 9293 3.10.7.4).
/// RFC 9293 3.6, MUST-12: the reason says whether it was an orderly one.
void Connection::close(stats::CloseReason reason, const Environment& env) {
    const bool was_opening = state_ == State::SynSent;
    enter(State::Closed, env);
    if (!close_reason_) {
        close_reason_ = reason;
        leg_stats(env).closes[reason].add();
        events_ |= Events::kClosed;
    }
    deadlines_.cancel_all();
    if (!was_opening) send_queue_.clear();  // else take_unanswered()
    recovery_.clear(env);
    clear_reassembly(env);
    if (*close_reason_ != stats::CloseReason::Normal) lose_unread();
    syn_pending_ = false;
    ack_pending_ = false;
    probe_pending_ = false;
    tail_probe_pending_ = false;
    keepalive_pending_ = false;
}

void Connection::agree_on(std::uint16_t peer_mss, bool timestamps, std::uint32_t recent,
                          const Environment& env) {
    timestamps_ = timestamps;
    recent_timestamp_ = recent;
    recent_timestamp_s_ = static_cast<std::uint32_t>(env.now.time_since_epoch() / std::chrono::seconds(1));
    path_.agree_on(std::max(peer_mss, env.tunables.min_snd_mss), timestamps, env.tunables, env.now);
    snd_.mss = path_.text_max();
}

/// The handshake is complete: our SYN is acknowledged.
void Connection::establish(Duration rtt, const Environment& env) {
    enter(State::Established, env);
    leg_stats(env).established.add();
    if (!fast_open_) events_ |= Events::kEstablished;
    events_ |= Events::kSendRoom;
    syn_pending_ = false;
    deadlines_.cancel(Timer::Establishment);
    if (rtt > Duration::zero()) rtt_.sample(rtt, snd_.una, snd_.nxt, env.tunables);
    // RFC 6928 2: a handshake that lost its SYN or SYN-ACK begins with one segment.
    const std::uint32_t window = retransmits_ > 0 ? snd_.mss : initial_window(snd_.mss);
    if (!fast_open_) {
        recovery_.begin(sending(env), window, rtt, snd_.iss.value());
    } else if (retransmits_ > 0) {
        recovery_.reduce_initial_window(window);
    }
    if (retransmits_ > 0) rtt_.restart_after_lossy_handshake(env.tunables);
    retransmits_ = 0;
    text_sent_at_ = env.now;
    if (rcv_.nxt == rcv_.irs + 1) text_received_at_ = env.now;
    progress_at_ = env.now;
    arm_keepalive(env);
    if (snd_.flight() > 0) {
        // RFC 7413 4.2.2: until now there was the SYN-ACK's timer alone.
        recovery_.restart_timeout(sending(env));
        sync_retransmission(env);
    }
    if (fin_queued_) enter(State::FinWait1, env);
}

/// Both FINs are exchanged and ours is acknowledged (RFC 9293 3.6): only old segments can come.
void Connection::enter_time_wait(const Environment& env) {
    enter(State::TimeWait, env);
    TERMINUS_ASSERT(send_queue_.empty(), "our FIN is acknowledged, so everything before it is");
    close_reason_ = stats::CloseReason::Normal;
    leg_stats(env).closes[stats::CloseReason::Normal].add();
    events_ |= Events::kClosed;
    clear_reassembly(env);
    probe_pending_ = false;
    tail_probe_pending_ = false;
    keepalive_pending_ = false;
    deadlines_.cancel_all();
    // RFC 9293 3.6.1, MUST-13.
    deadlines_.arm(Timer::TimeWait, env.now + env.tunables.time_wait);
}

const packet::ByteQueue& Connection::send_queue() const {
    return send_queue_;
}
State Connection::state() const {
    return state_;
}
stats::Leg Connection::leg() const {
    return leg_;
}
std::optional<stats::CloseReason> Connection::close_reason() const {
    return close_reason_;
}
bool Connection::is_finished() const {
    return state_ == State::Closed && !reset_pending_;
}
bool Connection::is_orphan() const {
    return orphan_ || (is_in(state_, mask(State::Closing) | mask(State::LastAck)) && receive_queue_.empty());
}
Instant Connection::next_deadline() const {
    const Instant earliest = deadlines_.earliest();
    return is_paced_ ? std::min(earliest, recovery_.paced_until()) : earliest;
}

bool Connection::is_quiet() const {
    return send_queue_.empty() && receive_queue_.empty() && reassembly_.empty() &&
           recovery_.records().empty() && events_ == 0 && !reset_pending_;
}

std::uint32_t Connection::buffer_count() const {
    return send_queue_.buffer_count() + receive_queue_.buffer_count() + reassembly_.count();
}

std::optional<std::uint32_t> Connection::recent_timestamp() const {
    if (!timestamps_) return std::nullopt;
    return recent_timestamp_;
}

std::uint32_t Connection::own_timestamp(const Environment& env) const {
    return timestamp_value(env.now, timestamp_offset_);
}

Connection::Snapshot Connection::snapshot() const {
    Snapshot result{};
    result.state = state_;
    result.receive_queue_bytes = receive_queue_.size_bytes();
    result.send_queue_bytes = send_queue_.size_bytes();
    result.deadline = deadlines_.earliest();
    if (result.deadline != base::kNever) result.timer = deadlines_.next();
    result.retransmits = std::max(retransmits_, probes_unanswered_);
    result.probes = probes_unanswered_;
    result.backoff = std::max(retransmits_, persist_backoff_);
    result.smoothed_rtt = rtt_.smoothed();
    result.rtt_variation = rtt_.variation();
    result.rto = rtt_.rto();
    result.receive_rtt = receive_tuning_.round_trip();
    result.receive_space_bytes = receive_tuning_.carried();
    result.congestion_window_bytes = recovery_.window();
    result.slow_start_threshold_bytes = recovery_.congestion().slow_start_threshold();
    result.delivered_bytes = recovery_.delivered_bytes();
    result.send_times = send_times_;
    result.text_sent_at = text_sent_at_;
    result.text_received_at = text_received_at_;
    result.send_mss = snd_.mss;
    result.congestion_control = recovery_.congestion().algorithm();
    return result;
}

}  // namespace terminus::tcp
