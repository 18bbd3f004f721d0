#include "drill/lexer.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace terminus::drill {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_word(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// Resolves C's escapes; what C doesn't know stays as it is.
std::string unescape(std::string_view raw) {
    constexpr std::pair<char, char> kEscapes[] = {{'n', '\n'}, {'t', '\t'},  {'r', '\r'},
                                                  {'0', '\0'}, {'\\', '\\'}, {'"', '"'}};
    std::string text;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        if (raw[i] != '\\' || i + 1 == raw.size()) {
            text += raw[i];
            continue;
        }
        const char next = raw[++i];
        unsigned byte = 0;
        if (next == 'x' && i + 2 < raw.size() &&
            std::from_chars(raw.data() + i + 1, raw.data() + i + 3, byte, 16).ptr == raw.data() + i + 3) {
            text += static_cast<char>(byte);
            i += 2;
            continue;
        }
        const auto* found = kEscapes;
        while (found != std::end(kEscapes) && found->first != next)
            ++found;
        if (found == std::end(kEscapes)) text += '\\';
        text += found == std::end(kEscapes) ? next : found->second;
    }
    return text;
}

class Scanner {
 public:
    Scanner(std::string_view script, const Definitions& definitions)
        : rest_(script), fixed_(definitions), definitions_(definitions) {}

    base::Result<std::vector<Token>, Fault> run() {
        while (skip_blanks()) {
            if (!scan_one()) break;
        }
        if (fault_) return base::Failure{*fault_};
        tokens_.push_back({TokenKind::End, line_, "", "", false, {}});
        return std::move(tokens_);
    }

 private:
    /// False at the end of the script, or at a comment that never ends.
    bool skip_blanks() {
        while (!rest_.empty()) {
            if (is_space(rest_.front())) {
                take(1);
            } else if (rest_.starts_with("//")) {
                take(std::min(rest_.find('\n'), rest_.size()));
            } else if (rest_.starts_with("/*")) {
                const std::size_t end = rest_.find("*/", 2);
                if (end == std::string_view::npos) return fail("a comment that never ends");
                take(end + 2);
            } else {
                return true;
            }
        }
        return false;
    }

    bool scan_one() {
        if (rest_.starts_with("--") && rest_.size() > 2 && is_word(rest_[2])) return scan_option();
        if (rest_.starts_with("%{")) return scan_code();
        if (rest_.starts_with("...")) return add(TokenKind::Ellipsis, 3);
        const char first = rest_.front();
        if (first == '"') return scan_quoted('"', TokenKind::String);
        if (first == '`') return scan_quoted('`', TokenKind::Command);
        const std::size_t decimal = decimal_length();
        const std::size_t integer = integer_length();
        std::size_t word = 0;
        while (word < rest_.size() && is_word(rest_[word]))
            ++word;
        if (decimal > word) return add(TokenKind::Decimal, decimal);
        if (integer != 0 && integer >= word) return add(TokenKind::Integer, integer);
        if (word != 0) return scan_word(word);
        return add(TokenKind::Symbol, 1);
    }

    [[nodiscard]] std::size_t integer_length() const {
        const std::size_t start = rest_.front() == '-' ? 1 : 0;
        std::size_t end = start;
        while (end < rest_.size() && is_digit(rest_[end]))
            ++end;
        return end == start ? 0 : end;
    }
    [[nodiscard]] std::size_t decimal_length() const {
        std::size_t point = rest_.front() == '-' ? 1 : 0;
        while (point < rest_.size() && is_digit(rest_[point]))
            ++point;
        if (point + 1 >= rest_.size() || rest_[point] != '.' || !is_digit(rest_[point + 1])) return 0;
        std::size_t end = point + 1;
        while (end < rest_.size() && is_digit(rest_[end]))
            ++end;
        return end;
    }

    bool scan_word(std::size_t length) {
        const std::string_view word = rest_.substr(0, length);
        if (word.starts_with("0x") && parse_integer(word)) return add(TokenKind::Hex, length);
        const auto defined = definitions_.find(word);
        if (defined == definitions_.end()) return add(TokenKind::Word, length);
        add(TokenKind::Word, length);
        replace(tokens_.back(), defined->second);
        return true;
    }

    static void replace(Token& token, const std::string& value) {
        const bool is_quoted = value.size() >= 2 && value.front() == value.back();
        const std::string inner = is_quoted ? value.substr(1, value.size() - 2) : value;
        token.text = inner;
        if (is_quoted && value.front() == '"') {
            token.kind = TokenKind::String;
            token.text = unescape(inner);
        } else if (is_quoted && value.front() == '`') {
            token.kind = TokenKind::Command;
        } else if (token.integer = parse_integer(value); token.integer) {
            token.kind = value.starts_with("0x") ? TokenKind::Hex : TokenKind::Integer;
        }
    }

