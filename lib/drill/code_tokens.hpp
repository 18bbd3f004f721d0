#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "drill/fault.hpp"

namespace terminus::drill {

/// A token of %{ Python }%.
struct CodeToken {
    enum class Kind : std::uint8_t { End, NewStatement, Name, Number, Text, Operator };
    Kind kind = Kind::End;
    int line = 0;
    std::size_t at = 0;  ///< where in the code it begins
    std::string text;    ///< Text: without its quotes, escapes resolved
    std::int64_t number = 0;
};

/// Lines and semicolons become NewStatement, but not within parentheses or after a backslash; comments go.
[[nodiscard]] base::Result<std::vector<CodeToken>, Fault> scan_code(std::string_view code, int line);

}  // namespace terminus::drill
