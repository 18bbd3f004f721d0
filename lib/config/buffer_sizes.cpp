#include <vector>

#include "config/key_row.hpp"
#include "config/value.hpp"

// What tcp.rmem and tcp.wmem can be.
namespace terminus::config::detail {
namespace {

// "4096 131072 6291456" as Linux writes it, "[4k, 128k, 6M]" as we do, or one of them.
std::vector<std::string_view> sizes_in(std::string_view text) {
    constexpr std::string_view kBetween = "[], \t";
    std::vector<std::string_view> sizes;
    for (std::size_t at = text.find_first_not_of(kBetween); at != std::string_view::npos;
         at = text.find_first_not_of(kBetween, at)) {
        const std::size_t end = std::min(text.find_first_of(kBetween, at), text.size());
        sizes.push_back(text.substr(at, end - at));
        at = end;
    }
    return sizes;
}

}  // namespace

std::string read_value(std::string_view text, const Key& key, BufferSizes& out) {
    const std::vector<std::string_view> sizes = sizes_in(text);
    if (sizes.size() != 1 && sizes.size() != 3)
        return quoted(text) + " is neither one size nor three (`[4k, 128k, 6M]`: least, first and most)";
    // One size is first and most; the least is what the key allows.
    std::array<std::uint32_t, 3> bytes{static_cast<std::uint32_t>(key.range.min)};
    for (std::size_t i = sizes.size() == 1 ? 1 : 0; i < bytes.size(); ++i) {
        const Parsed<std::int64_t> size = parse_number(sizes[sizes.size() == 1 ? 0 : i], key);
        if (!size) return size.error();
        bytes[i] = static_cast<std::uint32_t>(size.value());
    }
    if (bytes[0] > bytes[1] || bytes[1] > bytes[2])
        return quoted(text) + " is not in order: least, first and most";
    out = {bytes[0], bytes[1], bytes[2]};
    return {};
}

std::string write_value(const BufferSizes& value, const Key& key) {
    if (value.min == key.range.min && value.initial == value.max) return format_size(value.max);
    return "[" + format_size(value.min) + ", " + format_size(value.initial) + ", " + format_size(value.max) +
           "]";
}

}  // namespace terminus::config::detail
