#include "tcp/fast_open.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/siphash.hpp"
#include "tcp/connection.hpp"

namespace terminus::tcp {
namespace {

// The key of one epoch: nobody who knows those of others can tell it.
base::SipKey key_of_epoch(const base::SipKey& secret, std::uint64_t epoch) {
    base::SipKey key;
    for (std::uint8_t half = 0; half < 2; ++half) {
        std::array<std::uint8_t, 9> input{};
        base::store_be32(input.data(), static_cast<std::uint32_t>(epoch >> 32));
        base::store_be32(input.data() + 4, static_cast<std::uint32_t>(epoch));
        input[8] = half;
        const std::uint64_t mac = base::siphash(secret, input);
        for (std::size_t i = 0; i < sizeof mac; ++i)
            key.bytes[half * sizeof mac + i] = static_cast<std::uint8_t>(mac >> (8 * i));
    }
    return key;
}

}  // namespace

FastOpenKeys fast_open_keys(const Secrets& secrets, const Tunables& tunables, Instant now) {
    if (tunables.fastopen_key.count > 0) {
        FastOpenKeys set{tunables.fastopen_key.keys[0], std::nullopt};
        if (tunables.fastopen_key.count > 1) set.backup = tunables.fastopen_key.keys[1];
        return set;
    }
    const auto epoch = static_cast<std::uint64_t>(now.time_since_epoch() / tunables.fastopen_key_lifetime);
    FastOpenKeys keys{key_of_epoch(secrets.fast_open, epoch), std::nullopt};
    if (epoch > 0) keys.backup = key_of_epoch(secrets.fast_open, epoch - 1);
    return keys;
}

// The client's address, then ours, as they stand in the SYN's header.
wire::FastOpenCookie fast_open_cookie(const base::SipKey& key, const wire::FourTuple& tuple) {
    constexpr std::size_t kV4 = 4;
    const wire::IpAddress& client = tuple.remote.address;
    const wire::IpAddress& server = tuple.local.address;
    const std::size_t length = client.is_v4() ? kV4 : client.bytes().size();
    const std::size_t skipped = client.bytes().size() - length;
    std::array<std::uint8_t, 2 * 16> input;
    std::copy_n(client.bytes().data() + skipped, length, input.data());
    std::copy_n(server.bytes().data() + skipped, length, input.data() + length);
    const std::uint64_t mac = base::siphash(key, base::Bytes(input.data(), 2 * length));
    wire::FastOpenCookie cookie;
    cookie.length = sizeof mac;
    for (std::size_t i = 0; i < sizeof mac; ++i)
        cookie.bytes[i] = static_cast<std::uint8_t>(mac >> (8 * i));
    return cookie;
}

// RFC 7413 4.1.1 and 4.2.2: an empty option asks for a cookie, and so does a wrong one.
FastOpenVerdict judge_fast_open(const FastOpenKeys& keys, const wire::FourTuple& tuple,
                                const wire::TcpSegment& syn, const Tunables& tunables) {
    const bool is_asked = syn.options.fast_open.has_value();
    if ((tunables.fastopen & kFastOpenServerWithoutCookie) != 0 && (is_asked || syn.payload_length > 0))
        return FastOpenVerdict::Accept;
    if (!is_asked) return FastOpenVerdict::None;
    wire::FastOpenCookie cookie = *syn.options.fast_open;
    cookie.is_experimental = false;
    if (cookie.length == 0) return FastOpenVerdict::Request;
    if (cookie == fast_open_cookie(keys.primary, tuple)) return FastOpenVerdict::Accept;
    if (keys.backup && cookie == fast_open_cookie(*keys.backup, tuple)) return FastOpenVerdict::AcceptOld;
    return FastOpenVerdict::Request;
}

void FastOpenQueue::ended(bool by_reset, Instant now) {
    TERMINUS_ASSERT(pending_ > 0, "each that was opened ends once");
    --pending_;
    if (!by_reset) return;
    move_on(now);
    ++resets_;
}

bool FastOpenQueue::has_room(std::uint32_t most, Instant now) {
    move_on(now);
    return std::uint64_t{pending_} + resets_ + resets_before_ < most;
}

void FastOpenQueue::move_on(Instant now) {
    if (now - span_began_at_ < kResetSpan) return;
    resets_before_ = now - span_began_at_ < 2 * kResetSpan ? resets_ : 0;
    resets_ = 0;
    span_began_at_ = now;
}

// RFC 7413 4.2.2: the text is the application's at once, and the SYN-ACK acknowledges it. From here on the
// SYN-ACK is looked after by the establishment timer alone: our numbers begin behind it, and whatever answers
// it completes the handshake.
void Connection::open_fast(packet::Slice text, const Environment& env) {
    TERMINUS_ASSERT(state_ == State::SynReceived && !fast_open_, "right after it was made of a half-open");
    fast_open_ = true;
    syn_pending_ = true;
    snd_.una = snd_.iss + 1;
    progress_at_ = env.now;
    recovery_.begin(sending(env), initial_window(snd_.mss), Duration::zero(), snd_.iss.value());
    const std::uint32_t window = rcv_.wnd();
    if (text.length() > window) {
        text.truncate(static_cast<std::uint16_t>(window));
        env.stats.drops[stats::DropReason::TcpWindowFull].add();
    }
    if (!text.empty() && env.may_keep_payload) {
        syn_text_taken_ = true;
        accept_text(std::move(text), env);
    } else if (!text.empty()) {
        env.stats.drops[stats::DropReason::BufferPressure].add();
    }
    ack_pending_ = false;
    deadlines_.cancel(stats::Timer::DelayedAck);
    events_ |= Events::kEstablished | Events::kSendRoom;
}

/// The peer has our SYN, and perhaps text that went with it (RFC 7413 4.2.1); what it has not taken is as
/// good as never sent, and goes at once.
void Connection::syn_acknowledged(wire::SeqNum ack, const Environment& env) {
    if (const std::uint32_t text = ack - (snd_.iss + 1); text > 0) {
        send_queue_.drop_front(text);
        leg_stats(env).bytes_sent.add(text);
        events_ |= Events::kSendRoom;
        syn_text_taken_ = true;
    }
    marks_.with_syn = snd_.nxt;
    snd_.una = snd_.nxt = ack;
}

packet::ByteQueue Connection::take_unanswered() {
    TERMINUS_ASSERT(state_ == State::Closed, "callers have been told of the end");
    return std::exchange(send_queue_, packet::ByteQueue{});
}

/// The SYN again: our SYN-ACK is lost or late. It acknowledges the text that came with the first. The peer
/// doesn't decide how long we wait: the timer stays.
bool Connection::is_fast_open_syn_again(const wire::TcpSegment& segment, const Environment& env) {
    const wire::TcpFlags flags = segment.flags;
    if (!fast_open_ || state_ != State::SynReceived || segment.seq != rcv_.irs) return false;
    if (!flags.syn() || flags.ack() || flags.rst() || flags.fin()) return false;
    if (challenges_.admit(env.now, env.tunables.challenge_ack_limit)) {
        syn_pending_ = true;
        handshake_repeated_ = true;
    }
    return true;
}

}  // namespace terminus::tcp
