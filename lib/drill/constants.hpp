#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace terminus::drill {

/// Linux's number for a name of <sys/socket.h>, <fcntl.h>, <poll.h>, <sys/epoll.h>, <netinet/tcp.h>, …
[[nodiscard]] std::optional<std::int64_t> constant(std::string_view name);

/// "EAGAIN" to 11, and back; nothing, or the number, when there is no such name here.
[[nodiscard]] std::optional<int> error_number(std::string_view name);
[[nodiscard]] std::string_view error_name(int error);

}  // namespace terminus::drill
