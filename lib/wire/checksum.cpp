#include "wire/checksum.hpp"

namespace terminus::wire {

namespace {

// Native loads: byte order does not matter to a ones' complement sum but for one swap at the end (RFC 1071
// 2B).
template <typename Word>
std::uint64_t load(const std::uint8_t* at) {
    Word word;
    std::memcpy(&word, at, sizeof word);
    return word;
}

std::uint64_t add_with_carry(std::uint64_t total, std::uint64_t word) {
    total += word;
    return total + (total < word ? 1 : 0);
}

std::uint64_t sum_native(base::Bytes data) {
    const std::uint8_t* at = data.data();
    std::size_t left = data.size();
    std::uint64_t even = 0;
    std::uint64_t odd = 0;  // two chains of additions, so that one's carry need not wait for the other's
    for (; left >= 16; at += 16, left -= 16) {
        even = add_with_carry(even, load<std::uint64_t>(at));
        odd = add_with_carry(odd, load<std::uint64_t>(at + 8));
    }
    std::uint64_t total = add_with_carry(even, odd);
    if (left >= 8) {
        total = add_with_carry(total, load<std::uint64_t>(at));
        at += 8;
        left -= 8;
    }
    if (left >= 4) {
        total = add_with_carry(total, load<std::uint32_t>(at));
        at += 4;
        left -= 4;
    }
    if (left >= 2) {
        total = add_with_carry(total, load<std::uint16_t>(at));
        at += 2;
        left -= 2;
    }
    if (left == 1) total = add_with_carry(total, *at);  // little-endian: the byte before a zero
    return total;
}

}  // namespace

std::uint64_t sum(base::Bytes data, std::size_t offset) {
    const std::uint16_t native = fold(sum_native(data));
    return offset % 2 == 0 ? __builtin_bswap16(native) : native;
}

std::uint64_t pseudo_sum(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                         std::uint32_t l4_length) {
    // RFC 8200 8.1 has a 32-bit length and RFC 9293 a 16-bit one; both are the same sum.
    const std::uint64_t rest = protocol + (l4_length >> 16) + (l4_length & 0xffffu);
    if (!source.is_v4()) return sum(source.wire_bytes()) + sum(destination.wire_bytes()) + rest;
    const std::uint64_t addresses = std::uint64_t{source.v4_host_order()} + destination.v4_host_order();
    return fold(addresses) + rest;
}

std::uint16_t l4_checksum(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                          base::Bytes message) {
    return finish(pseudo_sum(source, destination, protocol, static_cast<std::uint32_t>(message.size())) +
                  sum(message));
}

}  // namespace terminus::wire
