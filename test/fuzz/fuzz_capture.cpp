// Any bytes as a capture file, read to its end or its first fault, with its checksums as they are and
// repaired.
#include <cstdio>

#include "base/assert.hpp"
#include "capture/reader.hpp"

using namespace terminus;

namespace {

void read_to_the_end(capture::Reader& reader, std::size_t size) {
    const capture::Reader::Counters& counters = reader.counters();
    base::Duration last{};
    std::uint64_t given = 0, bytes = 0;
    for (;;) {
        const auto read = reader.next();
        if (!read) {
            TERMINUS_ASSERT(read.error().starts_with("input: packet " + std::to_string(counters.records + 1) +
                                                     " at byte "),
                            "errors name the packet and its place");
            break;
        }
        if (!read.value()) break;
        const capture::Record& record = *read.value();
        TERMINUS_ASSERT(record.number == ++given + counters.duplicates, "records are counted one by one");
        TERMINUS_ASSERT(record.stamp >= last, "time does not go backwards");
        last = record.stamp;
        bytes += record.frame.size();
        volatile std::uint8_t sink = 0;
        for (const std::uint8_t byte : record.frame)  // the sanitizer sees what is not there
            sink = sink ^ byte;
    }
    TERMINUS_ASSERT(counters.records == given + counters.duplicates, "duplicates are all that is left out");
    TERMINUS_ASSERT(counters.bytes == bytes && bytes <= size + counters.records * 14,
                    "no more is read than there is, and an Ethernet header each");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;  // fmemopen() has no empty streams
    for (const bool repair_checksums : {false, true}) {
        std::FILE* const stream = fmemopen(const_cast<std::uint8_t*>(data), size, "rb");
        TERMINUS_ASSERT(stream != nullptr, "there is memory for a stream");
        auto reader = capture::Reader::from_stream(stream, "input",
                                                   {.addresses = {}, .repair_checksums = repair_checksums});
        if (reader) {
            read_to_the_end(reader.value(), size);
        } else {
            TERMINUS_ASSERT(reader.error().starts_with("input: "), "errors name their file");
        }
    }
    return 0;
}
