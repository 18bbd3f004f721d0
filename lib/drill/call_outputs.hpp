#pragma once

#include <string>

#include "drill/ast.hpp"
#include "drill/call.hpp"
#include "drill/evaluate.hpp"

namespace terminus::drill {

/// A descriptor that no machine gives.
inline constexpr Fd kNoDescriptor = 1 << 20;

/// What of the call's result is not as the script says: value and errno. Empty when nothing. A number that
/// the script opens a descriptor with is its own choice, and not compared.
[[nodiscard]] std::string compare_value(Evaluator& call, const SyscallEvent& event, const CallResult& result);

/// The same of what a call wrote into its arguments: options, events, messages, addresses, numbers.
[[nodiscard]] std::string compare_outputs(Evaluator& call, const SyscallEvent& event,
                                          const CallResult& result);

/// "-1 EAGAIN" or "1000".
[[nodiscard]] std::string to_string(const CallResult& result);

}  // namespace terminus::drill
