#include <string>

#include "drill/parse_parts.hpp"

namespace terminus::drill {
namespace {

/// Lists within lists of a script; deeper ones are somebody's attempt to make us recurse.
constexpr int kDepthMax = 16;

class ExpressionParser {
 public:
    explicit ExpressionParser(TokenStream& tokens) : tokens_(tokens) {}

    /// A | B | C, or one of them.
    bool parse(Expression& expression) {
        if (++depth_ > kDepthMax) return tokens_.fail("expressions are nested too deeply");
        const bool is_parsed = parse_term(expression) && parse_or(expression);
        --depth_;
        return is_parsed;
    }

    /// Up to `close`, which is taken.
    bool parse_list(char close, std::vector<Expression>& items) {
        if (tokens_.accept_symbol(close)) return true;
        do {
            if (!parse(items.emplace_back())) return false;
        } while (tokens_.accept_symbol(','));
        return tokens_.expect_symbol(close);
    }

 private:
    bool parse_or(Expression& expression) {
        while (tokens_.accept_symbol('|')) {
            Expression combined;
            combined.kind = Expression::Kind::Or;
            combined.line = expression.line;
            combined.items.push_back(std::move(expression));
            if (!parse_term(combined.items.emplace_back())) return false;
            expression = std::move(combined);
        }
        return true;
    }

    bool parse_term(Expression& expression) {
        using Kind = Expression::Kind;
        expression.line = tokens_.line();
        switch (tokens_.peek().kind) {
            case TokenKind::Ellipsis:
                tokens_.take();
                expression.kind = Kind::Ellipsis;
                return true;
            case TokenKind::Integer:
            case TokenKind::Hex:
                if (!tokens_.peek().integer) return tokens_.fail(tokens_.peek().text + " is too large");
                expression.kind = Kind::Integer;
                expression.integer = *tokens_.take().integer;
                return true;
            case TokenKind::String:
                return parse_strings(expression);
            case TokenKind::Word:
                return parse_word(expression);
            case TokenKind::Symbol:
                return parse_brackets(expression);
            case TokenKind::End:
            case TokenKind::Option:
            case TokenKind::Decimal:
            case TokenKind::Command:
            case TokenKind::Code:
                break;
        }
        return tokens_.fail_expected("an expression");
    }

    bool parse_strings(Expression& expression) {
        expression.kind = Expression::Kind::String;
        while (tokens_.is(TokenKind::String))
            expression.text += tokens_.take().text;
        if (tokens_.is(TokenKind::Ellipsis)) {
            tokens_.take();
            expression.is_open = true;
        }
        return true;
    }

    bool parse_brackets(Expression& expression) {
        if (tokens_.accept_symbol('[')) {
            expression.kind = Expression::Kind::List;
            return parse_list(']', expression.items);
        }
        if (tokens_.accept_symbol('{')) {
            expression.kind = Expression::Kind::Struct;
            return parse_list('}', expression.items);
        }
        return tokens_.fail_expected("an expression");
    }

    /// NAME, NAME(...), NAME = value or NAME(...) = value.
    bool parse_word(Expression& expression) {
        expression.text = tokens_.take().text;
        expression.kind = Expression::Kind::Word;
        std::vector<Expression> arguments;
        if (tokens_.accept_symbol('(')) {
            expression.kind = Expression::Kind::Call;
            if (!parse_list(')', arguments)) return false;
        }
        if (tokens_.accept_symbol('=')) {
            expression.kind = Expression::Kind::Assign;
            if (!parse(expression.items.emplace_back())) return false;
        }
        for (Expression& argument : arguments)
            expression.items.push_back(std::move(argument));
        return true;
    }

    TokenStream& tokens_;
    int depth_ = 0;
};

/// "(Resource temporarily unavailable)": words for the reader.
bool skip_note(TokenStream& tokens) {
    if (!tokens.accept_symbol('(')) return true;
    while (!tokens.is_symbol(')')) {
        if (tokens.is(TokenKind::End)) return tokens.fail("a note that never ends");
        tokens.take();
    }
    return tokens.expect_symbol(')');
}

}  // namespace

bool parse_expression(TokenStream& tokens, Expression& expression) {
    return ExpressionParser(tokens).parse(expression);
}

bool parse_syscall(TokenStream& tokens, SyscallEvent& call) {
    if (tokens.is(TokenKind::Ellipsis)) {
        tokens.take();
        if (!parse_time(tokens, call.end.emplace())) return false;
    }
    if (!tokens.is(TokenKind::Word)) return tokens.fail_expected("the name of a system call");
    call.name = tokens.take().text;
    if (!tokens.expect_symbol('(') || !ExpressionParser(tokens).parse_list(')', call.arguments)) return false;
    if (!tokens.expect_symbol('=') || !parse_expression(tokens, call.result)) return false;
    if (tokens.is(TokenKind::Word)) call.error = tokens.take().text;
    return skip_note(tokens);
}

}  // namespace terminus::drill
