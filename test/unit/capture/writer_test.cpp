#include "capture/writer.hpp"

#include <catch2/catch.hpp>
#include <string_view>

#include "capture/files.hpp"

namespace terminus::capture {
namespace {

base::Bytes bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

TEST_CASE("what is written is a pcap file of Ethernet frames with nanoseconds") {
    const test::TemporaryFolder folder;
    const std::string path = folder.file("out.pcap");
    auto made = Writer::create(path);
    REQUIRE(made.ok());
    Writer writer = std::move(made).value();
    writer.begin(std::chrono::nanoseconds(5'000'000'007), 9);
    writer.add(bytes("in two"));
    writer.add(bytes(""));
    writer.add(bytes("!!!"));
    writer.begin(std::chrono::nanoseconds(3'999'999'999'999'999'999), 1);
    writer.add(bytes("x"));
    CHECK(writer.counters().records == 2);
    CHECK(writer.counters().bytes == 10);
    REQUIRE(writer.close().ok());
    CHECK(test::read_file(path) ==
          test::FileBytes::pcap(test::FileBytes::kNanoseconds, test::FileBytes::kEthernet)
              .record(5, 7, "in two!!!")
              .record(3'999'999'999, 999'999'999, "x")
              .bytes);
}

TEST_CASE("frames come in their order however many they are, and whether or not the file is closed") {
    const test::TemporaryFolder folder;
    for (const bool is_closed : {true, false}) {
        auto expected = test::FileBytes::pcap(test::FileBytes::kNanoseconds, test::FileBytes::kEthernet);
        {
            Writer writer = Writer::create(folder.file("out.pcap")).value();
            for (std::uint32_t i = 0; i < 40; ++i) {
                const std::string frame(i % 2 == 0 ? 60'000 + i : i, static_cast<char>(i));
                expected.record(0, i, frame);
                writer.begin(std::chrono::nanoseconds(i), static_cast<std::uint32_t>(frame.size()));
                writer.add(bytes(frame));
            }
            if (is_closed) REQUIRE(writer.close().ok());
        }
        CHECK(test::read_file(folder.file("out.pcap")) == expected.bytes);
    }
}

TEST_CASE("a file that can't be made is an error with its name") {
    const auto made = Writer::create("/nowhere/out.pcap");
    REQUIRE_FALSE(made.ok());
    CHECK(made.error() == "/nowhere/out.pcap: No such file or directory");
}

TEST_CASE("a full disk is reported when the file is closed, whichever frame met it") {
    const std::string frame(1 << 16, 'x');
    for (const int frames : {1, 64}) {  // less than the buffer, and much more
        auto made = Writer::create("/dev/full");
        REQUIRE(made.ok());
        Writer writer = std::move(made).value();
        for (int i = 0; i < frames; ++i) {
            writer.begin(std::chrono::nanoseconds(1), static_cast<std::uint32_t>(frame.size()));
            writer.add(bytes(frame));
        }
        const auto closed = writer.close();
        REQUIRE_FALSE(closed.ok());
        CHECK(closed.error() == "/dev/full: No space left on device");
    }
}

}  // namespace
}  // namespace terminus::capture
