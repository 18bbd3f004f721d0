#pragma once

// How connections, half-opens and TIME_WAITs come and go. Part of stack/stack.hpp.

#include "stack/stack.hpp"

namespace terminus::stack {

template <typename App>
Stack<App>::Stack(const Settings& settings, Network& network, App& app, stats::CoreStats& stats,
                  base::Instant now)
    : settings_(settings),
      network_(network),
      app_(app),
      stats_(stats),
      profiles_(settings.tunables, settings.profiles_max),
      tunables_(profiles_.tunables(kProcessProfile)),
      sent_(settings.connections_max, settings.sent_records_spare),
      env_{now, tunables_, stats_, sent_, true},
      rng_(settings.seed),
      fast_open_peers_(settings.fast_open_peers_max, settings.table_key),
      connections_(settings.connections_max, settings.resting),
      half_opens_(settings.half_open_max),
      time_waits_(settings.time_wait_max),
      table_(settings.connections_max + settings.half_open_max + settings.time_wait_max, settings.table_key),
      wheel_(settings.connections_max + settings.half_open_max + settings.application_timers_max, now),
      dirty_(settings.connections_max) {}

template <typename App>
flow::Handle Stack<App>::find_handle(const flow::Key& key, std::uint64_t hash) const {
    return table_.find(
        key, hash, [this](flow::Handle handle, const flow::Key& wanted) { return has_key(handle, wanted); });
}

template <typename App>
bool Stack<App>::has_key(flow::Handle handle, const flow::Key& key) const {
    switch (handle.kind()) {
        case flow::HandleKind::Connection:
            return connections_[handle.index()].key == key;
        case flow::HandleKind::HalfOpen:
            return key_of(half_opens_[handle.index()].tcp) == key;
        case flow::HandleKind::TimeWait:
            return key_of(time_waits_[handle.index()].tcp) == key;
        case flow::HandleKind::Application:
            break;
    }
    TERMINUS_ASSERT(false, "application timers are not in the table");
    return false;
}

// RFC 6528 3, RFC 9293 3.7.1, MUST-67: what a connection begins with.
template <typename App>
tcp::Connection::OpenParameters Stack<App>::open_parameters(const wire::FourTuple& tuple, stats::Leg leg,
                                                            ProfileId profile, wire::SeqNum iss) const {
    // RFC 9293 3.7.3, SHLD-6: of the interface's size and the service's the smaller; what routers say is
    // about what we send, not about what we can take.
    const std::uint16_t mss = profiles_.mss_within(network_.mss_towards(tuple.remote.address), profile);
    return {
        .leg = leg,
        .iss = iss,
        .timestamp_offset = tcp::timestamp_offset(settings_.secrets, tuple),
        .advertised_mss = mss,
        .path_mss = mss,
        .ipv6 = !tuple.remote.address.is_v4(),
    };
}

template <typename App>
base::Result<ConnectionId, ConnectError> Stack<App>::connect(const ConnectRequest& request) {
    if (!network_.port_to(request.tuple.remote.address)) return base::Failure{ConnectError::NoRoute};
    const flow::Key key = key_of(request.tuple, request.local_id);
    const std::uint64_t hash = table_.hash(key);
    const flow::Handle existing = find_handle(key, hash);
    if (!existing.is_none() && existing.kind() != flow::HandleKind::TimeWait)
        return base::Failure{ConnectError::TupleInUse};
    const wire::SeqNum iss = tcp::initial_sequence(settings_.secrets, request.tuple, env_.now);
    if (!existing.is_none()) {
        if (!time_waits_[existing.index()].tcp.may_be_reused(iss, env_)) {
            return base::Failure{ConnectError::InTimeWait};
        }
    }
    if (connections_.size() == connections_.capacity()) return base::Failure{ConnectError::NoSlot};
    if (!existing.is_none()) {
        stats_.leg(stats::Leg::Backend).closes[stats::CloseReason::TimeWaitReused].add();
        release_time_wait(existing.index(), hash);
    }
    const tcp::Connection::OpenParameters parameters =
        open_parameters(request.tuple, stats::Leg::Backend, request.profile, iss);
    const std::uint32_t index = connections_.allocate(ConnectionSlot(key, request), env_.now, parameters,
                                                      env_.with(profiles_.tunables(request.profile)));
    if (!table_.insert(hash, flow::Handle(flow::HandleKind::Connection, index))) {
        connections_[index].tcp->released(env_);
        connections_.release(index);
        return base::Failure{ConnectError::NoSlot};
    }
    connections_[index].flow_label = flow_label_of(request.tuple);
    connections_[index].is_offered = true;
    connections_[index].wants_fast_open =
        request.fast_open && (profiles_.tunables(request.profile).fastopen & tcp::kFastOpenClient) != 0;
    mark_dirty(index);
    return ConnectionId{index, connections_.generation(index)};
}

template <typename App>
tcp::Connection* Stack<App>::find(ConnectionId id) {
    return connections_.is_current(id.index, id.generation) ? connections_.awake(id.index).tcp : nullptr;
}

template <typename App>
void Stack<App>::touch(ConnectionId id) {
    if (connections_.is_current(id.index, id.generation)) mark_dirty(id.index);
}

template <typename App>
tcp::Environment Stack<App>::environment(ConnectionId id) const {
    if (!connections_.is_current(id.index, id.generation)) return env_;
    return environment_for(connections_[id.index]);
}

template <typename App>
void Stack<App>::use_profile(ConnectionId id, ProfileId profile) {
    if (connections_.is_current(id.index, id.generation)) connections_[id.index].profile = profile;
}

template <typename App>
void Stack<App>::set_cookie(ConnectionId id, Cookie cookie) {
    TERMINUS_ASSERT(connections_.is_current(id.index, id.generation),
                    "a cookie is set from within accepted()");
    connections_[id.index].cookie = cookie;
}

template <typename App>
wire::FourTuple Stack<App>::tuple(ConnectionId id) const {
    TERMINUS_ASSERT(connections_.is_current(id.index, id.generation),
                    "the application asks while the id is live");
    return network_.tuple_of(connections_[id.index].key);
}

template <typename App>
Cookie Stack<App>::cookie_of(const wire::FourTuple& tuple, std::uint16_t local_id) const {
    const flow::Key key = key_of(tuple, local_id);
    const flow::Handle handle = find_handle(key, table_.hash(key));
    if (handle.is_none() || handle.kind() != flow::HandleKind::Connection) return kNoCookie;
    const ConnectionSlot& slot = connections_[handle.index()];
    return slot.is_closed ? kNoCookie : slot.cookie;
}

// The application's phase of the turn. What it touches meanwhile joins the list and has its turn too; a
// connection is in the list once, so the walk ends.
template <typename App>
void Stack<App>::run_application() {
    for (std::uint32_t position = 0; position < dirty_.size(); ++position) {
        const std::uint32_t index = dirty_.at(position);
        tell_application(index);
    }
}

template <typename App>
void Stack<App>::tell_application(std::uint32_t index) {
    const ConnectionId id{index, connections_.generation(index)};
    const tcp::Events events = connections_[index].tcp->take_events();
    if (!connections_[index].is_offered && events.established()) {
        connections_[index].is_offered = true;
        app_.accepted(*this, id, connections_[index].service, tuple(id));
        // Data and FIN that came with the handshake's last segment are news of the same call.
    }
    ConnectionSlot& slot = connections_[index];
    if (slot.is_offered && !slot.is_closed && events.any()) app_.happened(*this, id, slot.cookie, events);
    if (is_over(slot) && !slot.is_closed) {
        slot.is_closed = true;
        if (slot.is_offered) app_.closed(*this, id, slot.cookie, *slot.tcp->close_reason());
    }
}

// CLOSED or TIME_WAIT, and no in-order byte left for the application: after an orderly close it may take its
// time.
template <typename App>
bool Stack<App>::is_over(const ConnectionSlot& slot) {
    const std::optional<stats::CloseReason> reason = slot.tcp->close_reason();
    if (!reason) return false;
    return *reason != stats::CloseReason::Normal || slot.tcp->readable_bytes() == 0;
}

// After a connection's egress: what is over leaves its slot, everything else gets its wheel entry right.
template <typename App>
void Stack<App>::settle(std::uint32_t index) {
    ConnectionSlot& slot = connections_[index];
    slot.is_drained = received_buffers(slot) == 0;
    count_orphan(index);
    count_fast_open(slot);
    if (slot.is_dirty) return;  // more to send: its turn comes again
    if (is_over(slot) && !slot.is_closed) {
        mark_dirty(index);  // became over in this very egress: the application has its last call next turn
        return;
    }
    if (slot.is_closed && slot.tcp->state() == tcp::State::TimeWait) {
        become_time_wait(index);
    } else if (slot.is_closed && slot.tcp->is_finished()) {
        release_connection(index);
    } else {
        sync_timer(index);
    }
}

// HARDENING 23: connections that only wait for their peer are bounded; beyond max_orphans they end at once,
// as in Linux.
template <typename App>
void Stack<App>::count_orphan(std::uint32_t index) {
    ConnectionSlot& slot = connections_[index];
    if (slot.is_orphan || !slot.tcp->is_orphan()) return;
    slot.is_orphan = true;
    if (++orphans_ <= tunables_.max_orphans) return;
    slot.tcp->abort(stats::CloseReason::OrphanLimit, env_);
    mark_dirty(index);
}

template <typename App>
void Stack<App>::release_connection(std::uint32_t index) {
    ConnectionSlot& slot = connections_[index];
    if (slot.timer != timer::kNoTimer) wheel_.cancel(slot.timer);
    if (slot.is_orphan) --orphans_;
    slot.tcp->released(env_);
    table_.erase(table_.hash(slot.key), flow::Handle(flow::HandleKind::Connection, index));
    connections_.release(index);
}

template <typename App>
void Stack<App>::become_time_wait(std::uint32_t index) {
    ConnectionSlot& slot = connections_[index];
    const std::uint64_t hash = table_.hash(slot.key);
    if (time_waits_.size() >= tunables_.max_tw_buckets || time_waits_.size() == time_waits_.capacity()) {
        // As Linux does at max_tw_buckets: the connection ends at once, counted.
        stats_.leg(slot.tcp->leg()).closes[stats::CloseReason::TimeWaitLimit].add();
        release_connection(index);
        return;
    }
    const std::uint32_t time_wait = time_waits_.allocate(
        TimeWaitSlot{.tcp = tcp::TimeWait(*slot.tcp, slot.key.remote, slot.key.remote_port,
                                          slot.key.local_port, slot.key.local_id, env_),
                     .profile = slot.profile});
    if (slot.timer != timer::kNoTimer) wheel_.cancel(slot.timer);
    if (slot.is_orphan) --orphans_;
    slot.tcp->released(env_);
    const bool replaced = table_.replace(hash, flow::Handle(flow::HandleKind::Connection, index),
                                         flow::Handle(flow::HandleKind::TimeWait, time_wait));
    TERMINUS_ASSERT(replaced, "a connection is in the table for as long as its slot lives");
    connections_.release(index);
    stats_.time_wait.set(time_waits_.size());
}

template <typename App>
void Stack<App>::release_half_open(std::uint32_t index, std::uint64_t hash) {
    HalfOpenSlot& slot = half_opens_[index];
    if (slot.timer != timer::kNoTimer) wheel_.cancel(slot.timer);
    slot.tcp.released(env_);
    table_.erase(hash, flow::Handle(flow::HandleKind::HalfOpen, index));
    half_opens_.release(index);
    stats_.half_open.set(half_opens_.size());
}

template <typename App>
void Stack<App>::release_time_wait(std::uint32_t index, std::uint64_t hash) {
    table_.erase(hash, flow::Handle(flow::HandleKind::TimeWait, index));
    free_time_wait(index);
}

template <typename App>
void Stack<App>::free_time_wait(std::uint32_t index) {
    time_waits_[index].tcp.released(env_);
    time_waits_.release(index);
    stats_.time_wait.set(time_waits_.size());
}

// RFC 9293 3.9.1.1, MUST-41: of what exists only half-opens that have lost their listener are touched.
template <typename App>
void Stack<App>::services_changed() {
    half_opens_unchecked_ = half_opens_.touched();
}

// DESIGN 3.4: a bounded number a turn, however many a flood has left.
template <typename App>
void Stack<App>::check_half_opens() {
    for (std::uint32_t budget = kTimerBudget; budget > 0 && half_opens_unchecked_ > 0; --budget)
        (void)reset_unserved(--half_opens_unchecked_);
}

/// Whether the half-open, if there is one in this slot, had lost its listener and is gone.
template <typename App>
bool Stack<App>::reset_unserved(std::uint32_t index) {
    if (!half_opens_.is_live(index)) return false;
    const wire::FourTuple named = network_.tuple_of(key_of(half_opens_[index].tcp));
    if (app_.find_listener(named.local)) return false;
    reset_half_open(index, named, stats::CloseReason::ServiceRemoved);
    return true;
}

template <typename App>
void Stack<App>::abort_all(stats::CloseReason reason) {
    for (std::uint32_t index = 0; index < connections_.touched(); ++index) {
        if (!connections_.is_live(index) || connections_[index].is_closed) continue;
        connections_.awake(index).tcp->abort(reason, env_);
        mark_dirty(index);
    }
    for (std::uint32_t index = 0; index < half_opens_.touched(); ++index) {
        if (half_opens_.is_live(index))
            reset_half_open(index, network_.tuple_of(key_of(half_opens_[index].tcp)), reason);
    }
}

template <typename App>
void Stack<App>::reset_half_open(std::uint32_t index, const wire::FourTuple& named,
                                 stats::CloseReason reason) {
    const tcp::HalfOpen& half = half_opens_[index].tcp;
    tcp::OutSegment reset;
    reset.seq = half.iss() + 1;
    reset.ack = half.irs() + 1;
    reset.flags.bits = wire::TcpFlags::kRst | wire::TcpFlags::kAck;
    answer(named, reset, profiles_.tunables(app_.profile_of(half.service())));
    stats_.leg(stats::Leg::Client).segments_sent.add();
    stats_.leg(stats::Leg::Client).closes[reason].add();
    stats_.leg(stats::Leg::Client).resets_sent[stats::ResetReason::Aborted].add();
    release_half_open(index, table_.hash(key_of(half)));
}

}  // namespace terminus::stack
