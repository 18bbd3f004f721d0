#include "common/command_line.hpp"

#include <algorithm>

namespace terminus::app {

CommandLine::CommandLine(int argc, char** argv) {
    std::vector<std::string> words(argv + 1, argv + argc);
    const auto separator = std::find(words.begin(), words.end(), "--");
    if (separator != words.end()) {
        eal.assign(words.begin(), separator);
        words.erase(words.begin(), separator + 1);
    }
    own_reversed.assign(words.rbegin(), words.rend());
}

}  // namespace terminus::app
