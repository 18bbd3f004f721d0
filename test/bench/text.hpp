#pragma once

#include <rte_mbuf.h>

#include <cstdint>

namespace terminus::bench {

/// Text by which a connection and a direction are known: its number, then words that follow from that and
/// from their place.
enum class TextOf : std::uint32_t { Request = 0, Response = 0x5a5a5a5a };

/// The longest text, in bytes.
inline constexpr std::uint32_t kTextMax = 1448;

/// `bytes` (at most kTextMax) of the connection's text to `at`.
void write_text(TextOf of, std::uint32_t connection, std::uint8_t* at, std::uint32_t bytes);

/// The number of the connection whose text, at least four bytes of it, the frame has from `offset` on.
[[nodiscard]] std::uint32_t connection_of_text(TextOf of, const rte_mbuf& frame, std::uint32_t offset);

/// Throws unless `bytes` of the frame from `offset` on are all of that connection's text.
void check_text(TextOf of, std::uint32_t connection, const rte_mbuf& frame, std::uint32_t offset,
                std::uint32_t bytes);

}  // namespace terminus::bench
