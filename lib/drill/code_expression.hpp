#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drill/code.hpp"
#include "drill/code_tokens.hpp"

namespace terminus::drill {

/// Evaluates the expressions of %{ code }% while it reads them: both sides of `and`, `or` and `if` are
/// computed, as nothing in an expression has an effect.
class CodeExpression {
 public:
    CodeExpression(const std::vector<CodeToken>& tokens, const CodeVariables& variables,
                   const Symbols& symbols)
        : tokens_(tokens), variables_(variables), symbols_(symbols) {}

    /// Python's grammar from the loosest binding on.
    CodeValue conditional();

    [[nodiscard]] const CodeToken& peek() const { return tokens_[at_]; }
    const CodeToken& take() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
    bool accept(std::string_view text);
    bool expect(std::string_view text);
    /// Whether the next token is the operator or keyword `text`.
    [[nodiscard]] bool is(std::string_view text, std::size_t ahead = 0) const;

    /// LHS op RHS, for + - * // % << >> & ^ | and, of strings, + and %.
    CodeValue apply(std::string_view op, const CodeValue& lhs, const CodeValue& rhs);
    /// The value of a variable, symbol or constant, noted in names_read().
    CodeValue read(const std::string& name);

    void fail(std::string message) { fail_at(peek().line, std::move(message)); }
    void fail_at(int line, std::string message) {
        if (!fault_) fault_ = Fault{line, std::move(message)};
    }
    [[nodiscard]] const std::optional<Fault>& fault() const { return fault_; }
    /// "tcpi_unacked = 2, tcpi_lost = 1": what was read since the last clear.
    [[nodiscard]] std::string names_read() const;
    void clear_names_read() { read_.clear(); }

 private:
    CodeValue disjunction();
    CodeValue conjunction();
    CodeValue inversion();
    CodeValue comparison();
    CodeValue binary(std::size_t level);
    CodeValue unary();
    CodeValue atom();
    CodeValue name();
    CodeValue call(const std::string& function);
    std::string format(const std::string& pattern, const std::vector<CodeValue>& values);
    bool compare(std::string_view op, const CodeValue& lhs, const CodeValue& rhs);

    const std::vector<CodeToken>& tokens_;
    const CodeVariables& variables_;
    const Symbols& symbols_;
    std::size_t at_ = 0;
    int depth_ = 0;
    std::vector<std::pair<std::string, CodeValue>> read_;
    std::optional<Fault> fault_;
};

/// A value as Python prints it.
[[nodiscard]] std::string to_string(const CodeValue& value);

}  // namespace terminus::drill
