#pragma once

#include <string>

namespace terminus::drill {

/// Why a script is not run, or no further: a line of the script and a sentence.
struct Fault {
    int line = 0;  ///< from 1; 0: the script as a whole
    std::string message;
    /// The script needs something that only a Linux host has (queueing disciplines, zero-copy, files, …), or
    /// another IP version than was asked for: it is skipped. Everything else is a failure.
    bool is_skipped = false;
};

}  // namespace terminus::drill
