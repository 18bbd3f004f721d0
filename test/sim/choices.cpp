#include "choices.hpp"

#include <algorithm>
#include <bit>

namespace terminus::simulation {

std::uint64_t Choices::next() {
    if (!is_from_bytes_) return rng_.next();
    std::uint64_t value = 0;
    for (int i = 0; i < 8 && at_ < bytes_.size(); ++i)
        value = (value << 8) | bytes_[at_++];
    return value;
}

// As few bytes as the bound needs, so that a mutation of one byte changes one decision.
std::uint32_t Choices::below(std::uint32_t bound) {
    if (!is_from_bytes_) return rng_.below(bound);
    std::uint32_t value = 0;
    for (std::uint32_t most = bound - 1; most != 0 && at_ < bytes_.size(); most >>= 8)
        value = (value << 8) | bytes_[at_++];
    return value % bound;
}

std::uint32_t Choices::magnitude(std::uint32_t low, std::uint32_t high) {
    const auto steps = static_cast<std::uint32_t>(std::bit_width(high / low));
    const std::uint64_t from = std::uint64_t{low} << below(steps);
    const std::uint64_t to = std::min<std::uint64_t>(2 * from - 1, high);
    return static_cast<std::uint32_t>(from) + below(static_cast<std::uint32_t>(to - from) + 1);
}

base::Duration Choices::span(base::Duration low, base::Duration high) {
    const auto micros = [](base::Duration of) {
        return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(of).count());
    };
    return std::chrono::microseconds(magnitude(std::max(micros(low), 1u), std::max(micros(high), 1u)));
}

}  // namespace terminus::simulation
