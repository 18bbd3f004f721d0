#pragma once

#include <cstdint>

#include "drill/blocked.hpp"
#include "drill/call.hpp"
#include "drill/socket.hpp"

namespace terminus::drill {

class SocketTable;

/// What a SYN is to be like.
enum class Opening : std::uint8_t { Plain, Fast };

/// Up to the SYN; `value` is 0 when it is on its way. With Opening::Fast it asks for a Fast Open cookie or
/// has one, and what is queued before the call returns goes with it.
[[nodiscard]] CallResult begin_connect(SocketTable& table, SocketId id, const SocketAddress& to,
                                       Opening opening);
/// connect() on a socket with TCP_FASTOPEN_CONNECT: nothing is sent yet when there is a cookie.
[[nodiscard]] CallResult begin_fast_connect(SocketTable& table, SocketId id, const SocketAddress& to);

/// Queues what of the call's bytes goes with the SYN.
void give_with_syn(SocketTable& table, Socket& socket, SendCall& call, std::size_t bytes_max);

}  // namespace terminus::drill
