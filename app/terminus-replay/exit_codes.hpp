#pragma once

namespace terminus::app {

inline constexpr int kAsExpected = 0;
inline constexpr int kNotAsExpected = 1;  ///< a comparison or a condition failed
inline constexpr int kCannotRun = 2;      ///< command line, configuration, capture or system

}  // namespace terminus::app
