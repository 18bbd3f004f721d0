#include "capture/reader.hpp"

#include <catch2/catch.hpp>

#include "capture/files.hpp"

namespace terminus::capture {
namespace {

using test::FileBytes;

constexpr Reader::LinkAddresses kAddresses{{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 9}}};

struct Opened {
    test::TemporaryFolder folder;
    std::string path = folder.file("c.pcap");
    base::Result<Reader, std::string> reader;

    explicit Opened(const std::string& bytes)
        : reader((test::write_file(path, bytes), Reader::open(path, kAddresses))) {}
    /// The next record, which is there.
    Record next() {
        const auto read = reader.value().next();
        REQUIRE(read.ok());
        REQUIRE(read.value().has_value());
        return *read.value();
    }
    bool at_end() {
        const auto read = reader.value().next();
        return read.ok() && !read.value().has_value();
    }
    /// What is wrong with the next record, less the file's name.
    std::string fault() {
        const auto read = reader.value().next();
        REQUIRE_FALSE(read.ok());
        REQUIRE(read.error().starts_with(path + ": "));
        return read.error().substr(path.size() + 2);
    }
};

std::string text(base::Bytes bytes) {
    return {bytes.begin(), bytes.end()};
}

TEST_CASE("a capture with microseconds is read in nanoseconds") {
    Opened file(FileBytes::pcap(FileBytes::kMicroseconds, FileBytes::kEthernet)
                    .record(5, 7, "first frame")
                    .record(6, 999'999, "second")
                    .bytes);
    Record record = file.next();
    CHECK(record.number == 1);
    CHECK(record.stamp == std::chrono::nanoseconds(5'000'007'000));
    CHECK(text(record.frame) == "first frame");
    CHECK(record.cut_bytes == 0);
    record = file.next();
    CHECK(record.number == 2);
    CHECK(record.stamp == std::chrono::nanoseconds(6'999'999'000));
    CHECK(file.at_end());
    CHECK(file.reader.value().counters().records == 2);
    CHECK(file.reader.value().counters().bytes == 17);
}

TEST_CASE("nanoseconds are kept, of pcap and of pcapng") {
    Opened pcap(FileBytes::pcap(FileBytes::kNanoseconds, FileBytes::kEthernet).record(5, 7, "x").bytes);
    CHECK(pcap.next().stamp == std::chrono::nanoseconds(5'000'000'007));
    CHECK(pcap.at_end());
    Opened next_generation(FileBytes::pcapng(FileBytes::kEthernet).block(5'000'000'007, "four").bytes);
    const Record record = next_generation.next();
    CHECK(record.stamp == std::chrono::nanoseconds(5'000'000'007));
    CHECK(text(record.frame) == "four");
    CHECK(next_generation.at_end());
}

TEST_CASE("packets of raw IP get the Ethernet header of their family") {
    const std::string v4 = "\x45 four", v6 = "\x60 six";
    Opened file(FileBytes::pcap(FileBytes::kNanoseconds, FileBytes::kRaw)
                    .record(1, 0, v4)
                    .record(1, 0, v6)
                    .record(1, 0, "")
                    .bytes);
    const std::string addresses{"\2\0\0\0\0\1\2\0\0\0\0\x09", 12};
    CHECK(text(file.next().frame) == addresses + std::string("\x08\0", 2) + v4);
    CHECK(text(file.next().frame) == addresses + "\x86\xdd" + v6);
    CHECK(text(file.next().frame) == addresses + std::string("\x08\0", 2));
    Opened only_v6(FileBytes::pcap(FileBytes::kNanoseconds, FileBytes::kIpv6).record(1, 0, v6).bytes);
    CHECK(text(only_v6.next().frame) == addresses + "\x86\xdd" + v6);
}

TEST_CASE("link types that can't be replayed are refused by name") {
    for (const auto& [type, name] :
         {std::pair(FileBytes::kCooked, "LINUX_SLL"), std::pair(FileBytes::kCooked2, "LINUX_SLL2")}) {
        const Opened file(FileBytes::pcap(FileBytes::kNanoseconds, type).record(1, 0, "frame").bytes);
        REQUIRE_FALSE(file.reader.ok());
        CHECK(file.reader.error().starts_with(file.path + ": the link type is " + name + " ("));
        CHECK(file.reader.error().find("Ethernet and raw IP") != std::string::npos);
    }
}

TEST_CASE("a file that is no capture, and one that isn't there, are refused by name") {
    for (const std::string& bytes :
         {std::string(), std::string("ports:\n  - name: front, and more of it\n")}) {
        const Opened file(bytes);
        REQUIRE_FALSE(file.reader.ok());
        CHECK(file.reader.error().starts_with(file.path + ": no capture that can be read: "));
    }
    const auto missing = Reader::open("/nowhere/c.pcap", kAddresses);
    REQUIRE_FALSE(missing.ok());
    CHECK(missing.error() == "/nowhere/c.pcap: No such file or directory");
}

TEST_CASE("a capture that ends within a packet is refused with the packet and where it begins") {
    const std::string whole = FileBytes::pcap(FileBytes::kNanoseconds, FileBytes::kEthernet)
                                  .record(1, 0, "first")
                                  .record(2, 0, "second")
                                  .bytes;
    SECTION("in its bytes") {
        Opened file(whole.substr(0, whole.size() - 1));
        (void)file.next();
        const std::string fault = file.fault();
        CHECK(fault.starts_with("packet 2 at byte 45: "));
        CHECK(fault.find("truncated") != std::string::npos);
    }
    SECTION("in its header") {
        Opened file(whole.substr(0, 24 + 15));
        CHECK(file.fault().starts_with("packet 1 at byte 24: "));
    }
    SECTION("after its end it is whole") {
        Opened file(whole.substr(0, 45));
        (void)file.next();
        CHECK(file.at_end());
    }
    SECTION("in a block of pcapng") {
        const std::string blocks =
            FileBytes::pcapng(FileBytes::kEthernet).block(1, "four").block(2, "more").bytes;
        Opened file(blocks.substr(0, blocks.size() - 2));
        (void)file.next();
        CHECK(file.fault().starts_with("packet 2 at byte 96: "));
    }
}

TEST_CASE("a packet that can't be is refused with its place") {
    const auto header = [] { return FileBytes::pcap(FileBytes::kNanoseconds, FileBytes::kEthernet); };
    SECTION("a fraction of a second of a second or more") {
        Opened file(header().record(1, 1'000'000'000, "x").bytes);
        CHECK(file.fault() == "packet 1 at byte 24: the time 1 s and 1000000000 ns is none");
    }
    SECTION("a time after the year 2096") {
        Opened file(header().record(4'000'000'001, 0, "x").bytes);
        CHECK(file.fault() == "packet 1 at byte 24: the time 4000000001 s and 0 ns is none");
    }
    SECTION("more bytes captured than there were") {
        Opened file(header().record(1, 0, "four", 3).bytes);
        CHECK(file.fault() == "packet 1 at byte 24: 4 bytes were captured of 3");
    }
    SECTION("a length beyond any capture's") {
        std::string bytes = header().record(1, 0, "four").bytes;
        bytes.replace(24 + 8, 8, "\xff\xff\xff\x7f\xff\xff\xff\x7f");
        Opened file(bytes);
        CHECK(file.fault().starts_with("packet 1 at byte 24: "));
    }
}

TEST_CASE("packets that the snap length cut are counted, and say by how much") {
    Opened file(FileBytes::pcap(FileBytes::kNanoseconds, FileBytes::kEthernet)
                    .record(1, 0, "whole")
                    .record(1, 0, "cut", 1500)
                    .bytes);
    CHECK(file.next().cut_bytes == 0);
    CHECK(file.next().cut_bytes == 1497);
    CHECK(file.reader.value().counters().cut == 1);
}

TEST_CASE("a stamp before the last one takes its place and is counted") {
    Opened file(FileBytes::pcap(FileBytes::kNanoseconds, FileBytes::kEthernet)
                    .record(5, 0, "a")
                    .record(4, 999'999'999, "b")
                    .record(5, 0, "c")
                    .record(5, 1, "d")
                    .bytes);
    for (const int nanoseconds : {0, 0, 0, 1})
        CHECK(file.next().stamp == std::chrono::nanoseconds(5'000'000'000 + nanoseconds));
    CHECK(file.reader.value().counters().backwards == 1);
}

}  // namespace
}  // namespace terminus::capture
