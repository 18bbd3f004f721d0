#pragma once

#include <cstdint>

/// What Linux allows of options, and makes of them.
namespace terminus::drill {

/// net.core.rmem_max and wmem_max: what SO_RCVBUF and SO_SNDBUF are cut to.
inline constexpr std::uint32_t kBufferMax = 212992;
/// SOCK_MIN_RCVBUF and SOCK_MIN_SNDBUF, after doubling.
inline constexpr int kReceiveBufferMin = 2304;
inline constexpr int kSendBufferMin = 4608;
/// TCP_MIN_MSS and MAX_TCP_WINDOW, for TCP_MAXSEG.
inline constexpr int kMaxsegMin = 88;
inline constexpr int kMaxsegMax = 32767;
/// MAX_TCP_KEEPIDLE and MAX_TCP_KEEPINTVL, in seconds; MAX_TCP_KEEPCNT and MAX_TCP_SYNCNT.
inline constexpr int kKeepaliveMax = 32767;
inline constexpr int kCountMax = 127;
/// TCP_FIN_TIMEOUT_MAX, in seconds.
inline constexpr int kFinTimeoutMax = 120;
/// net.core.somaxconn.
inline constexpr int kBacklogMax = 4096;
/// TCP_MSS_DEFAULT: what TCP_MAXSEG says before there is a connection.
inline constexpr int kMssDefault = 536;

}  // namespace terminus::drill
