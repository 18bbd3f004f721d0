#include "text.hpp"

#include <array>
#include <cstring>
#include <stdexcept>
#include <string>

namespace terminus::bench {

void write_text(TextOf of, std::uint32_t connection, std::uint8_t* at, std::uint32_t bytes) {
    for (std::uint32_t offset = 0; offset < bytes; offset += 4) {
        const std::uint32_t word = (connection + offset * 2654435761u) ^ static_cast<std::uint32_t>(of);
        std::memcpy(at + offset, &word, bytes - offset < 4 ? bytes - offset : 4);
    }
}

std::uint32_t connection_of_text(TextOf of, const rte_mbuf& frame, std::uint32_t offset) {
    std::uint32_t word = 0;
    const void* const at = rte_pktmbuf_read(&frame, offset, sizeof word, &word);
    if (at == nullptr) throw std::runtime_error("a text without its connection's number");
    std::memcpy(&word, at, sizeof word);
    return word ^ static_cast<std::uint32_t>(of);
}

void check_text(TextOf of, std::uint32_t connection, const rte_mbuf& frame, std::uint32_t offset,
                std::uint32_t bytes) {
    std::array<std::uint8_t, kTextMax> wanted, copied;
    if (bytes > kTextMax) throw std::runtime_error("more text than was sent");
    write_text(of, connection, wanted.data(), bytes);
    const void* const at = rte_pktmbuf_read(&frame, offset, bytes, copied.data());
    if (at == nullptr || std::memcmp(at, wanted.data(), bytes) != 0)
        throw std::runtime_error("another text than connection " + std::to_string(connection) + "'s");
}

}  // namespace terminus::bench
