#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "drill/fault.hpp"

namespace terminus::drill {

/// Symbols of --define, by name. A value in double quotes stands for a string, one in back-ticks for a
/// command, a number for itself, anything else for a word.
using Definitions = std::map<std::string, std::string, std::less<>>;

enum class TokenKind : std::uint8_t {
    End,
    Option,    ///< --name or --name=value; `text` is the name, `value` what follows the first '='
    Word,      ///< letters, digits and '_', not all of them digits
    Integer,   ///< decimal, perhaps with a minus
    Hex,       ///< 0x...
    Decimal,   ///< with a point: 0.25, .5
    String,    ///< between double quotes, escapes resolved
    Command,   ///< between back-ticks, as it stands
    Code,      ///< between %{ and }%, as it stands
    Ellipsis,  ///< ...
    Symbol,    ///< any other character
};

struct Token {
    TokenKind kind = TokenKind::End;
    int line = 0;
    std::string text;
    std::string value;                    ///< Option only
    bool has_value = false;               ///< Option only: --name=
    std::optional<std::int64_t> integer;  ///< Integer and Hex that fit
};

/// The words of a script, without its comments (// and /* */). Ends with an End token. `definitions` replace
/// words, and so do the --define options of the script itself; the former win.
[[nodiscard]] base::Result<std::vector<Token>, Fault> scan(std::string_view script,
                                                           const Definitions& definitions);

/// "0.25", ".5", "3": seconds, exact to the nanosecond. Nothing when there are more than nine decimals, or
/// when it isn't a number that is not negative.
[[nodiscard]] std::optional<base::Duration> parse_seconds(std::string_view text);

/// The whole of `text` as a decimal number, or as a hexadecimal one with 0x; a minus is allowed.
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);

/// "NAME=VALUE" into `definitions`; false when there is no name or no '='.
[[nodiscard]] bool add_definition(std::string_view text, Definitions& definitions);

}  // namespace terminus::drill
