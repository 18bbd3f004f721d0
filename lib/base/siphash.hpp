#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

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

/// The same hash of an input whose length the compiler knows: a third of the time for the few words that name
/// a connection, for which it is asked with every segment (docs/decisions/speed.md). `Rounds` of each word
/// and at the end: 2 and 4 for what is shown to others, as a sequence number is; 1 and 3 for what only
/// decides where something lies (Aumasson: no known way to collide them either; Linux's and Rust's choice for
/// tables).
template <std::size_t Length, int Rounds = 2, int LastRounds = 4>
[[nodiscard]] inline std::uint64_t siphash_of(const SipKey& key, const std::uint8_t* input) {
    const auto load = [](const std::uint8_t* at) {
        std::uint64_t word;
        std::memcpy(&word, at, sizeof word);
        return word;
    };
    const std::uint64_t k0 = load(key.bytes.data());
    const std::uint64_t k1 = load(key.bytes.data() + 8);
    std::uint64_t a = k0 ^ 0x736f6d6570736575u;
    std::uint64_t b = k1 ^ 0x646f72616e646f6du;
    std::uint64_t c = k0 ^ 0x6c7967656e657261u;
    std::uint64_t d = k1 ^ 0x7465646279746573u;
    const auto round = [&] {
        a += b;
        b = std::rotl(b, 13) ^ a;
        a = std::rotl(a, 32);
        c += d;
        d = std::rotl(d, 16) ^ c;
        a += d;
        d = std::rotl(d, 21) ^ a;
        c += b;
        b = std::rotl(b, 17) ^ c;
        c = std::rotl(c, 32);
    };
    const auto compress = [&](std::uint64_t word) {
        d ^= word;
        for (int i = 0; i < Rounds; ++i)
            round();
        a ^= word;
    };
    for (std::size_t at = 0; at + 8 <= Length; at += 8)
        compress(load(input + at));
    std::uint64_t last = std::uint64_t{Length & 0xff} << 56;
    for (std::size_t at = Length / 8 * 8; at < Length; ++at)
        last |= std::uint64_t{input[at]} << (8 * (at % 8));
    compress(last);
    c ^= 0xff;
    for (int i = 0; i < LastRounds; ++i)
        round();
    return a ^ b ^ c ^ d;
}

}  // namespace terminus::base
