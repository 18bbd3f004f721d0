#pragma once

#include <cstdint>
#include <optional>

#include "tcp/environment.hpp"
#include "tcp/out_segment.hpp"
#include "wire/address.hpp"
#include "wire/tcp.hpp"

/// SYN cookies (RFC 4987 3.6, appendix A): what a half-open would have kept goes out with the SYN-ACK and
/// comes back with the ACK that completes the handshake.
///
///     ISS    | count: 2 | MSS: 3 |            MAC: 27            |
///            of 64 s      index     SipHash of 4-tuple, IRS, count, index
///     TSval  |        milliseconds, stepped back: 27   | SACK: 1 | window scale: 4 |
///
/// The upper five bits of the ISS are masked by MAC bits: they are no secret, but show no pattern either.
/// Without timestamps there is no room for window scale and SACK, and neither is agreed on.
namespace terminus::tcp {

/// Linux's tcp_syncookies.
enum class SynCookies : std::uint8_t {
    Off = 0,
    WhenFull = 1,  ///< when the half-open table is
    Always = 2,
};

/// How long a cookie is good at the most; at the least it is half of that.
inline constexpr Duration kCookieLifetime = std::chrono::seconds(128);

/// The SYN without the options that its cookie can't hold.
[[nodiscard]] wire::TcpSegment within_cookie(const wire::TcpSegment& syn, const Environment& env);

/// The ISS that answers `syn`.
[[nodiscard]] wire::SeqNum cookie_sequence(const Secrets& secrets, const wire::FourTuple& tuple,
                                           const wire::TcpSegment& syn, Instant now);

/// Puts what SYN and SYN-ACK have agreed on into the SYN-ACK's TSval, if it has one. The value never lies in
/// the future: later segments of the connection must not be older (RFC 7323 5).
void put_into_timestamp(wire::TcpOptions& syn_ack, const wire::TcpOptions& syn,
                        std::uint32_t timestamp_offset);

/// The SYN that `ack` completes, as far as the cookie tells: nothing when it acknowledges none of our
/// cookies, or agrees on what the tunables don't. The window is the ACK's.
[[nodiscard]] std::optional<wire::TcpSegment> syn_from_cookie(const Secrets& secrets,
                                                              const wire::FourTuple& tuple,
                                                              const wire::TcpSegment& ack,
                                                              const Environment& env);

}  // namespace terminus::tcp
