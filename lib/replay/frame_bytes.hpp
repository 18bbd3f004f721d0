#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <vector>

#include "packet/slice.hpp"

namespace terminus::replay {

/// A frame's bytes over all its pieces.
[[nodiscard]] inline std::vector<std::uint8_t> bytes_of(const packet::Buffer& frame) {
    std::vector<std::uint8_t> bytes;
    bytes.reserve(frame.length());
    for (const rte_mbuf* segment = frame.get(); segment != nullptr; segment = segment->next) {
        const auto* const data = rte_pktmbuf_mtod(segment, const std::uint8_t*);
        bytes.insert(bytes.end(), data, data + segment->data_len);
    }
    return bytes;
}

}  // namespace terminus::replay
