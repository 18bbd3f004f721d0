#include "drill/code_tokens.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "drill/lexer.hpp"

namespace terminus::drill {
namespace {

using Kind = CodeToken::Kind;

// Longer ones first.
constexpr std::array<std::string_view, 41> kOperators{
    "<<=", ">>=", "//=", "**", "//", "<<", ">>", "<=", ">=", "==", "!=", "+=", "-=", "*=",
    "%=",  "&=",  "|=",  "^=", "/=", "+",  "-",  "*",  "/",  "%",  "&",  "|",  "^",  "~",
    "<",   ">",   "=",   "(",  ")",  ",",  ".",  "[",  "]",  "{",  "}",  ":",  "!"};

bool is_name(char c, bool is_first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!is_first && c >= '0' && c <= '9');
}

class CodeScanner {
 public:
    CodeScanner(std::string_view code, int line) : code_(code), line_(line) {}

    base::Result<std::vector<CodeToken>, Fault> run() {
        while (at_ < code_.size() && !fault_)
            scan_one();
        if (fault_) return base::Failure{*fault_};
        add(Kind::NewStatement, 0);
        add(Kind::End, 0);
        return std::move(tokens_);
    }

 private:
    void scan_one() {
        const char c = code_[at_];
        if (c == '\n' || c == ';') {
            if (parentheses_ == 0) add(Kind::NewStatement, 0);
            skip(1);
        } else if (c == ' ' || c == '\t' || c == '\r') {
            skip(1);
        } else if (c == '#') {
            skip(std::min(code_.find('\n', at_), code_.size()) - at_);
        } else if (c == '\\' && code_.substr(at_ + 1).starts_with('\n')) {
            skip(2);
        } else if (c >= '0' && c <= '9') {
            scan_number();
        } else if (c == '"' || c == '\'') {
            scan_text(c);
        } else if (is_name(c, true)) {
            std::size_t length = 1;
            while (at_ + length < code_.size() && is_name(code_[at_ + length], false))
                ++length;
            add(Kind::Name, length);
        } else {
            scan_operator();
        }
    }

    void scan_number() {
        std::size_t length = 1;
        while (at_ + length < code_.size() &&
               (is_name(code_[at_ + length], false) || code_[at_ + length] == '.'))
            ++length;
        const std::string_view text = code_.substr(at_, length);
        const auto number = parse_integer(text);
        if (!number) return fail("no 64-bit integer: " + std::string(text));
        add(Kind::Number, length);
        tokens_.back().number = *number;
    }

    void scan_text(char quote) {
        std::string text;
        std::size_t end = at_ + 1;
        for (; end < code_.size() && code_[end] != quote && code_[end] != '\n'; ++end) {
            if (code_[end] == '\\' && end + 1 < code_.size()) {
                ++end;
                text += code_[end] == 'n' ? '\n' : code_[end];
            } else {
                text += code_[end];
            }
        }
        if (end >= code_.size() || code_[end] != quote) return fail("a string that never ends");
        add(Kind::Text, end + 1 - at_);
        tokens_.back().text = std::move(text);
    }

    void scan_operator() {
        const std::string_view rest = code_.substr(at_);
        const auto* found = std::find_if(kOperators.begin(), kOperators.end(),
                                         [&](std::string_view text) { return rest.starts_with(text); });
        if (found == kOperators.end())
            return fail(std::string("no Python that is understood here: ") + rest[0]);
        if (*found == "(") ++parentheses_;
        if (*found == ")" && parentheses_ > 0) --parentheses_;
        add(Kind::Operator, found->size());
    }

    void add(Kind kind, std::size_t length) {
        tokens_.push_back({kind, line_, at_, std::string(code_.substr(at_, length)), 0});
        skip(length);
    }
    void skip(std::size_t length) {
        for (; length > 0; --length, ++at_)
            line_ += code_[at_] == '\n' ? 1 : 0;
    }
    void fail(std::string message) { fault_ = Fault{line_, std::move(message)}; }

    std::string_view code_;
    int line_;
    std::size_t at_ = 0;
    int parentheses_ = 0;
    std::vector<CodeToken> tokens_;
    std::optional<Fault> fault_;
};

}  // namespace

base::Result<std::vector<CodeToken>, Fault> scan_code(std::string_view code, int line) {
    return CodeScanner(code, line).run();
}

}  // namespace terminus::drill
