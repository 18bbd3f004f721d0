#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "wire/seq.hpp"

namespace terminus::capture {

/// Sequence numbers of one end, counted from its ISN (the SYN is 0, the first byte 1) without wrapping.
struct Numbers {
    wire::SeqNum isn;
    std::uint64_t highest = 0;  ///< what was sent ends before

    /// The count that is nearest to the highest; nothing for a number before the ISN.
    [[nodiscard]] std::optional<std::uint64_t> at(wire::SeqNum seq) const {
        const wire::SeqNum top = isn + static_cast<std::uint32_t>(highest);
        const std::int64_t counted =
            static_cast<std::int64_t>(highest) + static_cast<std::int32_t>(seq - top);
        if (counted < 0) return std::nullopt;
        return static_cast<std::uint64_t>(counted);
    }
    void raise(std::uint64_t to) { highest = std::max(highest, to); }
};

}  // namespace terminus::capture
