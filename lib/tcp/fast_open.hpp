#pragma once

#include <cstdint>
#include <optional>

#include "tcp/environment.hpp"
#include "wire/address.hpp"
#include "wire/tcp.hpp"

/// TCP Fast Open, the server's side (RFC 7413 4.1): a client that has once proven its address may send data
/// with its SYN, and is answered before it has proven it again. A cookie is a MAC over both addresses, as
/// Linux computes it, so that machines that share a key honour each other's.
namespace terminus::tcp {

/// Bits of Linux's tcp_fastopen.
inline constexpr std::uint16_t kFastOpenClient = 0x1;
inline constexpr std::uint16_t kFastOpenServer = 0x2;
inline constexpr std::uint16_t kFastOpenClientWithoutCookie = 0x4;
inline constexpr std::uint16_t kFastOpenServerWithoutCookie = 0x200;

/// The key of cookies given out now, and the one of those that are still taken.
struct FastOpenKeys {
    base::SipKey primary;
    std::optional<base::SipKey> backup;
};

/// The keys at `now`: those that are set (Tunables::fastopen_key), or else two that follow from the secret
/// and change every fastopen_key_lifetime (RFC 7413 4.1.2: a cookie that was stolen is to be of no use soon,
/// and one that has expired costs a client one round trip).
[[nodiscard]] FastOpenKeys fast_open_keys(const Secrets& secrets, const Tunables& tunables, Instant now);

/// What a SYN's Fast Open option asks for.
enum class FastOpenVerdict : std::uint8_t {
    None,      ///< no option
    Request,   ///< no cookie, or none of ours: the SYN-ACK brings one, the data is not taken
    Accept,    ///< a cookie of the current key, or none is called for
    AcceptOld  ///< one of the key before: the SYN-ACK brings a new one
};

[[nodiscard]] wire::FastOpenCookie fast_open_cookie(const base::SipKey& key, const wire::FourTuple& tuple);
/// `tunables` say whether a SYN with data needs a cookie at all.
[[nodiscard]] FastOpenVerdict judge_fast_open(const FastOpenKeys& keys, const wire::FourTuple& tuple,
                                              const wire::TcpSegment& syn, const Tunables& tunables);

/// Connections opened by a cookie whose handshake isn't complete. RFC 7413 5.1 (and Linux): one that the
/// peer resets counts on for a while, or whoever spoofs the address of a client with a cookie could have that
/// client's RSTs make room for the next spoofed SYN at once.
class FastOpenQueue {
 public:
    void opened() { ++pending_; }
    /// The handshake is complete, or the connection is gone.
    void ended(bool by_reset, Instant now);
    /// Whether one more may be opened where `most` are allowed.
    [[nodiscard]] bool has_room(std::uint32_t most, Instant now);

 private:
    static constexpr Duration kResetSpan = std::chrono::seconds(60);
    void move_on(Instant now);

    std::uint32_t pending_ = 0;
    // By spans of a minute, so that a reset counts for one minute at least and two at most.
    std::uint32_t resets_ = 0;
    std::uint32_t resets_before_ = 0;
    Instant span_began_at_{};
};

}  // namespace terminus::tcp
