#include "capture/reader.hpp"

#include <catch2/catch.hpp>

#include "capture/files.hpp"

namespace terminus::capture {
namespace {

using test::FileBytes;

Reader::Settings settings(bool repair_checksums) {
    return {.addresses = {{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 9}}}, .repair_checksums = repair_checksums};
}

struct Opened {
    test::TemporaryFolder folder;
    std::string path = folder.file("c.pcap");
    base::Result<Reader, std::string> reader;

    explicit Opened(const std::string& bytes, bool repair_checksums = false)
        : reader((test::write_file(path, bytes), Reader::open(path, settings(repair_checksums)))) {}
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

/// A header of LINUX_SLL: what was received, by Ethernet, of IPv4.
std::string cooked(std::uint8_t packet_type, const std::string& address = std::string("\2\0\0\0\0\7\0\0", 8),
                   const std::string& protocol = std::string("\x08\0", 2)) {
    return {std::string(1, '\0') + static_cast<char>(packet_type) + std::string("\0\1\0\6", 4) + address +
            protocol};
}

/// And of LINUX_SLL2.
std::string cooked2(std::uint8_t interface, std::uint8_t packet_type,
                    const std::string& address = std::string("\2\0\0\0\0\7\0\0", 8),
                    const std::string& protocol = std::string("\x08\0", 2)) {
    return protocol + std::string("\0\0\0\0\0", 5) + static_cast<char>(interface) + std::string("\0\1", 2) +
           static_cast<char>(packet_type) + '\6' + address;
}

TEST_CASE("packets of a capture of all interfaces keep the sender's address and the EtherType") {
    const std::string sender{"\2\0\0\0\0\7", 6}, ours{"\2\0\0\0\0\1", 6}, peer{"\2\0\0\0\0\x09", 6};
    const std::string none(8, '\0'), v6 = "\x86\xdd";
    Opened first(FileBytes::pcap(FileBytes::kNanoseconds, FileBytes::kCooked)
                     .record(1, 0, cooked(0) + "\x45 one")
                     .record(1, 0, cooked(0, none) + "\x45 of loopback")
                     .record(1, 0, cooked(1) + "\x45 to all")
                     .record(1, 0, cooked(2, none, v6) + "\x60 to some")
                     .record(1, 0, cooked(2) + "\x45 to some")
                     .bytes);
    CHECK(text(first.next().frame) == ours + sender + std::string("\x08\0", 2) + "\x45 one");
    CHECK(text(first.next().frame) == ours + peer + std::string("\x08\0", 2) + "\x45 of loopback");
    CHECK(text(first.next().frame) ==
          "\xff\xff\xff\xff\xff\xff" + sender + std::string("\x08\0", 2) + "\x45 to all");
    CHECK(text(first.next().frame) == std::string("\x33\x33\0\0\0\0", 6) + peer + v6 + "\x60 to some");
    CHECK(text(first.next().frame) ==
          std::string("\x01\0\x5e\0\0\0", 6) + sender + std::string("\x08\0", 2) + "\x45 to some");
    CHECK(first.at_end());

    Opened second(FileBytes::pcap(FileBytes::kNanoseconds, FileBytes::kCooked2)
                      .record(1, 0, cooked2(1, 0) + "\x45 one")
                      .record(1, 0, cooked2(1, 4, none, v6) + "\x60 two")
                      .record(1, 0,
                              cooked2(1, 3, std::string("\2\0\0\0\0\7\0\0", 8), std::string("\x81\0", 2)) +
                                  std::string("\0\5\x08\0", 4) + "\x45 tagged")
                      .bytes);
    CHECK(text(second.next().frame) == ours + sender + std::string("\x08\0", 2) + "\x45 one");
    CHECK(text(second.next().frame) == ours + peer + v6 + "\x60 two");
    CHECK(text(second.next().frame) == ours + sender + std::string("\x81\0\0\5\x08\0", 6) + "\x45 tagged");
    CHECK(second.at_end());
}

TEST_CASE("an address of another length than Ethernet's is not taken for one") {
    std::string infiniband = cooked(0);
    infiniband[5] = 20;
    std::string tunnel = cooked2(1, 0);
    tunnel[11] = 4;
    Opened first(FileBytes::pcap(FileBytes::kNanoseconds, FileBytes::kCooked).record(1, 0, infiniband).bytes);
    Opened second(FileBytes::pcap(FileBytes::kNanoseconds, FileBytes::kCooked2).record(1, 0, tunnel).bytes);
    for (Opened* file : {&first, &second})
        CHECK(text(file->next().frame).substr(6, 6) == std::string("\2\0\0\0\0\x09", 6));
}

TEST_CASE("the family before packets of BSD's loopback is taken from the packet") {
    const std::string addresses{"\2\0\0\0\0\1\2\0\0\0\0\x09", 12};
    for (const std::uint32_t type : {FileBytes::kNull, FileBytes::kLoop}) {
        Opened file(FileBytes::pcap(FileBytes::kNanoseconds, type)
                        .record(1, 0, std::string("\2\0\0\0", 4) + "\x45 four")
                        .record(1, 0, std::string("\0\0\0\x1e", 4) + "\x60 six")
                        .bytes);
        CHECK(text(file.next().frame) == addresses + std::string("\x08\0", 2) + "\x45 four");
        CHECK(text(file.next().frame) == addresses + "\x86\xdd" + "\x60 six");
    }
}

TEST_CASE("a packet that several interfaces saw is given once") {
    Opened file(FileBytes::pcap(FileBytes::kNanoseconds, FileBytes::kCooked2)
                    .record(1, 0, cooked2(1, 3) + "\x45 segment")
                    .record(1, 2'000, cooked2(2, 0) + "\x45 segment")
                    .record(1, 3'000, cooked2(3, 4) + "\x45 segment")
                    .record(1, 4'000, cooked2(1, 3) + "\x45 segment")
                    .record(1, 4'000, cooked2(1, 3) + "\x45 segment", 2000)
                    .record(1, 5'000, cooked2(2, 0) + "\x45 segment", 2000)
                    .bytes);
    CHECK(file.next().number == 1);
    CHECK(file.next().number == 4);  // sent again
    CHECK(file.next().number == 5);  // another, cut
    CHECK(file.at_end());
    const Reader::Counters& counters = file.reader.value().counters();
    CHECK(counters.records == 6);
    CHECK(counters.duplicates == 3);
    CHECK(counters.cut == 1);
    CHECK(counters.bytes == 3 * (14 + 9));
}

TEST_CASE("packets of Ethernet are never taken for copies") {
    Opened file(FileBytes::pcap(FileBytes::kNanoseconds, FileBytes::kEthernet)
                    .record(1, 0, "a frame of some length")
                    .record(1, 1, "a frame of some length")
                    .bytes);
    CHECK(file.next().number == 1);
    CHECK(file.next().number == 2);
    CHECK(file.reader.value().counters().duplicates == 0);
}

TEST_CASE("checksums are repaired and counted where that is asked for") {
    const std::string ethernet{"\2\0\0\0\0\1\2\0\0\0\0\x09\x08\0", 14};
    // IPv4, ICMP: an echo request whose checksum should be 0xf7ff.
    const std::string ip{"\x45\0\0\x1c\0\0\0\0\x40\1\xf6\x8f\xc0\0\2\1\xc0\0\2\x50", 20};
    const std::string wrong{"\x08\0\0\0\0\0\0\0", 8}, right{"\x08\0\xf7\xff\0\0\0\0", 8};
    std::string fragment = ip;
    fragment[6] = '\x20';
    const auto ethernet_file = FileBytes::pcap(FileBytes::kNanoseconds, FileBytes::kEthernet)
                                   .record(1, 0, ethernet + ip + wrong)
                                   .record(1, 0, ethernet + ip + right)
                                   .record(1, 0, ethernet + fragment + wrong)
                                   .record(1, 0, ethernet + ip, 42)
                                   .bytes;
    SECTION("repair") {
        Opened file(ethernet_file, true);
        CHECK(text(file.next().frame) == ethernet + ip + right);
        CHECK(text(file.next().frame) == ethernet + ip + right);
        CHECK(text(file.next().frame) == ethernet + fragment + wrong);
        CHECK(text(file.next().frame) == ethernet + ip);
        CHECK(file.reader.value().counters().repaired == 1);
        CHECK(file.reader.value().counters().unfinished == 0);
        CHECK(file.reader.value().counters().unrepaired == 2);
    }
    SECTION("no repair") {
        Opened file(ethernet_file);
        CHECK(text(file.next().frame) == ethernet + ip + wrong);
        (void)file.next();
        (void)file.next();
        CHECK(file.reader.value().counters().repaired == 0);
        CHECK(file.reader.value().counters().unrepaired == 0);
    }
    SECTION("copies are told after the repair") {
        const auto cooked_file = FileBytes::pcap(FileBytes::kNanoseconds, FileBytes::kCooked2)
                                     .record(1, 0, cooked2(1, 4) + ip + wrong)
                                     .record(1, 1, cooked2(2, 4) + ip + right)
                                     .bytes;
        Opened file(cooked_file, true);
        CHECK(text(file.next().frame).substr(14) == ip + right);
        CHECK(file.at_end());
        CHECK(file.reader.value().counters().repaired == 1);  // of what is given
        Opened as_it_is(cooked_file);
        CHECK(as_it_is.next().number == 1);
        CHECK(as_it_is.next().number == 2);
    }
}

TEST_CASE("a record that ends within its link type's header is refused with its place") {
    for (const auto& [type, size] : {std::pair(FileBytes::kCooked, 15), std::pair(FileBytes::kCooked2, 19),
                                     std::pair(FileBytes::kNull, 3)}) {
        const std::string header(static_cast<std::size_t>(size), '\0');
        Opened file(FileBytes::pcap(FileBytes::kNanoseconds, type)
                        .record(1, 0, header + '\0')
                        .record(2, 0, header)
                        .bytes);
        CHECK(file.next().frame.size() == 14);
        CHECK(file.fault().ends_with(": it ends within the link type's header"));
    }
}

TEST_CASE("link types that can't be replayed are refused by name") {
    const Opened file(
        FileBytes::pcap(FileBytes::kNanoseconds, FileBytes::kRadio).record(1, 0, "frame").bytes);
    REQUIRE_FALSE(file.reader.ok());
    CHECK(file.reader.error().starts_with(file.path + ": the link type is IEEE802_11_RADIO ("));
    CHECK(file.reader.error().find("Ethernet, raw IP, LINUX_SLL") != std::string::npos);
}

TEST_CASE("a file that is no capture, and one that isn't there, are refused by name") {
    for (const std::string& bytes :
         {std::string(), std::string("ports:\n  - name: front, and more of it\n")}) {
        const Opened file(bytes);
        REQUIRE_FALSE(file.reader.ok());
        CHECK(file.reader.error().starts_with(file.path + ": no capture that can be read: "));
    }
    const auto missing = Reader::open("/nowhere/c.pcap", settings(false));
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
    SECTION("far behind its beginning") {
        FileBytes file = FileBytes::pcap(FileBytes::kNanoseconds, FileBytes::kEthernet);
        for (int i = 0; i < 20; ++i)
            file.record(1, 0, std::string(60'000, 'x'));
        Opened long_file(file.bytes.substr(0, file.bytes.size() - 1));
        for (int i = 0; i < 19; ++i)
            (void)long_file.next();
        CHECK(long_file.fault().starts_with("packet 20 at byte 1140328: "));  // 24 + 19 * (16 + 60,000)
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
