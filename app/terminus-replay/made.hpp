#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include "base/result.hpp"

namespace terminus::app {

/// What was made; what stood in the way is thrown as std::runtime_error.
template <typename T>
[[nodiscard]] T made(base::Result<T, std::string> result) {
    if (!result) throw std::runtime_error(result.error());
    return std::move(result).value();
}

}  // namespace terminus::app
