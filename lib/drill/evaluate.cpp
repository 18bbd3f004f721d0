#include "drill/evaluate.hpp"

#include <sys/socket.h>

#include "drill/constants.hpp"

namespace terminus::drill {
namespace {

using Kind = Expression::Kind;
constexpr std::int64_t kLengthMax = std::int64_t{64} << 20;

}  // namespace

bool Evaluator::expect_count(std::size_t min, std::size_t max) {
    const std::size_t count = call_.arguments.size();
    if (count >= min && count <= max) return true;
    return fail(call_.name + "() with " + std::to_string(count) + " arguments");
}

std::int64_t Evaluator::integer(const Expression& expression) {
    switch (expression.kind) {
        case Kind::Integer:
            return expression.integer;
        case Kind::Word: {
            const auto value = constant(expression.text);
            if (!value) fail_at(expression.line, "there is no constant `" + expression.text + "` here");
            return value.value_or(0);
        }
        case Kind::Or:
            return integer(expression.items[0]) | integer(expression.items[1]);
        case Kind::Call:
            return call_value(expression);
        case Kind::String:
        case Kind::Ellipsis:
        case Kind::List:
        case Kind::Struct:
        case Kind::Assign:
            break;
    }
    fail_at(expression.line, "expected a number");
    return 0;
}

std::int64_t Evaluator::call_value(const Expression& expression) {
    const bool is_order = expression.text == "htons" || expression.text == "htonl";
    if (is_order && expression.items.size() == 1) return integer(expression.items[0]);
    fail_at(expression.line, "`" + expression.text + "()` is no number here");
    return 0;
}

std::size_t Evaluator::length(const Expression& expression) {
    const std::int64_t value = integer(expression);
    if (value >= 0 && value <= kLengthMax) return static_cast<std::size_t>(value);
    fail_at(expression.line, "a length of " + std::to_string(value));
    return 0;
}

std::int64_t Evaluator::in_brackets(const Expression& expression) {
    if (expression.kind != Kind::List) return integer(expression);
    if (expression.items.size() == 1) return integer(expression.items[0]);
    fail_at(expression.line, "expected one number in brackets");
    return 0;
}

SocketAddress Evaluator::address(const Expression& expression) {
    SocketAddress address;
    const auto text_of = [](const Expression* field) -> const std::string* {
        // inet_addr("192.0.2.1"), inet_pton(AF_INET6, "2001:db8::1"), or the text alone
        if (field == nullptr) return nullptr;
        if (field->kind == Kind::String) return &field->text;
        if (field->kind != Kind::Call || field->items.empty()) return nullptr;
        return field->items.back().kind == Kind::String ? &field->items.back().text : nullptr;
    };
    const Expression* family = expression.field("sa_family");
    if (family == nullptr) family = expression.field("sin_family");
    if (family == nullptr) family = expression.field("sin6_family");
    if (family == nullptr) {
        fail_at(expression.line, "expected an address: {sa_family=..., sin_port=..., sin_addr=...}");
        return address;
    }
    address.family = static_cast<int>(integer(*family));
    if (address.family == AF_UNSPEC) return address;
    const bool is_v6 = address.family == AF_INET6;
    const Expression* port = expression.field(is_v6 ? "sin6_port" : "sin_port");
    if (port != nullptr) address.endpoint.port = static_cast<std::uint16_t>(integer(*port));
    const std::string* text = text_of(expression.field(is_v6 ? "sin6_addr" : "sin_addr"));
    const auto parsed = text == nullptr ? std::nullopt : wire::IpAddress::parse(*text);
    if (parsed) {
        address.endpoint.address = *parsed;
    } else {
        fail_at(expression.line, "an address that is none");
    }
    return address;
}

bool Evaluator::fail_linux_only(std::string message) {
    if (!fault_) fault_ = Fault{line_, std::move(message), true};
    return false;
}

bool Evaluator::fail_at(int line, std::string message) {
    if (!fault_) fault_ = Fault{line, std::move(message)};
    return false;
}

}  // namespace terminus::drill
