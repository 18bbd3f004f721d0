#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "wire/address.hpp"

namespace terminus::differential {

/// The answer of a link on which every address that is asked for is `mac`'s: to ARP requests and neighbour
/// solicitations but those for an address of the asker's own. Nothing for any other frame.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> answer_as(const wire::MacAddress& mac,
                                                                 base::Bytes frame);

}  // namespace terminus::differential
