#include "base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace terminus::base {

void assertion_failed(const char* condition, const char* reason, const char* file, int line) {
    std::fprintf(stderr, "%s:%d: assertion failed: %s (%s)\n", file, line, condition, reason);
    std::fflush(stderr);
    std::abort();
}

}  // namespace terminus::base
