#include "drill/token_stream.hpp"

namespace terminus::drill {
namespace {

std::string describe(const Token& token) {
    switch (token.kind) {
        case TokenKind::End:
            return "the end of the script";
        case TokenKind::Option:
            return "the option --" + token.text;
        case TokenKind::Code:
            return "%{ code }%";
        case TokenKind::Command:
            return "a command in back-ticks";
        case TokenKind::String:
            return '"' + token.text + '"';
        case TokenKind::Word:
        case TokenKind::Integer:
        case TokenKind::Hex:
        case TokenKind::Decimal:
        case TokenKind::Ellipsis:
        case TokenKind::Symbol:
            break;
    }
    return '`' + token.text + '`';
}

}  // namespace

bool TokenStream::accept_symbol(char symbol) {
    if (!is_symbol(symbol)) return false;
    take();
    return true;
}

bool TokenStream::accept_word(std::string_view word) {
    if (!is_word(word)) return false;
    take();
    return true;
}

bool TokenStream::expect_symbol(char symbol) {
    return accept_symbol(symbol) || fail_expected(std::string{'`', symbol, '`'});
}

bool TokenStream::expect_word(std::string_view word) {
    return accept_word(word) || fail_expected('`' + std::string(word) + '`');
}

bool TokenStream::expect_integer(std::string_view what, std::int64_t min, std::int64_t max,
                                 std::int64_t& value) {
    const Token& token = peek();
    if (token.kind != TokenKind::Integer && token.kind != TokenKind::Hex) return fail_expected(what);
    if (!token.integer || *token.integer < min || *token.integer > max) {
        return fail(std::string(what) + ' ' + token.text + " is not in " + std::to_string(min) + "…" +
                    std::to_string(max));
    }
    value = *token.integer;
    take();
    return true;
}

bool TokenStream::fail(std::string message) {
    return fail_at(line(), std::move(message));
}

bool TokenStream::fail_at(int line, std::string message) {
    if (!fault_) fault_ = Fault{line, std::move(message)};
    return false;
}

bool TokenStream::fail_linux_only(std::string message) {
    fail(std::move(message));
    fault_->is_skipped = true;
    return false;
}

bool TokenStream::fail_expected(std::string_view what) {
    return fail("expected " + std::string(what) + ", not " + describe(peek()));
}

}  // namespace terminus::drill
