#pragma once

/// Our own faults, and only ours: a peer's fault is a counted reason, an operating fault is a Result.
namespace terminus::base {

/// Prints where and why, then aborts. Never returns and never allocates.
[[noreturn]] void assertion_failed(const char* condition, const char* reason, const char* file, int line);

}  // namespace terminus::base

/// Always on, in every build. `reason` is a sentence that says why the condition can't be false.
#define TERMINUS_ASSERT(condition, reason) \
    (static_cast<bool>(condition)          \
         ? static_cast<void>(0)            \
         : ::terminus::base::assertion_failed(#condition, reason, __FILE__, __LINE__))
