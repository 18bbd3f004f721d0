#pragma once

#include <string_view>

#include "base/result.hpp"
#include "drill/ast.hpp"
#include "drill/fault.hpp"
#include "drill/lexer.hpp"

namespace terminus::drill {

/// A whole script. `definitions` are those of the command line; they win over the script's own. The fault
/// says in which line what was expected and what stood there, or what packetdrill knows and we refuse (UDP,
/// GRE, MPLS, PSP, IP in IP).
[[nodiscard]] base::Result<Script, Fault> parse_script(std::string_view text, const Definitions& definitions);

}  // namespace terminus::drill
