#include <charconv>

#include "config/key_row.hpp"
#include "config/value.hpp"

// What tcp.fastopen and tcp.fastopen_key can be.
namespace terminus::config {
namespace {

using KeyBytes = std::array<std::uint8_t, 16>;

constexpr std::size_t kGroups = 4;
constexpr std::size_t kGroupDigits = 8;
constexpr std::size_t kKeyDigits = kGroups * (kGroupDigits + 1) - 1;
// What Linux has: active, passive, active without a cookie, passive without a cookie, every listener.
constexpr unsigned kBits = 0x1 | 0x2 | 0x4 | 0x200 | 0x400;

// Linux writes each group as a number and keeps it in little-endian order.
std::optional<KeyBytes> parse_key(std::string_view text) {
    if (text.size() != kKeyDigits) return std::nullopt;
    KeyBytes bytes{};
    for (std::size_t group = 0; group < kGroups; ++group) {
        const std::size_t at = group * (kGroupDigits + 1);
        if (group > 0 && text[at - 1] != '-') return std::nullopt;
        std::uint32_t number = 0;
        const char* const first = text.data() + at;
        const auto [end, error] = std::from_chars(first, first + kGroupDigits, number, 16);
        if (error != std::errc{} || end != first + kGroupDigits) return std::nullopt;
        for (std::size_t i = 0; i < sizeof number; ++i)
            bytes[group * sizeof number + i] = static_cast<std::uint8_t>(number >> (8 * i));
    }
    return bytes;
}

std::string format_key(const KeyBytes& bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (std::size_t group = 0; group < kGroups; ++group) {
        if (group > 0) text += '-';
        for (std::size_t i = 4; i-- > 0;) {
            const unsigned byte = bytes[group * 4 + i];
            text += kDigits[byte >> 4];
            text += kDigits[byte & 15u];
        }
    }
    return text;
}

}  // namespace

Parsed<FastOpenKey> parse_fast_open_key(std::string_view text) {
    const std::size_t comma = text.find(',');
    const auto primary = parse_key(text.substr(0, comma));
    FastOpenKey key;
    if (primary) key.primary = *primary;
    bool is_good = primary.has_value();
    if (comma != std::string_view::npos) {
        key.backup = parse_key(text.substr(comma + 1));
        is_good = is_good && key.backup.has_value();
    }
    // The text is a secret: it is not repeated.
    if (!is_good)
        return base::Failure{std::string(
            "is not a key as `00112233-44556677-8899aabb-ccddeeff`, or two with a comma between")};
    return key;
}

std::string format_fast_open_key(const FastOpenKey& key) {
    return key.backup ? format_key(key.primary) + ',' + format_key(*key.backup) : format_key(key.primary);
}

std::string fast_open_fault(const Tcp& tcp) {
    const unsigned bits = tcp.fastopen;
    if ((bits & ~kBits) != 0)
        return "`fastopen` " + std::to_string(bits) + " has bits that are none of 1, 2, 4, 512 and 1024";
    return {};
}

namespace detail {

std::string read_value(std::string_view text, const Key&, FastOpenKey& out) {
    const Parsed<FastOpenKey> key = parse_fast_open_key(text);
    if (!key) return key.error();
    out = key.value();
    return {};
}

std::string write_value(const FastOpenKey& value, const Key&) {
    return format_fast_open_key(value);
}

}  // namespace detail
}  // namespace terminus::config
