#pragma once

#include <concepts>
#include <cstdint>
#include <optional>

#include "stack/connection_id.hpp"
#include "stats/reasons.hpp"
#include "tcp/connection.hpp"
#include "wire/address.hpp"

namespace terminus::stack {

/// What an application keeps beside a connection and gets back with every call: its own index.
using Cookie = std::uint32_t;
inline constexpr Cookie kNoCookie = UINT32_MAX;

/// A set of tunables (stack/profiles.hpp); kProcessProfile are the process's own.
using ProfileId = std::uint16_t;
inline constexpr ProfileId kProcessProfile = 0;

/// An application lives on one core beside its stack and is called by it, a batch at a time, with the turn's
/// `now` in stack.environment(). It may call the stack back from any of these, but never keeps a reference to
/// a tcp::Connection across calls: ConnectionIds only.
///
///   find_listener  LISTEN's table: the service on a local endpoint, asked for every SYN.
///   may_accept     whether a service takes one more connection now. If not, SYNs are dropped, and ACKs
///                  that complete a handshake; their senders try again.
///   profile_of     the tunables of a service's half-opens and of the connections that they become; the
///   service may
///                  have gone meanwhile.
///   accepted       a passive handshake completed; the application stores its cookie with set_cookie(), or
///   aborts. happened       what became of one connection since its last call; not called with no event.
///   closed         the last call for this id. The connection is CLOSED or TIME_WAIT and its bytes were taken
///   or
///                  are lost with it; the id is stale when the call returns.
///   prefetch, beside  may be left out: ask the memory for what belongs to a cookie, and name the connection
///   that
///                  happened() will look at beside this one. They decide nothing.
///   timer_expired  a timer armed with arm_timer() for `cookie`.
template <typename A, typename S>
concept Application = requires(A& app, S& stack, ConnectionId id, Cookie cookie, const wire::Endpoint& local,
                               const wire::FourTuple& tuple, std::uint16_t service, tcp::Events events,
                               stats::CloseReason reason) {
    { app.find_listener(local) } -> std::same_as<std::optional<std::uint16_t>>;
    { app.may_accept(service) } -> std::same_as<bool>;
    { app.profile_of(service) } -> std::same_as<ProfileId>;
    {app.accepted(stack, id, service, tuple)};
    {app.happened(stack, id, cookie, events)};
    {app.closed(stack, id, cookie, reason)};
    {app.timer_expired(stack, cookie)};
};

/// Why connect() gave no connection.
enum class ConnectError : std::uint8_t {
    NoSlot,      ///< the core's connection slots are used up
    TupleInUse,  ///< a live connection has this 4-tuple: try another port
    InTimeWait,  ///< a TIME_WAIT has it and may not be reused yet: try another port
    NoRoute,     ///< no route to the destination
};

/// An active open, from the address and port that it names (RFC 9293 3.9.1.1, MUST-43).
struct ConnectRequest {
    wire::FourTuple tuple;       ///< local.address is one of ours
    std::uint16_t local_id = 0;  ///< its id in neigh::LocalAddresses
    std::uint16_t service = 0;   ///< for listings
    Cookie cookie = kNoCookie;
    ProfileId profile = kProcessProfile;
    /// TCP Fast Open where tcp.fastopen allows it towards peers: what is queued before the turn ends goes
    /// with the SYN when a cookie of the peer is known, else the SYN asks for one.
    bool fast_open = false;
};

}  // namespace terminus::stack
