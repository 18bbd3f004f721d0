#include "proxy/session.hpp"

#include <catch2/catch.hpp>

namespace terminus::proxy {
namespace {

using namespace std::chrono_literals;
using base::instant_from_ns;
using stack::ConnectionId;
using stats::CloseReason;
using stats::Leg;

constexpr ConnectionId kClient{10, 1};
constexpr ConnectionId kBackend{11, 1};
constexpr base::Instant kStart = instant_from_ns(5'000'000'000);
constexpr Timeouts kTimeouts{.idle = 60s, .half_close = 10s};

Session connecting() {
    Session session(kClient, 1, 2);
    session.connecting(kBackend, {}, kStart + 3s);
    return session;
}

Session spliced() {
    Session session = connecting();
    session.established(kStart);
    return session;
}

TEST_CASE("a session knows its legs by their ids") {
    const Session session = connecting();
    REQUIRE(session.leg_of(kClient) == Leg::Client);
    REQUIRE(session.leg_of(kBackend) == Leg::Backend);
    REQUIRE(session.id(Leg::Client) == kClient);
    REQUIRE(session.id(Leg::Backend) == kBackend);
    REQUIRE(session.attempts() == 1);
    REQUIRE_FALSE(session.is_spliced());
}

TEST_CASE("a backend that never accepted is followed by another") {
    const CloseReason reason =
        GENERATE(CloseReason::Refused, CloseReason::Unreachable, CloseReason::SynTimeout);
    Session session = connecting();
    REQUIRE(session.closed(Leg::Backend, reason) == AfterClose::Retry);
    REQUIRE(session.id(Leg::Backend).is_none());
    session.connecting({12, 1}, {}, kStart + 6s);
    REQUIRE(session.attempts() == 2);
    REQUIRE(session.deadline(kTimeouts) == kStart + 6s);
}

TEST_CASE("a backend that ends in another way before the splice is not retried") {
    const CloseReason reason =
        GENERATE(CloseReason::ResetReceived, CloseReason::Drain, CloseReason::PeerLegReset);
    Session session = connecting();
    REQUIRE(session.closed(Leg::Backend, reason) == AfterClose::ResetOther);
}

TEST_CASE("a client that goes before the backend is up takes the attempt with it") {
    Session session = connecting();
    REQUIRE(session.closed(Leg::Client, CloseReason::ResetReceived) == AfterClose::ResetOther);
    // Also when the attempt fails in the same turn: there is nobody to retry for.
    REQUIRE(session.closed(Leg::Backend, CloseReason::Refused) == AfterClose::EndSession);
}

TEST_CASE("a leg that was reset or failed resets the other") {
    const Leg leg = GENERATE(Leg::Client, Leg::Backend);
    const CloseReason reason = GENERATE(CloseReason::ResetReceived, CloseReason::RetransmitTimeout,
                                        CloseReason::KeepaliveTimeout, CloseReason::FinTimeout);
    Session session = spliced();
    REQUIRE(session.closed(leg, reason) == AfterClose::ResetOther);
    REQUIRE(session.closed(other(leg), CloseReason::PeerLegReset) == AfterClose::EndSession);
}

TEST_CASE("a leg that closed in order lets the other deliver what it has") {
    const Leg leg = GENERATE(Leg::Client, Leg::Backend);
    Session session = spliced();
    session.finished(Leg::Client);
    session.finished(Leg::Backend);
    REQUIRE(session.closed(leg, CloseReason::Normal) == AfterClose::AbandonOther);
    REQUIRE(session.closed(other(leg), CloseReason::Normal) == AfterClose::EndSession);
}

TEST_CASE("a silent backend is overdue at its attempt's deadline and not a nanosecond before") {
    const Session session = connecting();
    REQUIRE(session.deadline(kTimeouts) == kStart + 3s);
    REQUIRE_FALSE(session.overdue(kStart + 3s - 1ns, kTimeouts));
    REQUIRE(session.overdue(kStart + 3s, kTimeouts) == CloseReason::SynTimeout);
}

TEST_CASE("an idle pair is overdue idle_timeout after its last byte") {
    Session session = spliced();
    session.active(kStart + 7s);
    REQUIRE_FALSE(session.overdue(kStart + 67s - 1ns, kTimeouts));
    REQUIRE(session.overdue(kStart + 67s, kTimeouts) == CloseReason::IdleTimeout);
}

TEST_CASE("half_close_timeout begins with the first FIN and is moved on by every byte") {
    Session session = spliced();
    REQUIRE(session.deadline(kTimeouts) == kStart + 60s);
    session.active(kStart + 20s);
    session.finished(GENERATE(Leg::Client, Leg::Backend));
    REQUIRE(session.deadline(kTimeouts) == kStart + 30s);
    REQUIRE_FALSE(session.overdue(kStart + 30s - 1ns, kTimeouts));
    REQUIRE(session.overdue(kStart + 30s, kTimeouts) == CloseReason::HalfCloseTimeout);
    session.active(kStart + 29s);
    REQUIRE(session.deadline(kTimeouts) == kStart + 39s);
}

TEST_CASE("a timeout of zero bounds nothing, and the shorter of two names the reason") {
    Session session = spliced();
    REQUIRE(session.deadline({}) == base::kNever);
    REQUIRE_FALSE(session.overdue(kStart + 1000h, {}));
    session.finished(Leg::Client);
    REQUIRE(session.deadline({}) == base::kNever);
    REQUIRE(session.overdue(kStart + 10s, {.idle = 0s, .half_close = 10s}) == CloseReason::HalfCloseTimeout);
    REQUIRE(session.overdue(kStart + 10s, {.idle = 10s, .half_close = 0s}) == CloseReason::IdleTimeout);
    REQUIRE(session.overdue(kStart + 10s, {.idle = 10s, .half_close = 20s}) == CloseReason::IdleTimeout);
}

}  // namespace
}  // namespace terminus::proxy
