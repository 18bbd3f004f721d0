#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace terminus::wire {

/// Six bytes of Ethernet address.
struct MacAddress {
    std::array<std::uint8_t, 6> bytes{};

    [[nodiscard]] static constexpr MacAddress broadcast() { return {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}; }
    /// Group bit of the first octet: multicast, broadcast included.
    [[nodiscard]] constexpr bool is_group() const { return (bytes[0] & 1) != 0; }
    [[nodiscard]] constexpr bool is_zero() const { return *this == MacAddress{}; }
    friend constexpr auto operator<=>(const MacAddress&, const MacAddress&) = default;
};

/// One key type for both families: an IPv6 address, or an IPv4 one in its mapped form ::ffff:a.b.c.d
/// (RFC 4291 2.5.5.2). A mapped address that arrives inside an IPv6 header is refused by the parser, so the
/// two families can't be confused.
class IpAddress {
 public:
    constexpr IpAddress() = default;

    [[nodiscard]] static constexpr IpAddress v4(std::uint32_t host_order) {
        const std::uint64_t low = kMapped | std::uint64_t{__builtin_bswap32(host_order)} << 32;
        return v6(std::bit_cast<std::array<std::uint8_t, 16>>(std::array<std::uint64_t, 2>{0, low}));
    }
    [[nodiscard]] static constexpr IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c,
                                                std::uint8_t d) {
        return v4((std::uint32_t{a} << 24) | (std::uint32_t{b} << 16) | (std::uint32_t{c} << 8) | d);
    }
    [[nodiscard]] static constexpr IpAddress v6(const std::array<std::uint8_t, 16>& network_order) {
        IpAddress address;
        address.bytes_ = network_order;
        return address;
    }
    /// "192.0.2.1" or "2001:db8::1" (RFC 4291 2.2); nothing for anything else. No zone, no port.
    [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);

    [[nodiscard]] constexpr bool is_v4() const {
        const auto native = std::bit_cast<std::array<std::uint64_t, 2>>(bytes_);
        return native[0] == 0 && static_cast<std::uint32_t>(native[1]) == kMapped;
    }
    [[nodiscard]] constexpr std::uint32_t v4_host_order() const {
        return (std::uint32_t{bytes_[12]} << 24) | (std::uint32_t{bytes_[13]} << 16) |
               (std::uint32_t{bytes_[14]} << 8) | bytes_[15];
    }
    /// All 16 bytes, network order.
    [[nodiscard]] constexpr const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
    /// The bytes as they stand in a header of the address's family: 4 or 16.
    [[nodiscard]] base::Bytes wire_bytes() const {
        return is_v4() ? base::Bytes(bytes_).subspan(12) : base::Bytes(bytes_);
    }

    /// 224.0.0.0/4, ff00::/8
    [[nodiscard]] constexpr bool is_multicast() const {
        return is_v4() ? (bytes_[12] & 0xf0) == 0xe0 : bytes_[0] == 0xff;
    }
    /// 127.0.0.0/8, ::1
    [[nodiscard]] constexpr bool is_loopback() const {
        return is_v4() ? bytes_[12] == 127 : *this == v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
    }
    /// 0.0.0.0, ::
    [[nodiscard]] constexpr bool is_unspecified() const {
        return is_v4() ? v4_host_order() == 0 : *this == IpAddress{};
    }
    [[nodiscard]] bool is_link_local() const;  ///< 169.254.0.0/16, fe80::/10
    /// 255.255.255.255; directed broadcasts are known only to `neigh`, which has the prefixes.
    [[nodiscard]] constexpr bool is_limited_broadcast() const {
        return is_v4() && v4_host_order() == 0xffffffffu;
    }

    /// RFC 5952 form; for logs and the admin side, never per packet.
    [[nodiscard]] std::string to_string() const;

    /// The upper and the lower 64 bits. Addresses are compared several times a packet, and in two words that
    /// costs a fraction of what it does byte by byte.
    [[nodiscard]] constexpr std::array<std::uint64_t, 2> halves() const {
        const auto native = std::bit_cast<std::array<std::uint64_t, 2>>(bytes_);
        return {__builtin_bswap64(native[0]), __builtin_bswap64(native[1])};
    }
    friend constexpr bool operator==(const IpAddress& a, const IpAddress& b) {
        const auto ours = std::bit_cast<std::array<std::uint64_t, 2>>(a.bytes_);
        const auto theirs = std::bit_cast<std::array<std::uint64_t, 2>>(b.bytes_);
        return ((ours[0] ^ theirs[0]) | (ours[1] ^ theirs[1])) == 0;
    }
    /// As their bytes are ordered.
    friend constexpr std::strong_ordering operator<=>(const IpAddress& a, const IpAddress& b) {
        const auto ours = a.halves();
        const auto theirs = b.halves();
        return ours[0] != theirs[0] ? ours[0] <=> theirs[0] : ours[1] <=> theirs[1];
    }

 private:
    /// Bytes 8 … 11 of a mapped address, as x86 loads them.
    static constexpr std::uint32_t kMapped = 0xffff0000;

    std::array<std::uint8_t, 16> bytes_{};
};

/// Address and port. Ports are host order everywhere but in a packet.
struct Endpoint {
    IpAddress address;
    std::uint16_t port = 0;

    [[nodiscard]] std::string to_string() const;  ///< "192.0.2.1:80", "[2001:db8::1]:80"
    friend constexpr auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// A connection's name as this host sees it: `local` is ours in both directions.
struct FourTuple {
    Endpoint local;
    Endpoint remote;

    friend constexpr auto operator<=>(const FourTuple&, const FourTuple&) = default;
};

/// "02:00:00:00:00:01", lower case.
[[nodiscard]] std::string to_string(const MacAddress& address);

/// An address prefix: a route's or an interface's network.
struct Prefix {
    IpAddress address;      ///< host bits are kept as written
    std::uint8_t bits = 0;  ///< 0…32 for IPv4, 0…128 for IPv6, counted within the family

    /// "192.0.2.0/24", "2001:db8::/32"; nothing when malformed or too long for the family.
    [[nodiscard]] static std::optional<Prefix> parse(std::string_view text);
    /// False when the families differ.
    [[nodiscard]] bool contains(const IpAddress& candidate) const;
    /// The last address of an IPv4 network of at most /30; nothing for others (RFC 3021).
    [[nodiscard]] std::optional<IpAddress> directed_broadcast() const;
    [[nodiscard]] std::string to_string() const;
    friend constexpr auto operator<=>(const Prefix&, const Prefix&) = default;
};

}  // namespace terminus::wire
