#pragma once

#include <cstdint>

#include "base/bytes.hpp"

/// The text that both sides send and expect: it repeats after 256 bytes, so a byte's place in the stream
/// modulo 256 says what it is, and a text that lost, gained or moved bytes is seen for what it is unless that
/// was a multiple of 256.
namespace terminus::load {

/// Longest piece of text in one segment: what a buffer of packet::FrameBuilder::kFrameMin bytes has room for.
inline constexpr std::uint32_t kTextMax = 1460;

/// `length` bytes of the text, from the place `from` on; at most kTextMax.
[[nodiscard]] base::Bytes text_at(std::uint8_t from, std::uint32_t length);

/// Their sum for the internet checksum, as if `from` were at an even offset; in constant time.
[[nodiscard]] std::uint32_t text_sum(std::uint8_t from, std::uint32_t length);

/// Whether `text`, of any length, is what stands at the place `from`.
[[nodiscard]] bool is_text(base::Bytes text, std::uint8_t from);

}  // namespace terminus::load
