#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "drill/fault.hpp"

namespace terminus::drill {

/// One simple command of a shell text: its words, without quotes and redirections of output.
struct ShellCommand {
    int line = 0;
    std::vector<std::string> words;  ///< never empty
    /// It reads what the command before it printed.
    bool is_piped = false;
    /// After ||: it runs only when the one before it was refused.
    bool is_alternative = false;
};

/// The commands of `text`, whose first line is line `line` of the script: separated by lines, `;`, `&&`, `||`
/// or `|`, with comments, '...' and "...", $((A*B*C)), a backslash before the line's end, and > and 2> of any
/// form (what goes to a file is a word of its own, ">file"). Everything else that a shell does (variables but
/// ${PPID}, substitutions, conditions, < and &) is refused.
[[nodiscard]] base::Result<std::vector<ShellCommand>, Fault> scan_shell(std::string_view text, int line);

}  // namespace terminus::drill
