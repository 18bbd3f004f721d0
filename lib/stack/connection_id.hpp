#pragma once

#include <cstdint>

namespace terminus::stack {

/// Names a connection of one core for as long as it lives; a successor in the same slot has another
/// generation.
struct ConnectionId {
    std::uint32_t index = UINT32_MAX;
    std::uint32_t generation = 0;

    [[nodiscard]] constexpr bool is_none() const { return index == UINT32_MAX; }
    friend constexpr bool operator==(ConnectionId, ConnectionId) = default;
};

}  // namespace terminus::stack
