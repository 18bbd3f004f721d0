#include "wire/address.hpp"

#include <arpa/inet.h>

#include <charconv>

namespace terminus::wire {

namespace {

constexpr std::size_t kTextMax = INET6_ADDRSTRLEN;  // 46, terminator included: nothing longer is an address

std::uint8_t family_bits(const IpAddress& address) {
    return address.is_v4() ? 32 : 128;
}

std::string v4_to_string(std::uint32_t address) {
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8) {
        text += std::to_string((address >> shift) & 0xff);
        if (shift > 0) text += '.';
    }
    return text;
}

std::string hex_to_string(std::uint32_t value) {
    char digits[8];
    const auto end = std::to_chars(digits, digits + sizeof digits, value, 16);
    return {digits, end.ptr};
}

struct ZeroRun {
    int first = -1;
    int length = 0;
};

// RFC 5952 4.2: the longest run of zero groups is shortened, the first of equals, and never a single group.
ZeroRun longest_zero_run(const std::array<std::uint16_t, 8>& groups) {
    ZeroRun best;
    for (int start = 0; start < 8;) {
        int end = start;
        while (end < 8 && groups[end] == 0)
            ++end;
        if (end - start >= 2 && end - start > best.length) best = {start, end - start};
        start = end + 1;
    }
    return best;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    char terminated[kTextMax];
    if (text.empty() || text.size() >= sizeof terminated) return std::nullopt;
    if (text.find('\0') != std::string_view::npos) return std::nullopt;
    std::memcpy(terminated, text.data(), text.size());
    terminated[text.size()] = '\0';

    std::array<std::uint8_t, 16> raw{};
    if (inet_pton(AF_INET, terminated, raw.data()) == 1) return v4(base::load_be32(raw.data()));
    if (inet_pton(AF_INET6, terminated, raw.data()) != 1) return std::nullopt;
    const IpAddress address = v6(raw);
    // The mapped form is how IPv4 is kept here, so it can't also name an address that is sent in an IPv6
    // header.
    if (address.is_v4()) return std::nullopt;
    return address;
}

bool IpAddress::is_link_local() const {
    if (is_v4()) return bytes_[12] == 169 && bytes_[13] == 254;
    return bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

std::string IpAddress::to_string() const {
    if (is_v4()) return v4_to_string(v4_host_order());
    std::array<std::uint16_t, 8> groups{};
    for (int i = 0; i < 8; ++i)
        groups[i] = base::load_be16(&bytes_[2 * i]);
    const ZeroRun run = longest_zero_run(groups);

    std::string text;
    for (int i = 0; i < 8; ++i) {
        if (i == run.first) {
            text += "::";
            i += run.length - 1;
            continue;
        }
        if (!text.empty() && text.back() != ':') text += ':';
        text += hex_to_string(groups[i]);
    }
    return text;
}

std::string Endpoint::to_string() const {
    const std::string host = address.is_v4() ? address.to_string() : '[' + address.to_string() + ']';
    return host + ':' + std::to_string(port);
}

std::string to_string(const MacAddress& address) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : address.bytes) {
        if (!text.empty()) text += ':';
        text += kDigits[byte >> 4];
        text += kDigits[byte & 0xf];
    }
    return text;
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto address = IpAddress::parse(text.substr(0, slash));
    if (!address) return std::nullopt;

    const std::string_view digits = text.substr(slash + 1);
    if (digits.empty() || digits.size() > 3 || (digits.size() > 1 && digits[0] == '0')) return std::nullopt;
    std::uint8_t bits = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    if (bits > family_bits(*address)) return std::nullopt;
    return Prefix{*address, bits};
}

bool Prefix::contains(const IpAddress& candidate) const {
    const bool is_v4 = address.is_v4();
    if (is_v4 != candidate.is_v4()) return false;
    const auto ours = address.halves();
    const auto theirs = candidate.halves();
    const unsigned compared = is_v4 ? 96u + bits : bits;  // what makes both mapped is the same
    if (compared == 0) return true;
    if (compared <= 64) return (ours[0] ^ theirs[0]) >> (64 - compared) == 0;
    return ours[0] == theirs[0] && (ours[1] ^ theirs[1]) >> (128 - compared) == 0;
}

std::optional<IpAddress> Prefix::directed_broadcast() const {
    if (!address.is_v4() || bits > 30) return std::nullopt;  // RFC 3021: a /31 has two hosts and no broadcast
    const std::uint32_t host_mask = bits == 0 ? 0xffffffffu : (1u << (32 - bits)) - 1;
    return IpAddress::v4(address.v4_host_order() | host_mask);
}

std::string Prefix::to_string() const {
    return address.to_string() + '/' + std::to_string(bits);
}

}  // namespace terminus::wire
