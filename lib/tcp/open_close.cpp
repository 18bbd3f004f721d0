#include <utility>

#include "base/assert.hpp"
#include "tcp/connection.hpp"

namespace terminus::tcp {

using stats::CloseReason;
using stats::Timer;

// RFC 9293 3.10.5: the states in which the peer believes in the connection and is told.
constexpr StateMask kResettable = mask(State::SynReceived) | mask(State::Established) |
                                  mask(State::FinWait1) | mask(State::FinWait2) | mask(State::CloseWait);

// What Linux has for tcp_orphan_retries 0.
constexpr std::uint32_t kOrphanRetries = 8;

Events Connection::take_events() {
    return Events{std::exchange(events_, std::uint8_t{0})};
}

// RFC 9293 3.10.4, CLOSE: the FIN follows everything queued; the state changes at once. Before the handshake
// is complete it is remembered, and establish() makes up for it.
void Connection::finish(const Environment& env) {
    if (fin_queued_ || state_ == State::Closed || state_ == State::TimeWait) return;
    if (snd_.flight() == 0 && send_queue_.empty()) progress_at_ = env.now;
    fin_queued_ = true;
    marks_.more = false;
    switch (state_) {
        case State::SynSent:
        case State::SynReceived:
            return;
        case State::Established:
            enter(State::FinWait1, env);
            break;
        case State::CloseWait:
            enter(State::LastAck, env);
            break;
        case State::Closed:
        case State::Listen:
        case State::FinWait1:
        case State::FinWait2:
        case State::Closing:
        case State::LastAck:
        case State::TimeWait:
            TERMINUS_ASSERT(false, "those that follow finish() have fin_queued_");
            break;
    }
    update_persist(env);
}

// RFC 9293 3.6.1, MAY-1, SHLD-3: nobody reads any more, and what nobody will read draws a RST.
void Connection::abandon(const Environment& env) {
    if (state_ == State::Closed || state_ == State::TimeWait) lose_unread();  // nobody will take it
    if (orphan_ || state_ == State::Closed) return;
    orphan_ = true;
    if (state_ == State::TimeWait) return;
    if (state_ == State::SynSent) return close(CloseReason::PeerLegReset, env);  // nobody to be told
    if (!receive_queue_.empty() || !reassembly_.empty()) {
        reset_reason_ = stats::ResetReason::DataAfterClose;
        return abort(CloseReason::OrphanLimit, env);
    }
    finish(env);
    if (state_ == State::FinWait2) deadlines_.arm(Timer::FinWait2, env.now + env.tunables.fin_timeout);
}

/// Unanswered retransmissions or probes before the connection is given up, where the last was waited for
/// for `timeout`: retries2, or Linux's tcp_orphan_retries when it has been abandoned. There 0 means eight,
/// and the end when the timeout has reached rto_max.
std::uint32_t Connection::retries_max(Duration timeout, const Environment& env) const {
    if (!orphan_) return env.tunables.retries2;
    if (env.tunables.orphan_retries > 0) return env.tunables.orphan_retries;
    return timeout < env.tunables.rto_max ? kOrphanRetries : 0;
}

// RFC 9293 3.10.5: whatever was received and not read is lost, after an orderly end as well.
void Connection::abort(CloseReason reason, const Environment& env) {
    lose_unread();
    if (state_ == State::Closed) return;
    const bool tell = is_in(state_, kResettable);
    close(reason, env);
    reset_pending_ = tell;
}

}  // namespace terminus::tcp