    bool scan_option() {
        std::size_t end = 2;
        while (end < rest_.size() && is_word(rest_[end]))
            ++end;
        Token token{TokenKind::Option, line_, std::string(rest_.substr(2, end - 2)), "", false, {}};
        take(end);
        if (rest_.starts_with('=')) {
            take(1);
            token.has_value = true;
            if (!scan_option_value(token.value)) return false;
        }
        if (token.text == "define") {
            Definitions own;
            if (!add_definition(token.value, own)) return fail("--define wants NAME=VALUE");
            for (auto& [name, value] : own)
                if (fixed_.count(name) == 0) definitions_.insert_or_assign(name, value);
        }
        tokens_.push_back(std::move(token));
        return true;
    }

    /// Up to the next blank that is not between quotes. Quotes around the whole value go, those within stay.
    bool scan_option_value(std::string& value) {
        std::size_t end = 0;
        while (end < rest_.size() && !is_space(rest_[end])) {
            const char c = rest_[end];
            if (c == '"' || c == '`') {
                end = rest_.find(c, end + 1);
                if (end == std::string_view::npos) return fail("a quotation that never ends");
            }
            ++end;
        }
        std::string_view text = rest_.substr(0, end);
        if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
            text = text.substr(1, text.size() - 2);
        value = std::string(text);
        take(end);
        return true;
    }

    bool scan_code() {
        const std::size_t end = rest_.find("}%");
        if (end == std::string_view::npos) return fail("%{ without }%");
        tokens_.push_back({TokenKind::Code, line_, std::string(rest_.substr(2, end - 2)), "", false, {}});
        take(end + 2);
        return true;
    }

    bool scan_quoted(char quote, TokenKind kind) {
        std::size_t end = 1;
        while (end < rest_.size() && rest_[end] != quote)
            end += rest_[end] == '\\' ? 2 : 1;
        if (end >= rest_.size()) return fail("a quotation that never ends");
        const std::string_view inner = rest_.substr(1, end - 1);
        std::string text = kind == TokenKind::String ? unescape(inner) : std::string(inner);
        tokens_.push_back({kind, line_, std::move(text), "", false, {}});
        take(end + 1);
        return true;
    }

    bool add(TokenKind kind, std::size_t length) {
        Token token{kind, line_, std::string(rest_.substr(0, length)), "", false, {}};
        if (kind == TokenKind::Integer || kind == TokenKind::Hex) token.integer = parse_integer(token.text);
        tokens_.push_back(std::move(token));
        take(length);
        return true;
    }

    void take(std::size_t length) {
        for (const char c : rest_.substr(0, length))
            line_ += c == '\n' ? 1 : 0;
        rest_.remove_prefix(length);
    }

    bool fail(std::string message) {
        fault_ = Fault{line_, std::move(message)};
        return false;
    }

    std::string_view rest_;
    const Definitions& fixed_;
    Definitions definitions_;
    int line_ = 1;
    std::vector<Token> tokens_;
    std::optional<Fault> fault_;
};

}  // namespace

base::Result<std::vector<Token>, Fault> scan(std::string_view script, const Definitions& definitions) {
    return Scanner(script, definitions).run();
}

std::optional<base::Duration> parse_seconds(std::string_view text) {
    constexpr std::int64_t kNanoseconds = 1'000'000'000;
    constexpr std::int64_t kSecondsMax = 1'000'000'000;
    const std::size_t point = text.find('.');
    const std::string_view whole = text.substr(0, point);
    const std::string_view part = point == std::string_view::npos ? "" : text.substr(point + 1);
    if (whole.empty() && part.empty()) return std::nullopt;
    std::int64_t seconds = 0;
    for (const char c : whole) {
        if (!is_digit(c)) return std::nullopt;
        seconds = seconds * 10 + (c - '0');
        if (seconds > kSecondsMax) return std::nullopt;
    }
    if (part.size() > 9) return std::nullopt;
    std::int64_t fraction = 0;
    std::int64_t unit = kNanoseconds;
    for (const char c : part) {
        if (!is_digit(c)) return std::nullopt;
        unit /= 10;
        fraction += (c - '0') * unit;
    }
    return base::Duration(seconds * kNanoseconds + fraction);
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
    const bool is_negative = text.starts_with('-');
    if (is_negative) text.remove_prefix(1);
    const bool is_hex = text.starts_with("0x");
    if (is_hex) text.remove_prefix(2);
    if (text.empty()) return std::nullopt;
    std::int64_t value = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value, is_hex ? 16 : 10);
    if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
    return is_negative ? -value : value;
}

bool add_definition(std::string_view text, Definitions& definitions) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string_view::npos) return false;
    definitions.insert_or_assign(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
    return true;
}

}  // namespace terminus::drill
