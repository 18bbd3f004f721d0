#include "control/machine_files.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace terminus::control::files {

namespace fs = std::filesystem;

std::optional<std::uint64_t> number_in(const fs::path& file) {
    std::ifstream stream(file);
    std::uint64_t number = 0;
    if (!(stream >> number)) return std::nullopt;
    return number;
}

std::optional<std::uint64_t> number_behind(const fs::path& file, const std::string& word) {
    std::ifstream stream(file);
    for (std::string line; std::getline(stream, line);) {
        std::istringstream words(line);
        std::string first;
        std::uint64_t number = 0;
        if (words >> first >> number && first == word) return number;
    }
    return std::nullopt;
}

std::string first_line(const fs::path& file) {
    std::ifstream stream(file);
    std::string line;
    std::getline(stream, line);
    return line;
}

std::string link_name(const fs::path& link) {
    std::error_code error;
    return fs::read_symlink(link, error).filename();
}

std::vector<std::string> names_in(const fs::path& directory, const std::string& prefix) {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(directory, error)) {
        const std::string name = entry.path().filename();
        if (name.starts_with(prefix)) names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace terminus::control::files
