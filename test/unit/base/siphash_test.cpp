#include "base/siphash.hpp"

#include <array>
#include <catch2/catch.hpp>

using terminus::base::Bytes;
using terminus::base::siphash;
using terminus::base::siphash_of;
using terminus::base::SipKey;

// Aumasson and Bernstein's reference vectors: key 00 01 … 0f, input 00 01 … of each length.
TEST_CASE("siphash is SipHash-2-4 by its reference vectors") {
    SipKey key;
    for (std::uint8_t i = 0; i < 16; ++i)
        key.bytes[i] = i;
    std::array<std::uint8_t, 64> input{};
    for (std::uint8_t i = 0; i < 64; ++i)
        input[i] = i;
    const auto of = [&](std::size_t length) { return siphash(key, Bytes(input).first(length)); };
    CHECK(of(0) == 0x726fdb47dd0e0e31);
    CHECK(of(1) == 0x74f839c593dc67fd);
    CHECK(of(7) == 0xab0200f58b01d137);
    CHECK(of(8) == 0x93f5f5799a932462);
    CHECK(of(15) == 0xa129ca6149be45e5);
    CHECK(of(63) == 0x958a324ceb064572);
}

TEST_CASE("an input of known length has the same hash as any other") {
    const SipKey key = SipKey::from_seed(7);
    std::array<std::uint8_t, 64> input{};
    for (std::uint8_t i = 0; i < 64; ++i)
        input[i] = static_cast<std::uint8_t>(i * 37);
    const auto any = [&](std::size_t length) { return siphash(key, Bytes(input).first(length)); };
    CHECK(siphash_of<0>(key, input.data()) == any(0));
    CHECK(siphash_of<7>(key, input.data()) == any(7));
    CHECK(siphash_of<8>(key, input.data()) == any(8));
    CHECK(siphash_of<24>(key, input.data()) == any(24));
    CHECK(siphash_of<36>(key, input.data()) == any(36));
    CHECK(siphash_of<63>(key, input.data()) == any(63));
    CHECK(siphash_of<24, 1, 3>(key, input.data()) != any(24));
}

TEST_CASE("a key from a seed repeats, and each seed has its own") {
    CHECK(SipKey::from_seed(1).bytes == SipKey::from_seed(1).bytes);
    CHECK(SipKey::from_seed(1).bytes != SipKey::from_seed(2).bytes);
    CHECK(SipKey::from_seed(0).bytes != SipKey{}.bytes);
}
