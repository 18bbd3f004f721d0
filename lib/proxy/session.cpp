#include "proxy/session.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace terminus::proxy {
namespace {

using stats::CloseReason;
using stats::Leg;

// The backend never accepted, so another may: refused, unreachable or silent. A backend that accepted and
// then reset has had its say, and a session that is ended by us is not begun again.
bool is_failed_connect(CloseReason reason) {
    return reason == CloseReason::Refused || reason == CloseReason::Unreachable ||
           reason == CloseReason::SynTimeout;
}

base::Instant after(base::Instant since, base::Duration timeout) {
    return timeout == base::Duration::zero() ? base::kNever : since + timeout;
}

}  // namespace

void Session::connecting(stack::ConnectionId backend, const Attempt& attempt, base::Instant deadline) {
    TERMINUS_ASSERT(!is_spliced_ && backend_.is_none(),
                    "one attempt at a time, and none after the first success");
    backend_ = backend;
    attempt_ = attempt;
    since_ = deadline;
    ++attempts_;
}

void Session::established(base::Instant now) {
    TERMINUS_ASSERT(!is_spliced_ && !backend_.is_none(), "the backend's handshake completes once");
    is_spliced_ = true;
    since_ = now;
}

AfterClose Session::closed(Leg leg, CloseReason reason) {
    (leg == Leg::Client ? client_ : backend_) = {};
    if (id(other(leg)).is_none()) return AfterClose::EndSession;
    if (leg == Leg::Backend && !is_spliced_ && is_failed_connect(reason)) return AfterClose::Retry;
    return reason == CloseReason::Normal ? AfterClose::AbandonOther : AfterClose::ResetOther;
}

Leg Session::leg_of(stack::ConnectionId id) const {
    if (id == client_) return Leg::Client;
    TERMINUS_ASSERT(id == backend_, "a cookie is set for the two connections of its session only");
    return Leg::Backend;
}

base::Instant Session::deadline(const Timeouts& timeouts) const {
    if (!is_spliced_) return since_;
    const base::Instant idle = after(since_, timeouts.idle);
    return is_half_closed() ? std::min(idle, after(since_, timeouts.half_close)) : idle;
}

std::optional<CloseReason> Session::overdue(base::Instant now, const Timeouts& timeouts) const {
    if (deadline(timeouts) > now) return std::nullopt;
    if (!is_spliced_) return CloseReason::SynTimeout;
    const bool is_by_half_close =
        is_half_closed() && after(since_, timeouts.half_close) <= after(since_, timeouts.idle);
    return is_by_half_close ? CloseReason::HalfCloseTimeout : CloseReason::IdleTimeout;
}

}  // namespace terminus::proxy
