#include "drill/code_expression.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>

namespace terminus::drill {
namespace {

/// Parentheses within parentheses; more is somebody's attempt to make us recurse.
constexpr int kDepthMax = 64;

// Binary operators from the loosest to the tightest, as Python binds them.
constexpr std::array<std::array<std::string_view, 4>, 6> kLevels{{
    {"|"},
    {"^"},
    {"&"},
    {"<<", ">>"},
    {"+", "-"},
    {"*", "//", "%", "/"},
}};
constexpr std::array<std::string_view, 6> kComparisons{"<", ">", "==", "!=", "<=", ">="};

CodeValue number(std::int64_t value) {
    return {false, value, ""};
}
CodeValue text(std::string value) {
    return {true, 0, std::move(value)};
}

/// Python's // and %: the quotient rounds down, the remainder has the divisor's sign.
std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
    return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}

/// False when the result doesn't fit, or isn't defined.
bool compute(std::string_view op, std::int64_t a, std::int64_t b, std::int64_t& result) {
    if (op == "+") return !__builtin_add_overflow(a, b, &result);
    if (op == "-") return !__builtin_sub_overflow(a, b, &result);
    if (op == "*") return !__builtin_mul_overflow(a, b, &result);
    if (op == "&") return result = a & b, true;
    if (op == "|") return result = a | b, true;
    if (op == "^") return result = a ^ b, true;
    if (op == "<<") return b >= 0 && b < 63 && !__builtin_mul_overflow(a, std::int64_t{1} << b, &result);
    if (op == ">>") return b >= 0 && (result = a >> std::min<std::int64_t>(b, 63), true);
    const bool is_defined = b != 0 && !(a == std::numeric_limits<std::int64_t>::min() && b == -1);
    if (!is_defined) return false;
    result = op == "//" ? floor_divide(a, b) : a - floor_divide(a, b) * b;
    return true;
}

std::string in_base(std::int64_t value, bool is_hex) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, is_hex ? "%llx" : "%lld", static_cast<long long>(value));
    return buffer;
}

}  // namespace

std::string to_string(const CodeValue& value) {
    return value.is_text ? value.text : std::to_string(value.number);
}

bool CodeExpression::is(std::string_view wanted, std::size_t ahead) const {
    const CodeToken& token = tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
    return (token.kind == CodeToken::Kind::Operator || token.kind == CodeToken::Kind::Name) &&
           token.text == wanted;
}

bool CodeExpression::accept(std::string_view wanted) {
    if (!is(wanted)) return false;
    take();
    return true;
}

bool CodeExpression::expect(std::string_view wanted) {
    if (accept(wanted)) return true;
    fail("expected `" + std::string(wanted) + "` in the code, not `" + peek().text + '`');
    return false;
}

// A if CONDITION else B
CodeValue CodeExpression::conditional() {
    if (++depth_ > kDepthMax) fail("expressions are nested too deeply");
    CodeValue value = fault_ ? CodeValue{} : disjunction();
    if (!fault_ && accept("if")) {
        const bool is_first = disjunction().is_true();
        expect("else");
        CodeValue other = fault_ ? CodeValue{} : conditional();
        if (!is_first) value = std::move(other);
    }
    --depth_;
    return value;
}

CodeValue CodeExpression::disjunction() {
    CodeValue value = conjunction();
    while (!fault_ && accept("or")) {
        CodeValue next = conjunction();
        if (!value.is_true()) value = std::move(next);
    }
    return value;
}

CodeValue CodeExpression::conjunction() {
    CodeValue value = inversion();
    while (!fault_ && accept("and")) {
        CodeValue next = inversion();
        if (value.is_true()) value = std::move(next);
    }
    return value;
}

CodeValue CodeExpression::inversion() {
    bool is_inverted = false;
    bool has_not = false;
    while (accept("not")) {
        is_inverted = !is_inverted;
        has_not = true;
    }
    CodeValue value = comparison();
    return has_not ? number(value.is_true() != is_inverted ? 1 : 0) : value;
}

// a <= b < c: each neighbour with the next.
CodeValue CodeExpression::comparison() {
    CodeValue lhs = binary(0);
    bool is_compared = false;
    bool holds = true;
    while (!fault_) {
        const auto* op = std::find_if(kComparisons.begin(), kComparisons.end(),
                                      [&](std::string_view candidate) { return is(candidate); });
        if (op == kComparisons.end()) break;
        take();
        CodeValue rhs = binary(0);
        holds = compare(*op, lhs, rhs) && holds;
        is_compared = true;
        lhs = std::move(rhs);
    }
    return is_compared ? number(holds ? 1 : 0) : lhs;
}

bool CodeExpression::compare(std::string_view op, const CodeValue& lhs, const CodeValue& rhs) {
    if (lhs.is_text != rhs.is_text) {
        if (op != "==" && op != "!=") fail("a number and a string have no order");
        return op == "!=";
    }
    const int order = lhs.is_text ? lhs.text.compare(rhs.text)
                                  : (lhs.number > rhs.number ? 1 : 0) - (lhs.number < rhs.number ? 1 : 0);
    if (op == "==") return order == 0;
    if (op == "!=") return order != 0;
    if (op == "<") return order < 0;
    if (op == "<=") return order <= 0;
    return op == ">" ? order > 0 : order >= 0;
}

CodeValue CodeExpression::binary(std::size_t level) {
    if (level == kLevels.size()) return unary();
    CodeValue value = binary(level + 1);
    while (!fault_) {
        const auto& ops = kLevels[level];
        const auto* op = std::find_if(ops.begin(), ops.end(), [&](std::string_view candidate) {
            return !candidate.empty() && is(candidate);
        });
        if (op == ops.end()) break;
        take();
        if (value.is_text && *op == "%" && accept("(")) {  // a tuple
            std::vector<CodeValue> values;
            do {
                values.push_back(conditional());
            } while (!fault_ && accept(",") && !is(")"));
            expect(")");
            value = text(format(value.text, values));
            continue;
        }
        value = apply(*op, value, binary(level + 1));
    }
    return value;
}

