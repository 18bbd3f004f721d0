#pragma once

#include <algorithm>
#include <cstdint>

namespace terminus::tcp {

/// Linux's three numbers of tcp_rmem and tcp_wmem. They count text, where Linux's count its packets' memory.
struct BufferRange {
    std::uint32_t min = 0;      ///< bytes a connection has however short memory is
    std::uint32_t initial = 0;  ///< bytes it begins with
    std::uint32_t max = 0;      ///< bytes it may grow to

    constexpr BufferRange(std::uint32_t least, std::uint32_t first, std::uint32_t most)
        : min(least), initial(first), max(most) {}
    /// A buffer that stays as it is, as SO_RCVBUF and SO_SNDBUF make it; nothing is kept for it when memory
    /// is short.
    constexpr BufferRange(std::uint32_t fixed) : BufferRange(0, fixed, fixed) {}  // NOLINT

    /// `wanted`, within initial and max.
    [[nodiscard]] constexpr std::uint32_t grown_to(std::uint64_t wanted) const {
        const std::uint64_t least = std::min(initial, max);
        return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(wanted, least, max));
    }

    friend bool operator==(const BufferRange&, const BufferRange&) = default;
};

}  // namespace terminus::tcp
