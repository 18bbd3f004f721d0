#pragma once

// What LISTEN makes of segments: half-opens, SYN cookies, the successors of TIME_WAITs. Part of
// stack/stack.hpp.

#include "stack/stack.hpp"

namespace terminus::stack {

// RFC 9293 3.10.7.1 (no such connection) and 3.10.7.2 (LISTEN).
template <typename App>
void Stack<App>::to_listener(Arrival& arrival, std::uint64_t hash) {
    const std::optional<std::uint16_t> service = app_.find_listener(arrival.tuple.local);
    if (!service) {
        refuse(arrival, stats::DropReason::TcpNoListener, stats::ResetReason::NoConnection);
        return;
    }
    switch (tcp::listen_segment_arrives(arrival.segment)) {
        case tcp::ListenVerdict::Ignore:
            drop(stats::DropReason::TcpBadFlags);
            return;
        case tcp::ListenVerdict::Reset:
            if (completes_cookie(arrival, *service, hash)) return;
            refuse(arrival, stats::DropReason::TcpNoListener, stats::ResetReason::NoConnection);
            return;
        case tcp::ListenVerdict::Open:
            break;
    }
    if (draining_) {
        refuse(arrival, stats::DropReason::TcpDraining, stats::ResetReason::Draining);
        return;
    }
    // As in Linux: a handshake that could not be completed now is not begun, nor a cookie sent for one.
    if (!app_.may_accept(*service)) {
        drop(stats::DropReason::TcpHalfOpenLimit);
        return;
    }
    const auto cookies = static_cast<tcp::SynCookies>(tunables_.syncookies);
    const bool has_room = has_half_open_room();
    if (cookies == tcp::SynCookies::Always || (cookies == tcp::SynCookies::WhenFull && !has_room)) {
        answer_with_cookie(arrival, *service);
        return;
    }
    const FastOpenJudgement fast = judge_fast_open(arrival, *service);
    if (opens_fast(arrival, *service, hash, fast.verdict)) return;
    if (!has_room) {
        drop(stats::DropReason::TcpHalfOpenLimit);
        return;
    }
    open_half(arrival, *service, tcp::initial_sequence(settings_.secrets, arrival.tuple, env_.now), hash,
              flow::Handle::none(), fast.cookie);
}

template <typename App>
bool Stack<App>::has_half_open_room() const {
    return half_opens_.size() < tunables_.max_syn_backlog && half_opens_.size() < half_opens_.capacity();
}

template <typename App>
tcp::HalfOpen::Parameters Stack<App>::half_open_parameters(const Arrival& arrival, std::uint16_t service,
                                                           wire::SeqNum iss) const {
    const std::uint16_t mss = network_.mss_towards(arrival.tuple.remote.address);
    return {
        .tuple = arrival.tuple,
        .local_id = arrival.local_id,
        .service = service,
        .iss = iss,
        .advertised_mss = profiles_.mss_within(mss, app_.profile_of(service)),
    };
}

// The caller has asked has_half_open_room(). `successor_of` is the TIME_WAIT whose entry of the table it
// takes, so that this can't fail for want of another.
// RFC 9293 3.9.1.1, MUST-42: the listener stays, however many half-opens it has.
template <typename App>
void Stack<App>::open_half(const Arrival& arrival, std::uint16_t service, wire::SeqNum iss,
                           std::uint64_t hash, flow::Handle successor_of,
                           const std::optional<wire::FastOpenCookie>& cookie) {
    const tcp::Environment env = environment_of(service);
    const tcp::HalfOpen::Parameters parameters = half_open_parameters(arrival, service, iss);
    const std::uint32_t index =
        half_opens_.allocate(HalfOpenSlot{.tcp = tcp::HalfOpen(parameters, arrival.segment, env)});
    HalfOpenSlot& slot = half_opens_[index];
    const flow::Handle handle(flow::HandleKind::HalfOpen, index);
    const bool is_placed =
        successor_of.is_none() ? table_.insert(hash, handle) : table_.replace(hash, successor_of, handle);
    if (!is_placed) {
        slot.tcp.released(env_);
        half_opens_.release(index);
        drop(stats::DropReason::TcpHalfOpenLimit);
        return;
    }
    slot.timer = wheel_.arm(slot.tcp.next_deadline(), {handle.raw(), half_opens_.generation(index)});
    TERMINUS_ASSERT(slot.timer != timer::kNoTimer, "the wheel has an entry for every slot of every slab");
    stats_.half_open.set(half_opens_.size());
    const std::uint32_t offset = tcp::timestamp_offset(settings_.secrets, arrival.tuple);
    tcp::OutSegment syn_ack = slot.tcp.poll_reply(offset, env);
    if (cookie) stats_.fast_open_cookies_sent.add();
    syn_ack.options.fast_open = cookie;
    answer(arrival.tuple, syn_ack, env.tunables);
}

// RFC 9293 3.10.7.4 (MAY-2): a SYN that is newer than a TIME_WAIT takes its place. Whenever LISTEN would not
// have it, the TIME_WAIT goes on keeping old segments from a successor.
template <typename App>
void Stack<App>::reopen(std::uint32_t time_wait, const Arrival& arrival, std::uint64_t hash) {
    const std::optional<std::uint16_t> service = app_.find_listener(arrival.tuple.local);
    if (!service) {
        drop(stats::DropReason::TcpNoListener);
        return;
    }
    if (draining_) {
        refuse(arrival, stats::DropReason::TcpDraining, stats::ResetReason::Draining);
        return;
    }
    if (!has_half_open_room() || !app_.may_accept(*service)) {
        drop(stats::DropReason::TcpHalfOpenLimit);  // a cookie can't move beyond the old numbers
        return;
    }
    const TimeWaitSlot& slot = time_waits_[time_wait];
    const wire::SeqNum iss =
        slot.tcp.iss_of_successor(tcp::initial_sequence(settings_.secrets, arrival.tuple, env_.now));
    stats_.leg(slot.tcp.leg()).closes[stats::CloseReason::TimeWaitReused].add();
    open_half(arrival, *service, iss, hash, flow::Handle(flow::HandleKind::TimeWait, time_wait));
    free_time_wait(time_wait);
}

// RFC 4987 3.6: the SYN-ACK of a half-open that nobody keeps.
template <typename App>
void Stack<App>::answer_with_cookie(const Arrival& arrival, std::uint16_t service) {
    const tcp::Environment env = environment_of(service);
    const wire::TcpSegment syn = tcp::within_cookie(arrival.segment, env);
    const wire::SeqNum iss = tcp::cookie_sequence(settings_.secrets, arrival.tuple, syn, env_.now);
    tcp::HalfOpen half(half_open_parameters(arrival, service, iss), syn, env);
    const std::uint32_t offset = tcp::timestamp_offset(settings_.secrets, arrival.tuple);
    tcp::OutSegment syn_ack = half.poll_reply(offset, env);
    half.released(env);
    tcp::put_into_timestamp(syn_ack.options, syn.options, offset);
    stats_.syn_cookies_sent.add();
    last_cookie_at_ = env_.now;
    answer(arrival.tuple, syn_ack, env.tunables);
}

// Whether the segment is a matter of cookies: then it is dealt with. HARDENING 19: a flood of ACKs costs one
// MAC each, and nothing at all while no cookie of ours can be on the way.
template <typename App>
bool Stack<App>::completes_cookie(Arrival& arrival, std::uint16_t service, std::uint64_t hash) {
    if (!last_cookie_at_ || env_.now - *last_cookie_at_ >= tcp::kCookieLifetime) return false;
    const tcp::Environment env = environment_of(service);
    const std::optional<wire::TcpSegment> syn =
        tcp::syn_from_cookie(settings_.secrets, arrival.tuple, arrival.segment, env);
    if (!syn) {
        stats_.syn_cookies_refused.add();
        return false;
    }
    if (connections_.size() == connections_.capacity() || !app_.may_accept(service)) {
        drop(stats::DropReason::TcpSlotLimit);  // the peer's next segment tries again
        return true;
    }
    tcp::HalfOpen half(half_open_parameters(arrival, service, arrival.segment.ack - 1), *syn, env,
                       tcp::HalfOpen::Origin::Cookie);
    const std::uint32_t index = allocate_passive(half, arrival);
    half.released(env);
    if (!table_.insert(hash, flow::Handle(flow::HandleKind::Connection, index))) {
        connections_[index].tcp->released(env_);
        connections_.release(index);
        drop(stats::DropReason::TcpSlotLimit);
        return true;
    }
    stats_.syn_cookies_accepted.add();
    // What it echoes was stepped back, and would be a round trip too long.
    if (arrival.segment.options.timestamps) arrival.segment.options.timestamps->echo_reply = 0;
    give_segment(index, arrival);
    return true;
}

template <typename App>
std::uint32_t Stack<App>::allocate_passive(const tcp::HalfOpen& half, const Arrival& arrival) {
    const ProfileId profile = app_.profile_of(half.service());
    const std::uint32_t index = connections_.allocate(
        ConnectionSlot(key_of(arrival.tuple, arrival.local_id), half, profile), env_.now,
        open_parameters(arrival.tuple, stats::Leg::Client, profile, half.iss()), half,
        environment_of(half.service()));
    connections_[index].flow_label = flow_label_of(arrival.tuple);
    return index;
}

}  // namespace terminus::stack
