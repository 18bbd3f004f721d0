#include "tcp/environment.hpp"

#include <array>
#include <cstring>

#include "base/bytes.hpp"
#include "base/rng.hpp"

namespace terminus::tcp {
namespace {

constexpr std::size_t kTupleBytes = 2 * (16 + 2);

std::uint64_t hash(const base::SipKey& key, const wire::FourTuple& tuple) {
    std::array<std::uint8_t, kTupleBytes> input;
    std::memcpy(input.data(), tuple.local.address.bytes().data(), 16);
    std::memcpy(input.data() + 16, tuple.remote.address.bytes().data(), 16);
    base::store_be16(input.data() + 32, tuple.local.port);
    base::store_be16(input.data() + 34, tuple.remote.port);
    return base::siphash_of<kTupleBytes>(key, input.data());
}

}  // namespace

Secrets Secrets::from_seed(std::uint64_t seed) {
    base::Rng rng(seed);
    const std::uint64_t isn_seed = rng.next();
    const std::uint64_t offset_seed = rng.next();
    const std::uint64_t cookie_seed = rng.next();
    const std::uint64_t fast_open_seed = rng.next();
    const std::uint64_t flow_label_seed = rng.next();
    return {base::SipKey::from_seed(isn_seed), base::SipKey::from_seed(offset_seed),
            base::SipKey::from_seed(cookie_seed), base::SipKey::from_seed(fast_open_seed),
            base::SipKey::from_seed(flow_label_seed)};
}

// RFC 6528 3: ISN = M + F(4-tuple, secret), M a clock that ticks every 4 µs (RFC 9293 MUST-8).
// RFC 9293 3.4.1, SHLD-1, MUST-9: F is keyed, and the key never leaves the process.
wire::SeqNum initial_sequence(const Secrets& secrets, const wire::FourTuple& tuple, Instant now) {
    const auto ticks = now.time_since_epoch() / std::chrono::microseconds(4);
    return wire::SeqNum(static_cast<std::uint32_t>(hash(secrets.isn, tuple)) +
                        static_cast<std::uint32_t>(ticks));
}

std::uint32_t timestamp_offset(const Secrets& secrets, const wire::FourTuple& tuple) {
    return static_cast<std::uint32_t>(hash(secrets.timestamp_offset, tuple));
}

// RFC 6437 3: one value of the whole range as likely as another, and none to be guessed from others (6.1), so
// that who spreads flows by it can't be made to put many into one place.
std::uint32_t flow_label(const Secrets& secrets, const wire::FourTuple& tuple) {
    constexpr std::uint64_t kLabels = (1u << 20) - 1;  // 0 is none
    return static_cast<std::uint32_t>(1 + hash(secrets.flow_label, tuple) % kLabels);
}

std::uint32_t timestamp_value(Instant now, std::uint32_t offset) {
    const auto milliseconds = now.time_since_epoch() / std::chrono::milliseconds(1);
    return static_cast<std::uint32_t>(milliseconds) + offset;
}

}  // namespace terminus::tcp
