#include <algorithm>
#include <limits>
#include <string_view>

#include "drill/parse_parts.hpp"
#include "drill/tcp_options.hpp"
#include "wire/tcp.hpp"

namespace terminus::drill {
namespace {

constexpr std::int64_t kU32Max = std::numeric_limits<std::uint32_t>::max();

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// Hex digits without 0x, or none.
bool parse_cookie(TokenStream& tokens, std::vector<std::uint8_t>& cookie) {
    if (!tokens.is(TokenKind::Word) && !tokens.is(TokenKind::Integer)) return true;
    const std::string& text = tokens.peek().text;
    if (text.size() % 2 != 0) return tokens.fail("a cookie with an odd number of digits: " + text);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_digit(text[i]);
        const int low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0) return tokens.fail("a cookie that is not hexadecimal: " + text);
        cookie.push_back(static_cast<std::uint8_t>(high * 16 + low));
    }
    tokens.take();
    return true;
}

bool parse_sack(TokenStream& tokens, OptionSpec& option) {
    do {
        std::int64_t left = 0;
        std::int64_t right = 0;
        if (!tokens.expect_integer("a SACK block's left edge", 0, kU32Max, left) ||
            !tokens.expect_symbol(':') ||
            !tokens.expect_integer("a SACK block's right edge", 0, kU32Max, right)) {
            return false;
        }
        option.blocks.emplace_back(static_cast<std::uint32_t>(left), static_cast<std::uint32_t>(right));
    } while (tokens.is(TokenKind::Integer));
    return true;
}

bool parse_timestamps(TokenStream& tokens, OptionSpec& option) {
    std::int64_t value = 0;
    std::int64_t echo = 0;
    if (!tokens.expect_word("val") || !tokens.expect_integer("val", 0, kU32Max, value) ||
        !tokens.expect_word("ecr") || !tokens.expect_integer("ecr", 0, kU32Max, echo)) {
        return false;
    }
    option.value = static_cast<std::uint32_t>(value);
    option.echo = static_cast<std::uint32_t>(echo);
    return true;
}

bool parse_number(TokenStream& tokens, std::string_view what, std::int64_t max, OptionSpec& option) {
    std::int64_t value = 0;
    if (!tokens.expect_integer(what, 0, max, value)) return false;
    option.value = static_cast<std::uint32_t>(value);
    return true;
}

bool parse_option(TokenStream& tokens, OptionSpec& option) {
    using Kind = OptionSpec::Kind;
    constexpr std::pair<std::string_view, Kind> kNames[] = {
        {"nop", Kind::Nop},       {"eol", Kind::Eol},       {"mss", Kind::Mss},
        {"wscale", Kind::Wscale}, {"sackOK", Kind::SackOk}, {"sack", Kind::Sack},
        {"TS", Kind::Timestamps}, {"FO", Kind::FastOpen},   {"FOEXP", Kind::FastOpenExp}};
    if (tokens.is_word("md5")) return tokens.fail_linux_only("TCP MD5 signatures (RFC 2385)");
    if (tokens.is_word("ECN")) return tokens.fail("the option of AccECN is not here");
    const auto* found = std::find_if(std::begin(kNames), std::end(kNames),
                                     [&](const auto& name) { return tokens.is_word(name.first); });
    if (found == std::end(kNames)) return tokens.fail_expected("the name of a TCP option");
    tokens.take();
    option.kind = found->second;
    switch (option.kind) {
        case Kind::Mss:
            return parse_number(tokens, "mss", 65535, option);
        case Kind::Wscale:
            return parse_number(tokens, "wscale", 255, option);
        case Kind::Sack:
            return parse_sack(tokens, option);
        case Kind::Timestamps:
            return parse_timestamps(tokens, option);
        case Kind::FastOpen:
        case Kind::FastOpenExp:
            return parse_cookie(tokens, option.bytes);
        case Kind::Nop:
        case Kind::Eol:
        case Kind::SackOk:
        case Kind::Raw:
            break;
    }
    return true;
}

}  // namespace

bool parse_tcp_options(TokenStream& tokens, TcpSpec& packet) {
    if (!tokens.accept_symbol('<')) return true;
    if (tokens.is(TokenKind::Ellipsis)) {
        tokens.take();
        packet.any_options = true;
        return tokens.expect_symbol('>');
    }
    const int line = tokens.line();
    do {
        if (!parse_option(tokens, packet.options.emplace_back())) return false;
    } while (tokens.accept_symbol(','));
    if (!tokens.expect_symbol('>')) return false;
    const std::size_t length = encode_options(packet.options).size();
    if (length > wire::kTcpOptionsMax) {
        return tokens.fail_at(line, std::to_string(length) + " bytes of options; a header holds 40");
    }
    return length % 4 == 0 ||
           tokens.fail_at(line, std::to_string(length) + " bytes of options are no multiple of 4");
}

}  // namespace terminus::drill
