#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "drill/ast.hpp"
#include "drill/call.hpp"
#include "drill/fault.hpp"

namespace terminus::drill {

/// The values of a system call's arguments. What can't be had notes a fault, the first of which stays, and
/// gives a default.
class Evaluator {
 public:
    Evaluator(const SyscallEvent& call, int line) : call_(call), line_(line) {}

    [[nodiscard]] const std::vector<Expression>& arguments() const { return call_.arguments; }
    /// Fails unless there are `min` … `max` arguments.
    bool expect_count(std::size_t min, std::size_t max);
    /// The argument at `index`, which is there.
    [[nodiscard]] const Expression& argument(std::size_t index) const { return call_.arguments[index]; }
    [[nodiscard]] const Expression& result() const { return call_.result; }
    [[nodiscard]] bool is_open(std::size_t index) const {
        return argument(index).kind == Expression::Kind::Ellipsis;
    }

    /// A number, a constant, an OR of them, htons(N) in the host's order.
    std::int64_t integer(const Expression& expression);
    std::int64_t integer(std::size_t index) { return integer(argument(index)); }
    int int32(std::size_t index) { return static_cast<int>(integer(index)); }
    /// A length of at most 64 MiB: more is a slip of the pen.
    std::size_t length(const Expression& expression);
    /// [N], or N.
    std::int64_t in_brackets(const Expression& expression);
    /// {sa_family=..., sin_port=htons(N), sin_addr=inet_addr("...")}, or its IPv6 form.
    SocketAddress address(const Expression& expression);

    /// Always false.
    bool fail(std::string message) { return fail_at(line_, std::move(message)); }
    bool fail_at(int line, std::string message);
    bool fail_linux_only(std::string message);
    [[nodiscard]] const std::optional<Fault>& fault() const { return fault_; }
    [[nodiscard]] int line() const { return line_; }

 private:
    std::int64_t call_value(const Expression& expression);

    const SyscallEvent& call_;
    int line_;
    std::optional<Fault> fault_;
};

}  // namespace terminus::drill
