#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drill/fault.hpp"
#include "drill/lexer.hpp"

namespace terminus::drill {

/// The parser's view of a script's tokens. What expects something and finds something else notes a fault,
/// the first of which stays, and gives a default; parsing functions return false as soon as there is one.
class TokenStream {
 public:
    explicit TokenStream(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

    /// The next token, and the one after it; the End token again and again.
    [[nodiscard]] const Token& peek(std::size_t ahead = 0) const {
        return tokens_[at_ + ahead < tokens_.size() ? at_ + ahead : tokens_.size() - 1];
    }
    const Token& take() {
        const Token& token = peek();
        if (at_ + 1 < tokens_.size()) ++at_;
        return token;
    }
    [[nodiscard]] int line() const { return peek().line; }

    [[nodiscard]] bool is(TokenKind kind) const { return peek().kind == kind; }
    [[nodiscard]] bool is_symbol(char symbol, std::size_t ahead = 0) const {
        return peek(ahead).kind == TokenKind::Symbol && peek(ahead).text.front() == symbol;
    }
    [[nodiscard]] bool is_word(std::string_view word, std::size_t ahead = 0) const {
        return peek(ahead).kind == TokenKind::Word && peek(ahead).text == word;
    }
    /// Takes it if it is there.
    bool accept_symbol(char symbol);
    bool accept_word(std::string_view word);
    /// Takes it or fails.
    bool expect_symbol(char symbol);
    bool expect_word(std::string_view word);
    /// A decimal or hexadecimal number of `min` … `max`; `what` names it in the fault.
    bool expect_integer(std::string_view what, std::int64_t min, std::int64_t max, std::int64_t& value);

    /// Notes a fault at the next token's line, or at `line`; always false.
    bool fail(std::string message);
    bool fail_at(int line, std::string message);
    bool fail_linux_only(std::string message);
    /// "expected `what`, not ...".
    bool fail_expected(std::string_view what);
    [[nodiscard]] const std::optional<Fault>& fault() const { return fault_; }

 private:
    std::vector<Token> tokens_;  // never empty: the last is End
    std::size_t at_ = 0;
    std::optional<Fault> fault_;
};

}  // namespace terminus::drill
