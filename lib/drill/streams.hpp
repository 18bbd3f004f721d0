#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"

namespace terminus::drill {

/// What stands for the bytes that a script doesn't spell out: known by where in the stream they are, so that
/// a byte that is lost, doubled or misplaced shows. The two directions differ.
[[nodiscard]] constexpr std::uint8_t stream_byte(bool is_from_machine, std::uint32_t offset) {
    // Knuth's multiplicative hash: neighbours differ, and so do bytes a power of two apart.
    return static_cast<std::uint8_t>(((offset + (is_from_machine ? 0x5bd1u : 0u)) * 2654435761u) >> 24);
}

/// Both directions of one socket, as its system calls saw them.
struct Streams {
    std::vector<std::uint8_t> written;  ///< by the machine's program, from the connection's first byte on
    std::uint32_t consumed = 0;         ///< bytes that the program has read
};

}  // namespace terminus::drill
