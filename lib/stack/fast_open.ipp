#pragma once

// TCP Fast Open (RFC 7413) as a stack has it: cookies given and taken, and who may open before the handshake
// is complete. Part of stack/stack.hpp.

#include "stack/stack.hpp"

namespace terminus::stack {

/// What the SYN asks for, where the listener allows it; RFC 7413 5.1, HARDENING 18, 19: nothing is allowed
/// while too many others have not proven their address.
template <typename App>
FastOpenJudgement Stack<App>::judge_fast_open(const Arrival& arrival, std::uint16_t service) {
    using enum tcp::FastOpenVerdict;
    const tcp::Tunables& tunables = environment_of(service).tunables;
    if ((tunables.fastopen & tcp::kFastOpenServer) == 0) return {};
    const auto& option = arrival.segment.options.fast_open;
    if (!option && (tunables.fastopen & tcp::kFastOpenServerWithoutCookie) == 0) return {};
    if (option && option->length == 0) stats_.fast_open_cookies_requested.add();
    const tcp::FastOpenKeys keys = tcp::fast_open_keys(settings_.secrets, tunables, env_.now);
    const tcp::FastOpenVerdict verdict = tcp::judge_fast_open(keys, arrival.tuple, arrival.segment, tunables);
    if (verdict == Request && option->length > 0) stats_.fast_opens_refused.add();
    if (verdict == Request) {
        FastOpenJudgement judgement{Request, tcp::fast_open_cookie(keys.primary, arrival.tuple)};
        judgement.cookie->is_experimental = option->is_experimental;
        return judgement;
    }
    if (verdict != Accept && verdict != AcceptOld) return {verdict, std::nullopt};
    if (fast_opens_.has_room(tunables.max_fastopen, env_.now) &&
        connections_.size() < connections_.capacity())
        return {verdict, std::nullopt};
    stats_.fast_opens_limited.add();
    return {};
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
        slot.tcp->released(env_);
        connections_.release(index);
        return false;
    }
    slot.is_fast_open = true;
    slot.is_fast_open_cookie_due = verdict == AcceptOld;
    slot.is_fast_open_experimental =
        arrival.segment.options.fast_open && arrival.segment.options.fast_open->is_experimental;
    fast_opens_.opened();
    stats_.fast_opens_accepted.add();
    packet::Slice text;
    if (arrival.segment.payload_length > 0 && arrival.frame.is_linear()) {  // the peer sends other text again
        text = packet::Slice(std::move(arrival.frame), static_cast<std::uint16_t>(arrival.payload_offset),
                             static_cast<std::uint16_t>(arrival.segment.payload_length));
    }
    slot.tcp->open_fast(std::move(text), environment_for(slot));
    mark_dirty(index);
    return true;
}

/// Follows the slot out of the queue of those whose handshake is not complete.
template <typename App>
void Stack<App>::count_fast_open(ConnectionSlot& slot) {
    if (!slot.is_fast_open || slot.tcp->state() == tcp::State::SynReceived) return;
    slot.is_fast_open = false;
    fast_opens_.ended(slot.tcp->close_reason() == stats::CloseReason::ResetReceived, env_.now);
}

template <typename App>
std::uint16_t Stack<App>::fast_open_text_max(const wire::IpAddress& remote, ProfileId profile) const {
    const std::uint16_t bits = profiles_.tunables(profile).fastopen;
    if ((bits & tcp::kFastOpenClient) == 0) return 0;
    const auto offer = fast_open_peers_.offer(remote, env_.now);
    const bool needs_cookie = (bits & tcp::kFastOpenClientWithoutCookie) == 0;
    if (!offer || (needs_cookie && offer->cookie.length == 0)) return 0;
    // RFC 7413 4.1.3: the MSS that came with the cookie, or the least that any peer takes.
    const std::uint16_t peer_mss = offer->mss > 0 ? offer->mss : tcp::default_mss(!remote.is_v4());
    const std::uint16_t mss = std::min(profiles_.mss_within(network_.mss_towards(remote), profile), peer_mss);
    constexpr std::uint16_t kOptions = 40;
    return mss > kOptions ? static_cast<std::uint16_t>(mss - kOptions) : std::uint16_t{0};
}

/// The next segment of one whose SYN or SYN-ACK has a Fast Open option.
template <typename App>
std::optional<tcp::OutSegment> Stack<App>::poll_opening(ConnectionSlot& slot, const wire::FourTuple& named,
                                                        const tcp::Environment& env) {
    std::optional<wire::FastOpenCookie> option;
    if (slot.wants_fast_open) option = offer_fast_open(slot, named, env);
    std::optional<tcp::OutSegment> segment = slot.tcp->poll_transmit(env);
    if (!segment || !segment->flags.syn()) return segment;
    if (slot.is_fast_open_cookie_due) {
        slot.is_fast_open_cookie_due = false;
        option = cookie_towards(named, env.tunables);
        option->is_experimental = slot.is_fast_open_experimental;
    }
    segment->options.fast_open = option;
    return segment;
}

// RFC 7413 4.2.1: the first SYN has the cookie and text, or asks for one; those after it have neither.
template <typename App>
std::optional<wire::FastOpenCookie> Stack<App>::offer_fast_open(ConnectionSlot& slot,
                                                                const wire::FourTuple& named,
                                                                const tcp::Environment& env) {
    slot.wants_fast_open = false;
    const wire::IpAddress& peer = named.remote.address;
    const auto offer = fast_open_peers_.offer(peer, env_.now);
    if (slot.tcp->state() != tcp::State::SynSent || !offer) return std::nullopt;
    fast_open_peers_.used(peer, env_.now);
    slot.is_fast_open_tried = true;
    slot.tcp->allow_syn_text(fast_open_text_max(peer, slot.profile));
    if ((env.tunables.fastopen & tcp::kFastOpenClientWithoutCookie) != 0) return std::nullopt;
    return offer->cookie;
}

/// What the first answer to such a SYN, which `had_text` or not and was sent again or not, tells of the peer
/// and the path to it.
template <typename App>
void Stack<App>::learn_fast_open(ConnectionSlot& slot, const Arrival& arrival, bool had_text,
                                 bool is_repeated) {
    slot.is_fast_open_tried = false;
    const wire::TcpSegment& answer = arrival.segment;
    if (slot.tcp->close_reason() || !answer.flags.syn() || !answer.flags.ack()) return;
    const wire::IpAddress& peer = arrival.tuple.remote.address;
    const auto& cookie = answer.options.fast_open;
    const bool is_learned = cookie && cookie->length > 0;
    const std::uint16_t mss = answer.options.mss.value_or(tcp::default_mss(!peer.is_v4()));
    fast_open_peers_.learned(peer, is_learned ? cookie : std::nullopt, mss, env_.now);
    if (slot.tcp->is_syn_text_taken()) {
        stats_.fast_opens_active.add();
        fast_open_peers_.worked(peer);
        return;
    }
    if (had_text) stats_.fast_opens_active_failed.add();
    const base::Duration span = profiles_.tunables(slot.profile).fastopen_blackhole_timeout;
    if (!is_repeated || is_learned || span == base::Duration::zero()) return;
    stats_.fast_open_blackholes.add();
    fast_open_peers_.lost(peer, span, env_.now);
}

}  // namespace terminus::stack
