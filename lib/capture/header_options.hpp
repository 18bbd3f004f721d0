#pragma once

#include <algorithm>
#include <cstdint>

#include "base/bytes.hpp"
#include "base/fixed_vector.hpp"
#include "wire/tcp.hpp"

namespace terminus::capture {

using HeaderBytes = base::FixedVector<std::uint8_t, wire::kTcpHeaderMax>;

inline constexpr std::uint8_t kOptionEnd = 0, kOptionNop = 1, kOptionWindowScale = 3,
                              kOptionSackPermitted = 4, kOptionSack = 5, kOptionTimestamps = 8,
                              kOptionFastOpen = 34, kOptionExperiment = 254;

/// Calls `visit` with each option of a TCP header, kind and length included, up to the first that is broken.
template <typename Visit>
void for_each_option(HeaderBytes& header, const Visit& visit) {
    base::MutableBytes left(header.data(), header.size());
    left = left.subspan(std::min(left.size(), wire::kTcpHeaderMin));
    while (!left.empty() && left[0] != kOptionEnd) {
        if (left[0] == kOptionNop) {
            left = left.subspan(1);
            continue;
        }
        if (left.size() < 2 || left[1] < 2 || left[1] > left.size()) return;
        visit(left.first(left[1]));
        left = left.subspan(left[1]);
    }
}

inline void replace_by_nops(base::MutableBytes option) {
    std::fill(option.begin(), option.end(), kOptionNop);
}

/// Whether any option was of that kind; it becomes NOPs.
inline bool leave_out_option(HeaderBytes& header, std::uint8_t kind) {
    bool found = false;
    for_each_option(header, [&](base::MutableBytes option) {
        if (option[0] != kind) return;
        replace_by_nops(option);
        found = true;
    });
    return found;
}

}  // namespace terminus::capture
