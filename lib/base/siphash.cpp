#include "base/siphash.hpp"

#include <sodium/crypto_shorthash_siphash24.h>

#include <cstring>

#include "base/rng.hpp"

namespace terminus::base {

static_assert(crypto_shorthash_siphash24_KEYBYTES == sizeof(SipKey));
static_assert(crypto_shorthash_siphash24_BYTES == sizeof(std::uint64_t));

SipKey SipKey::from_seed(std::uint64_t seed) {
    Rng rng(seed);
    SipKey key;
    const std::uint64_t halves[2] = {rng.next(), rng.next()};
    std::memcpy(key.bytes.data(), halves, sizeof halves);
    return key;
}

std::uint64_t siphash(const SipKey& key, Bytes input) {
    std::uint64_t hash = 0;
    crypto_shorthash_siphash24(reinterpret_cast<unsigned char*>(&hash), input.data(), input.size(),
                               key.bytes.data());
    return hash;
}

}  // namespace terminus::base
