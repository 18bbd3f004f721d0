#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>

namespace terminus::base {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

static_assert(std::endian::native == std::endian::little, "loads and stores below swap for x86");

/// Network order, any alignment. The caller has checked that the bytes are there.
inline std::uint16_t load_be16(const std::uint8_t* at) {
    std::uint16_t raw;
    std::memcpy(&raw, at, sizeof raw);
    return __builtin_bswap16(raw);
}
inline std::uint32_t load_be32(const std::uint8_t* at) {
    std::uint32_t raw;
    std::memcpy(&raw, at, sizeof raw);
    return __builtin_bswap32(raw);
}
inline std::uint64_t load_be64(const std::uint8_t* at) {
    std::uint64_t raw;
    std::memcpy(&raw, at, sizeof raw);
    return __builtin_bswap64(raw);
}
inline void store_be16(std::uint8_t* at, std::uint16_t value) {
    value = __builtin_bswap16(value);
    std::memcpy(at, &value, sizeof value);
}
inline void store_be32(std::uint8_t* at, std::uint32_t value) {
    value = __builtin_bswap32(value);
    std::memcpy(at, &value, sizeof value);
}
inline void store_be64(std::uint8_t* at, std::uint64_t value) {
    value = __builtin_bswap64(value);
    std::memcpy(at, &value, sizeof value);
}

}  // namespace terminus::base
