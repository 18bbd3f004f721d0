#pragma once

#include <string>
#include <vector>

namespace terminusdrill {

/// The files named, and all *.pkt below the directories named, each once, sorted within a directory. Throws
/// std::runtime_error for what isn't there, and for a directory without scripts.
[[nodiscard]] std::vector<std::string> find_scripts(const std::vector<std::string>& paths);

/// Throws std::runtime_error.
[[nodiscard]] std::string read_file(const std::string& path);

}  // namespace terminusdrill
