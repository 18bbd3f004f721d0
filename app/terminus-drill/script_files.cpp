#include "script_files.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace terminusdrill {
namespace fs = std::filesystem;

std::vector<std::string> find_scripts(const std::vector<std::string>& paths) {
    std::vector<std::string> all;
    for (const std::string& path : paths) {
        if (!fs::exists(path)) throw std::runtime_error(path + " is not there");
        if (!fs::is_directory(path)) {
            all.push_back(path);
            continue;
        }
        std::vector<std::string> below;
        for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path))
            if (entry.is_regular_file() && entry.path().extension() == ".pkt") below.push_back(entry.path());
        // A run of nothing would look like success.
        if (below.empty()) throw std::runtime_error("there are no scripts (*.pkt) in " + path);
        std::sort(below.begin(), below.end());
        all.insert(all.end(), below.begin(), below.end());
    }
    return all;
}

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error(path + " can't be read");
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace terminusdrill
