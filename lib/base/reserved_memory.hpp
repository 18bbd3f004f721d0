#pragma once

#include <cstddef>

namespace terminus::base {

/// Bytes of all Memory that lives in this process, touched or not: what a plan of memory is held against.
[[nodiscard]] std::size_t reserved_memory_bytes();

}  // namespace terminus::base
