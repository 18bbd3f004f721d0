#pragma once

#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

namespace terminus::tcp {

/// The congestion controls there are (congestion_set.hpp).
enum class CongestionAlgorithm : std::uint8_t { Cubic, Reno, Bbr };

/// In the enumeration's order, as Linux calls them (TCP_CONGESTION).
inline constexpr std::string_view kCongestionAlgorithms[] = {"cubic", "reno", "bbr"};

[[nodiscard]] constexpr std::string_view name_of(CongestionAlgorithm algorithm) {
    return kCongestionAlgorithms[static_cast<std::size_t>(algorithm)];
}

/// Nothing when there is none of that name.
[[nodiscard]] constexpr std::optional<CongestionAlgorithm> congestion_algorithm(std::string_view name) {
    for (std::size_t i = 0; i < std::size(kCongestionAlgorithms); ++i) {
        if (kCongestionAlgorithms[i] == name) return static_cast<CongestionAlgorithm>(i);
    }
    return std::nullopt;
}

}  // namespace terminus::tcp
