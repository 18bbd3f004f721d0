#pragma once

// TCP Fast Open (RFC 7413) as a stack has it: cookies given and taken, and who may open before the handshake
// is complete. Part of stack/stack.hpp.

#include "stack/stack.hpp"

namespace terminus::stack {

/// What the SYN asks for, where the listener allows it; RFC 7413 5.1, HARDENING 18, 19: nothing is allowed
/// while too many others have not proven their address.
template <typename App>
tcp::FastOpenVerdict Stack<App>::judge_fast_open(const Arrival& arrival, std::uint16_t service) {
    using enum tcp::FastOpenVerdict;
    const tcp::Tunables& tunables = environment_of(service).tunables;
    if ((tunables.fastopen & tcp::kFastOpenServer) == 0) return None;
    const auto& option = arrival.segment.options.fast_open;
    if (!option && (tunables.fastopen & tcp::kFastOpenServerWithoutCookie) == 0) return None;
    if (option && option->length == 0) stats_.fast_open_cookies_requested.add();
    const tcp::FastOpenKeys keys = tcp::fast_open_keys(settings_.secrets, tunables, env_.now);
    const tcp::FastOpenVerdict verdict = tcp::judge_fast_open(keys, arrival.tuple, arrival.segment, tunables);
    if (verdict == Request && option->length > 0) stats_.fast_opens_refused.add();
    if (verdict != Accept && verdict != AcceptOld) return verdict;
    if (fast_opens_.has_room(tunables.max_fastopen, env_.now) &&
        connections_.size() < connections_.capacity())
        return verdict;
    stats_.fast_opens_limited.add();
    return None;
}

/// The cookie that a SYN-ACK brings.
template <typename App>
wire::FastOpenCookie Stack<App>::cookie_towards(const wire::FourTuple& tuple, const tcp::Tunables& tunables) {
    stats_.fast_open_cookies_sent.add();
    return tcp::fast_open_cookie(tcp::fast_open_keys(settings_.secrets, tunables, env_.now).primary, tuple);
}

// RFC 7413 4.2.2: a SYN with a good cookie makes a connection at once, and its text is the application's.
// False: it is a SYN like any other.
template <typename App>
bool Stack<App>::opens_fast(Arrival& arrival, std::uint16_t service, std::uint64_t hash,
                            tcp::FastOpenVerdict verdict) {
    using enum tcp::FastOpenVerdict;
    if (verdict != Accept && verdict != AcceptOld) return false;
    const tcp::Environment env = environment_of(service);
    const wire::SeqNum iss = tcp::initial_sequence(settings_.secrets, arrival.tuple, env_.now);
    tcp::HalfOpen half(half_open_parameters(arrival, service, iss), arrival.segment, env);
    const std::uint32_t index = allocate_passive(half, arrival);
    half.released(env);
    ConnectionSlot& slot = connections_[index];
    if (!table_.insert(hash, flow::Handle(flow::HandleKind::Connection, index))) {
        slot.tcp.released(env_);
        connections_.release(index);
        return false;
    }
    slot.is_fast_open = true;
    slot.is_fast_open_cookie_due = verdict == AcceptOld;
    fast_opens_.opened();
    stats_.fast_opens_accepted.add();
    packet::Slice text;
    if (arrival.segment.payload_length > 0 && arrival.frame.is_linear()) {  // the peer sends other text again
        text = packet::Slice(std::move(arrival.frame), static_cast<std::uint16_t>(arrival.payload_offset),
                             static_cast<std::uint16_t>(arrival.segment.payload_length));
    }
    slot.tcp.open_fast(std::move(text), environment_for(slot));
    mark_dirty(index);
    return true;
}

/// Follows the slot out of the queue of those whose handshake is not complete.
template <typename App>
void Stack<App>::count_fast_open(ConnectionSlot& slot) {
    if (!slot.is_fast_open || slot.tcp.state() == tcp::State::SynReceived) return;
    slot.is_fast_open = false;
    fast_opens_.ended(slot.tcp.close_reason() == stats::CloseReason::ResetReceived, env_.now);
}

}  // namespace terminus::stack
