#include "block_count.hpp"

namespace {
std::uint64_t entered = 0;
}

// The compiler calls it by this name.
extern "C" void __sanitizer_cov_trace_pc();   // NOLINT(bugprone-reserved-identifier)
extern "C" void __sanitizer_cov_trace_pc() {  // NOLINT(bugprone-reserved-identifier)
    ++entered;
}

namespace terminus::test {

std::uint64_t blocks_entered() {
    return entered;
}

}  // namespace terminus::test
