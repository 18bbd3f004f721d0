// Any bytes as a packet script: read, or refused with a line of the script and a sentence.
#include <algorithm>
#include <string>

#include "base/assert.hpp"
#include "drill/parser.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace terminus;
    const std::string text(data, data + size);  // its own block: the sanitizer sees both its ends
    const auto script = drill::parse_script(text, {});
    if (script.ok()) return 0;
    const auto lines = std::count(text.begin(), text.end(), '\n') + 1;
    TERMINUS_ASSERT(script.error().line >= 0 && script.error().line <= lines,
                    "the fault is within the script");
    TERMINUS_ASSERT(!script.error().message.empty(), "and it says what is wrong");
    return 0;
}
