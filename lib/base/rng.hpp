#pragma once

#include <cstdint>

namespace terminus::base {

/// A seeded generator (xoshiro256**, Blackman and Vigna 2018): fast and reproducible, not secret. What an
/// attacker must not guess (ISNs, ports, cookies) comes from keyed SipHash instead, see base/siphash.hpp.
class Rng {
 public:
    /// Any seed is good, zero included: splitmix64 spreads it over the state.
    explicit Rng(std::uint64_t seed);

    /// The next 64 bits.
    std::uint64_t next();

    /// Evenly from [0, bound); `bound` at least 1 (Lemire's multiplication, without its bias correction:
    /// below 2^32 the bias is under 2^-32).
    std::uint32_t below(std::uint32_t bound);

 private:
    std::uint64_t state_[4];
};

}  // namespace terminus::base
