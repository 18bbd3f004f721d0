// Any bytes as TCP options: what was understood is written, and read back as the same.
#include <vector>

#include "base/assert.hpp"
#include "wire/tcp.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace terminus::wire;
    const std::vector<std::uint8_t> bytes(data, data + size);
    TcpOptions options = parse_tcp_options(bytes);
    TERMINUS_ASSERT(options.sack_count <= TcpOptions::kSackBlocksMax, "the array has four");

    std::vector<std::uint8_t> written(tcp_options_length(options));
    TERMINUS_ASSERT(written.size() <= kTcpOptionsMax && written.size() % 4 == 0, "it fits a header");
    write_tcp_options(options, written);
    const TcpOptions again = parse_tcp_options(written);

    // Blocks that don't fit beside the other options are left out; all else comes back.
    TERMINUS_ASSERT(again.sack_count <= options.sack_count, "none is invented");
    for (std::size_t i = again.sack_count; i < options.sack.size(); ++i)
        options.sack[i] = {};
    options.sack_count = again.sack_count;
    TERMINUS_ASSERT(again == options, "what is written is read back");
    return 0;
}
