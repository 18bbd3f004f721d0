#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.hpp"

namespace terminus::base {

/// 128 secret bits, drawn once by `worker`'s owner (or given by a test) and handed down.
struct SipKey {
    std::array<std::uint8_t, 16> bytes{};
    friend bool operator==(const SipKey&, const SipKey&) = default;

    /// A key that repeats for a seed: for tests, replay and simulation, never for production.
    static SipKey from_seed(std::uint64_t seed);
};

/// SipHash-2-4 (Aumasson and Bernstein 2012) from libsodium: 64 bits that nobody without the key can predict.
/// Costs about 1 ns a byte for short inputs.
std::uint64_t siphash(const SipKey& key, Bytes input);

}  // namespace terminus::base
