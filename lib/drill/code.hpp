#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "drill/fault.hpp"

namespace terminus::drill {

/// Names and numbers that code may read: fields of TCP_INFO, constants.
using Symbols = std::map<std::string, std::uint64_t, std::less<>>;

/// A Python value as far as we go: an integer or a string.
struct CodeValue {
    bool is_text = false;
    std::int64_t number = 0;
    std::string text;

    [[nodiscard]] bool is_true() const { return is_text ? !text.empty() : number != 0; }
};
using CodeVariables = std::map<std::string, CodeValue, std::less<>>;

/// The Python that packet scripts use between %{ and }%: assert, print, assignments (also +=, -= and their
/// like) to names that live until the script's end; integers, strings with % formatting, names, arithmetic,
/// bit operations, chained comparisons, and, or, not, conditional expressions, abs, min and max. Statements
/// end with a line or a semicolon. Whatever else is Python (floats, loops, functions, imports) is refused.
///
/// Integers have 64 bits with a sign and never wrap: what would not fit is a fault.
class CodeRunner {
 public:
    /// Runs `text`, which begins in line `line` of the script. `symbols` are what it may read now,
    /// beside its variables and code_constants(). The fault of an assertion shows the expression,
    /// its message and the values of all names in it.
    [[nodiscard]] base::Result<void, Fault> run(std::string_view text, int line, const Symbols& symbols);

    /// What print() wrote so far, a line each.
    [[nodiscard]] const std::string& printed() const { return printed_; }

 private:
    CodeVariables variables_;
    std::string printed_;
};

/// The constants that packetdrill gives to code: TCP_ESTABLISHED, TCP_CA_Open, TCPI_OPT_SACK, ….
[[nodiscard]] const Symbols& code_constants();

}  // namespace terminus::drill
