#pragma once

#include "base/siphash.hpp"
#include "base/time.hpp"
#include "stats/core_stats.hpp"
#include "tcp/sent_records.hpp"
#include "tcp/tunables.hpp"
#include "wire/address.hpp"
#include "wire/seq.hpp"

namespace terminus::tcp {

using base::Duration;
using base::Instant;

/// What the machine may know of the world during one call.
struct Environment {
    Instant now;
    const Tunables& tunables;
    stats::CoreStats& stats;
    SentPool& sent;  ///< records of what is outstanding
    /// False while buffers are nearly out: payload is dropped unacknowledged, everything else goes on
    /// (DESIGN 3.6).
    bool may_keep_payload = true;
    /// What this connection's receive buffer may hold now, in bytes, when buffers are shared by many: the
    /// window stops advancing there, but for rmem's minimum. What was promised before stays promised.
    std::uint32_t receive_limit_bytes = UINT32_MAX;

    /// The same with the tunables of one connection's profile.
    [[nodiscard]] Environment with(const Tunables& own) const {
        return {now, own, stats, sent, may_keep_payload, receive_limit_bytes};
    }
};

/// One core's (in fact one process's) secrets: what an off-path attacker must not guess.
struct Secrets {
    base::SipKey isn;
    base::SipKey timestamp_offset;
    base::SipKey syn_cookie;
    base::SipKey fast_open;
    base::SipKey flow_label;
    static Secrets from_seed(std::uint64_t seed);
};

/// RFC 6528: SipHash of the 4-tuple plus a clock of 4 µs, so that incarnations of a 4-tuple move forward.
[[nodiscard]] wire::SeqNum initial_sequence(const Secrets& secrets, const wire::FourTuple& tuple,
                                            Instant now);

/// DESIGN 4: SipHash of the 4-tuple, added to the millisecond clock of RFC 7323's TSval.
[[nodiscard]] std::uint32_t timestamp_offset(const Secrets& secrets, const wire::FourTuple& tuple);

/// RFC 6437 3: the flow label of what we send over IPv6, 20 bits and never 0. The same for a connection's
/// whole life, from the SYN-ACK of its half-open to the RST after its end, for it follows from the 4-tuple.
[[nodiscard]] std::uint32_t flow_label(const Secrets& secrets, const wire::FourTuple& tuple);

/// The TSval of `now` for a connection with this offset: milliseconds.
[[nodiscard]] std::uint32_t timestamp_value(Instant now, std::uint32_t offset);

}  // namespace terminus::tcp
