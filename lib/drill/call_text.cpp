#include "drill/call_text.hpp"

namespace terminus::drill {
namespace {

/// A string is shown up to so many characters.
constexpr std::size_t kTextMax = 32;

std::string list(const std::vector<Expression>& items, std::size_t first = 0);

std::string text_of(const Expression& expression) {
    switch (expression.kind) {
        case Expression::Kind::Integer:
            return std::to_string(expression.integer);
        case Expression::Kind::Word:
            return expression.text;
        case Expression::Kind::String:
            return '"' + expression.text.substr(0, kTextMax) + '"' +
                   (expression.is_open || expression.text.size() > kTextMax ? "..." : "");
        case Expression::Kind::Ellipsis:
            return "...";
        case Expression::Kind::List:
            return '[' + list(expression.items) + ']';
        case Expression::Kind::Struct:
            return '{' + list(expression.items) + '}';
        case Expression::Kind::Call:
            return expression.text + '(' + list(expression.items) + ')';
        case Expression::Kind::Or:
            return text_of(expression.items[0]) + '|' + text_of(expression.items[1]);
        case Expression::Kind::Assign:
            break;
    }
    const std::string arguments = expression.items.size() > 1 ? '(' + list(expression.items, 1) + ')' : "";
    return expression.text + arguments + '=' + text_of(expression.items.front());
}

std::string list(const std::vector<Expression>& items, std::size_t first) {
    std::string text;
    for (std::size_t i = first; i < items.size(); ++i)
        text += (i == first ? "" : ", ") + text_of(items[i]);
    return text;
}

}  // namespace

std::string to_string(const SyscallEvent& call) {
    return call.name + '(' + list(call.arguments) + ')';
}

}  // namespace terminus::drill
