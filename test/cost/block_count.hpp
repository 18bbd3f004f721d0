#pragma once

#include <cstdint>

/// Counts basic blocks: what is built with -fsanitize-coverage=trace-pc reports each that it enters. The
/// count is the same in every run, which no clock is; blocks are short, so that it follows the instructions.
namespace terminus::test {

/// Blocks entered since the program began.
[[nodiscard]] std::uint64_t blocks_entered();

}  // namespace terminus::test