CodeValue CodeExpression::apply(std::string_view op, const CodeValue& lhs, const CodeValue& rhs) {
    if (fault_) return {};
    if (lhs.is_text && op == "%") return text(format(lhs.text, {rhs}));
    if (lhs.is_text && rhs.is_text && op == "+") return text(lhs.text + rhs.text);
    if (lhs.is_text || rhs.is_text) {
        fail("`" + std::string(op) + "` of strings is not here");
        return {};
    }
    if (op == "/") {
        fail("`/` would make a float, which is not here; `//` divides integers");
        return {};
    }
    std::int64_t result = 0;
    if (!compute(op, lhs.number, rhs.number, result)) {
        fail(std::to_string(lhs.number) + ' ' + std::string(op) + ' ' + std::to_string(rhs.number) +
             " is no 64-bit integer");
    }
    return number(result);
}

/// Python's % of a string, for %d %i %u %x %s %r and %%, without widths.
std::string CodeExpression::format(const std::string& pattern, const std::vector<CodeValue>& values) {
    std::string out;
    std::size_t used = 0;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] != '%' || i + 1 == pattern.size()) {
            out += pattern[i];
            continue;
        }
        const char kind = pattern[++i];
        if (kind == '%') {
            out += '%';
            continue;
        }
        if (std::string_view("diuxsr").find(kind) == std::string_view::npos) {
            fail(std::string("the format %") + kind + " is not here");
            return out;
        }
        if (used == values.size()) {
            fail("too few values for the format \"" + pattern + '"');
            return out;
        }
        const CodeValue& value = values[used++];
        if (value.is_text && kind != 's' && kind != 'r') {
            fail(std::string("%") + kind + " of a string");
            return out;
        }
        out += value.is_text ? value.text : in_base(value.number, kind == 'x');
    }
    if (used != values.size()) fail("too many values for the format \"" + pattern + '"');
    return out;
}

CodeValue CodeExpression::unary() {
    std::string signs;
    while (is("-") || is("+") || is("~"))
        signs += take().text;
    if (signs.size() > kDepthMax) fail("expressions are nested too deeply");
    CodeValue value = atom();
    for (; !signs.empty() && !fault_; signs.pop_back()) {
        if (signs.back() == '-') value = apply("-", number(0), value);
        if (signs.back() == '~') value = apply("^", number(-1), value);
    }
    if (is("**") || is(".") || is("[") || is("(")) fail("`" + peek().text + "` is not here");
    return value;
}

CodeValue CodeExpression::atom() {
    if (fault_) return {};
    if (accept("(")) {
        CodeValue value = conditional();
        expect(")");
        return value;
    }
    switch (peek().kind) {
        case CodeToken::Kind::Number:
            return number(take().number);
        case CodeToken::Kind::Text: {
            std::string all;
            while (peek().kind == CodeToken::Kind::Text)
                all += take().text;
            return text(std::move(all));
        }
        case CodeToken::Kind::Name:
            return name();
        case CodeToken::Kind::End:
        case CodeToken::Kind::NewStatement:
        case CodeToken::Kind::Operator:
            break;
    }
    fail(peek().text.empty() ? std::string("an expression that is not finished")
                             : "expected an expression in the code, not `" + peek().text + '`');
    return {};
}

CodeValue CodeExpression::name() {
    const std::string name = take().text;
    if (name == "True") return number(1);
    if (name == "False") return number(0);
    return is("(") ? call(name) : read(name);
}

CodeValue CodeExpression::read(const std::string& name) {
    CodeValue value;
    if (const auto variable = variables_.find(name); variable != variables_.end()) {
        value = variable->second;
    } else {
        const Symbols& source = symbols_.count(name) != 0 ? symbols_ : code_constants();
        const auto symbol = source.find(name);
        if (symbol == source.end()) {
            fail("there is no `" + name + "` here");
            return {};
        }
        if (symbol->second > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
            fail('`' + name + "` is too large to compute with");
            return {};
        }
        value = number(static_cast<std::int64_t>(symbol->second));
    }
    const auto same = [&](const auto& entry) { return entry.first == name; };
    if (std::none_of(read_.begin(), read_.end(), same)) read_.emplace_back(name, value);
    return value;
}

CodeValue CodeExpression::call(const std::string& function) {
    expect("(");
    std::vector<CodeValue> values;
    while (!fault_ && !is(")")) {
        values.push_back(conditional());
        if (!accept(",")) break;
    }
    expect(")");
    if (fault_) return {};
    const bool has_text = std::any_of(values.begin(), values.end(), [](const auto& v) { return v.is_text; });
    const auto less = [](const CodeValue& a, const CodeValue& b) { return a.number < b.number; };
    if (function == "abs" && values.size() == 1 && !has_text) {
        return values[0].number < 0 ? apply("-", number(0), values[0]) : values[0];
    }
    if (function == "min" && !values.empty() && !has_text)
        return *std::min_element(values.begin(), values.end(), less);
    if (function == "max" && !values.empty() && !has_text)
        return *std::max_element(values.begin(), values.end(), less);
    fail("the call " + function + "() is not here");
    return {};
}

std::string CodeExpression::names_read() const {
    std::string all;
    for (const auto& [name, value] : read_)
        all += (all.empty() ? "" : ", ") + name + " = " + to_string(value);
    return all;
}

}  // namespace terminus::drill
