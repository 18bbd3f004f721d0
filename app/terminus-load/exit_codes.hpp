#pragma once

namespace terminus::app {

inline constexpr int kClean = 0;
inline constexpr int kSomethingFailed = 1;  ///< by the counts of load/numbers.hpp
inline constexpr int kCannotRun = 2;        ///< command line, device, or nobody on the other side

}  // namespace terminus::app
