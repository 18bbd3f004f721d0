#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "wire/address.hpp"

/// The internet checksum (RFC 1071): a ones' complement sum of 16-bit words, which may be taken in pieces. A
/// partial sum is kept in 64 bits; each piece adds at most 17 bits, so 2^47 pieces would be needed to
/// overflow it.
namespace terminus::wire {

/// Sum of `data` as it would count at byte `offset` of the whole: only whether the offset is odd matters. At
/// most 0xffff. About 0.1 ns a byte.
[[nodiscard]] std::uint64_t sum(base::Bytes data, std::size_t offset = 0);

/// Sum of the pseudo-header (RFC 9293 3.1, RFC 8200 8.1); both addresses are of one family, which decides its
/// form.
[[nodiscard]] std::uint64_t pseudo_sum(const IpAddress& source, const IpAddress& destination,
                                       std::uint8_t protocol, std::uint32_t l4_length);

/// The carries added back in: 16 bits, in host order.
[[nodiscard]] constexpr std::uint16_t fold(std::uint64_t partial) {
    partial = (partial >> 32) + (partial & 0xffffffffu);
    partial = (partial >> 16) + (partial & 0xffffu);
    partial = (partial >> 16) + (partial & 0xffffu);
    partial = (partial >> 16) + (partial & 0xffffu);
    return static_cast<std::uint16_t>(partial);
}

/// What goes into the checksum field (by store_be16), when the field counted as zero in `partial`.
[[nodiscard]] constexpr std::uint16_t finish(std::uint64_t partial) {
    return static_cast<std::uint16_t>(~fold(partial));
}

/// Whether a sum that includes the checksum field (and the pseudo-header where there is one) proves the bytes
/// good.
[[nodiscard]] constexpr bool is_good(std::uint64_t partial) {
    return fold(partial) == 0xffff;
}

/// Sums the pieces of a chain in order, odd lengths included.
class ChecksumAccumulator {
 public:
    ChecksumAccumulator() = default;
    explicit ChecksumAccumulator(std::uint64_t partial) : partial_(partial) {}

    void add(base::Bytes piece) {
        partial_ += sum(piece, offset_);
        offset_ += piece.size();
    }
    [[nodiscard]] std::uint64_t partial() const { return partial_; }
    [[nodiscard]] std::size_t bytes() const { return offset_; }

 private:
    std::uint64_t partial_ = 0;
    std::size_t offset_ = 0;
};

/// The checksum of a whole TCP segment or ICMPv6 message whose checksum field is zero, ready for store_be16.
[[nodiscard]] std::uint16_t l4_checksum(const IpAddress& source, const IpAddress& destination,
                                        std::uint8_t protocol, base::Bytes message);

}  // namespace terminus::wire
