#pragma once

#include <string>

#include "drill/ast.hpp"

namespace terminus::drill {

/// A system call as a script writes it, without its result: "write(4, ..., 1000)".
[[nodiscard]] std::string to_string(const SyscallEvent& call);

}  // namespace terminus::drill
