#include "config/value.hpp"

#include <algorithm>
#include <cctype>
#include <limits>
#include <vector>

namespace terminus::config {
namespace {

/// The digits that `text` begins with, and what follows them.
struct Number {
    std::uint64_t value = 0;
    std::string_view rest;
};

std::optional<Number> leading_number(std::string_view text) {
    Number number;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number.value);
    if (error != std::errc{}) return std::nullopt;
    number.rest = text.substr(static_cast<std::size_t>(end - text.data()));
    return number;
}

base::Failure<std::string> fault(std::string_view text, std::string_view what) {
    return base::Failure{quoted(text) + " " + std::string(what)};
}

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};
constexpr std::array kTimeUnits{
    Unit{"us", 1'000},         Unit{"ms", 1'000'000},        Unit{"s", 1'000'000'000},
    Unit{"m", 60'000'000'000}, Unit{"h", 3'600'000'000'000}, Unit{"d", 86'400'000'000'000}};
constexpr std::array kSizeUnits{Unit{"", 1}, Unit{"k", 1 << 10}, Unit{"M", 1 << 20}, Unit{"G", 1 << 30}};

}  // namespace

std::string quoted(std::string_view text) {
    constexpr std::size_t kShown = 60;
    std::string shown;
    for (const char c : text.substr(0, kShown)) {
        shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    }
    return "`" + shown + (text.size() > kShown ? "…`" : "`");
}

Parsed<Duration> parse_duration(std::string_view text) {
    const std::optional<Number> number = leading_number(text);
    if (!number) return fault(text, "is not a duration (`100us`, `200ms`, `60s`, `5m`, `2h`, `1d`)");
    if (number->rest.empty()) {
        if (number->value == 0) return Duration{0};
        return fault(text, "has no unit; did you mean " + quoted(std::string(text) + "s") + "?");
    }
    for (const Unit& unit : kTimeUnits) {
        if (unit.name != number->rest) continue;
        if (number->value >
            static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / unit.factor) {
            return fault(text, "is longer than any clock runs");
        }
        return Duration{static_cast<std::int64_t>(number->value * unit.factor)};
    }
    return fault(text, "is not a duration: the units are us, ms, s, m, h and d, after a whole number");
}

Parsed<std::uint64_t> parse_size(std::string_view text) {
    const std::optional<Number> number = leading_number(text);
    if (!number) return fault(text, "is not a size (`512`, `64k`, `1M`, `2G`)");
    for (const Unit& unit : kSizeUnits) {
        const bool kilo = unit.name == "k" && number->rest == "K";
        if (unit.name != number->rest && !kilo) continue;
        if (number->value > std::numeric_limits<std::uint64_t>::max() / unit.factor) {
            return fault(text, "is larger than any memory");
        }
        return number->value * unit.factor;
    }
    return fault(text, "is not a size: the units are k, M and G (powers of 1024), after a whole number");
}

Parsed<std::uint64_t> parse_count(std::string_view text) {
    const std::optional<Number> number = leading_number(text);
    if (!number || !number->rest.empty()) return fault(text, "is not a whole number");
    return number->value;
}

Parsed<std::uint64_t> parse_mode(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 8);
    if (error != std::errc{} || end != text.data() + text.size() || text.size() < 3 || text.size() > 4) {
        return fault(text, "is not a file mode (octal, as `0660`)");
    }
    return value;
}

Parsed<bool> parse_bool(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (lower == "true" || lower == "yes" || lower == "on" || lower == "1") return true;
    if (lower == "false" || lower == "no" || lower == "off" || lower == "0") return false;
    return fault(text, "is neither true nor false");
}

Parsed<wire::IpAddress> parse_address(std::string_view text) {
    if (const auto address = wire::IpAddress::parse(text)) return *address;
    if (text.find('/') != std::string_view::npos)
        return fault(text, "has a prefix length; an address has none");
    return fault(text, "is not an IP address");
}

Parsed<wire::Prefix> parse_prefix(std::string_view text) {
    if (const auto prefix = wire::Prefix::parse(text)) return *prefix;
    if (const auto address = wire::IpAddress::parse(text)) {
        return fault(text, "has no prefix length; did you mean " +
                               quoted(std::string(text) + (address->is_v4() ? "/24" : "/64")) + "?");
    }
    return fault(text, "is not an address with prefix length (`192.0.2.1/24`, `2001:db8::1/64`)");
}

Parsed<wire::Endpoint> parse_endpoint(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (const auto bare = wire::IpAddress::parse(text)) {
        const std::string example =
            bare->is_v4() ? std::string(text) + ":80" : "[" + std::string(text) + "]:80";
        return fault(text, "has no port; it is written " + quoted(example));
    }
    if (colon == std::string_view::npos) return fault(text, "is not an address and port (`192.0.2.1:80`)");
    std::string_view host = text.substr(0, colon);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    const auto address = wire::IpAddress::parse(host);
    if (!address) return fault(text, "is not an address and port (`192.0.2.1:80`, `[2001:db8::1]:80`)");
    if (address->is_v4() == bracketed) {
        return fault(text,
                     bracketed ? "has an IPv4 address in brackets" : "needs its IPv6 address in brackets");
    }
    const auto port = parse_count(text.substr(colon + 1));
    if (!port || port.value() > 65535) return fault(text, "has no port between 0 and 65535");
    return wire::Endpoint{*address, static_cast<std::uint16_t>(port.value())};
}

std::string format_duration(Duration value) {
    if (value.count() == 0) return "0s";
    const auto ns = static_cast<std::uint64_t>(value.count());
    for (std::size_t i = kTimeUnits.size(); i-- > 0;) {
        // Days are read but not written: Linux and people say 24h as well as 1d, and 2h, never 0.08d.
        if (kTimeUnits[i].name == "d" || ns % kTimeUnits[i].factor != 0) continue;
        // 60s stays 60s: a minute is only said for what is longer than the usual numbers of seconds.
        if (kTimeUnits[i].name == "m" && ns <= 120'000'000'000) continue;
        return std::to_string(ns / kTimeUnits[i].factor) + std::string(kTimeUnits[i].name);
    }
    return std::to_string(ns / 1000) + "us";
}

std::string format_size(std::uint64_t value) {
    for (std::size_t i = kSizeUnits.size(); i-- > 0;) {
        if (value != 0 && value % kSizeUnits[i].factor == 0) {
            return std::to_string(value / kSizeUnits[i].factor) + std::string(kSizeUnits[i].name);
        }
    }
    return std::to_string(value);
}

std::string format_mode(std::uint64_t value) {
    std::string digits;
    for (int shift = 9; shift >= 0; shift -= 3)
        digits += static_cast<char>('0' + ((value >> shift) & 7));
    return digits;
}

// Damerau's distance with adjacent swaps, in three rows.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    constexpr std::size_t kLongest = 64;
    a = a.substr(0, kLongest);
    b = b.substr(0, kLongest);
    std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t changed = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, changed});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
        std::swap(before, last);
        std::swap(last, row);
    }
    return last[b.size()];
}

}  // namespace terminus::config
