#include "capture/compare.hpp"

#include <catch2/catch.hpp>

#include "capture/files.hpp"
#include "capture/frames.hpp"

namespace terminus::capture {
namespace {

using Catch::Matchers::Contains;
using test::FileBytes;
using test::tcp_frame;

wire::TcpHeader header(std::uint32_t seq, std::uint16_t window = 1000) {
    wire::TcpHeader header;
    header.seq = wire::SeqNum(seq);
    header.flags = {wire::TcpFlags::kAck};
    header.window = window;
    return header;
}

/// A segment's number and window stand for all of it.
struct Sent {
    std::uint32_t seconds;
    std::uint32_t seq;
    std::uint16_t window = 1000;
    std::string text;
};

struct Files {
    test::TemporaryFolder folder;

    [[nodiscard]] std::string write(const std::string& name, const std::vector<Sent>& all,
                                    bool is_reply = true) const {
        FileBytes file = FileBytes::pcap(FileBytes::kNanoseconds, FileBytes::kEthernet);
        for (const Sent& one : all)
            file.record(one.seconds, 0, tcp_frame(is_reply, header(one.seq, one.window), one.text));
        test::write_file(folder.file(name), file.bytes);
        return folder.file(name);
    }
    [[nodiscard]] Comparison compare(const std::vector<Sent>& expected, const std::vector<Sent>& actual,
                                     const std::vector<Sent>& received = {}) const {
        CompareRequest request;
        request.expected = write("expected.pcap", expected);
        request.actual = write("actual.pcap", actual);
        if (!received.empty()) request.received = write("received.pcap", received, false);
        request.begins = std::chrono::seconds(10);
        const auto compared = capture::compare(request);
        REQUIRE(compared.ok());
        return compared.value();
    }
};

TEST_CASE("captures with the same packets at the same times don't differ") {
    const Files files;
    const Comparison same = files.compare({{10, 1}, {11, 2}}, {{10, 1}, {11, 2}});
    CHECK(same.same());
    CHECK(same.compared == 2);
    CHECK(files.compare({}, {}).same());
}

TEST_CASE("a packet that differs is told field by field with the connection's history") {
    const Files files;
    const Comparison found = files.compare({{11, 1}, {13, 2, 1000, "abcd"}}, {{11, 1}, {13, 2, 999, "abXd"}},
                                           {{10, 7}, {12, 8}, {14, 9}});
    REQUIRE(found.differences.size() == 1);
    CHECK(found.differences[0] ==
          "packet 2 at 3.000000000 s: 192.0.2.80:80 > 192.0.2.1:4000 . 2:6(4) ack 0 win 999\n"
          "  tcp.window: expected 1000, got 999\n"
          "  payload byte 2: expected 0x63, got 0x58\n"
          "  the connection so far (< received, > sent):\n"
          "    0.000000000 < 192.0.2.1:4000 > 192.0.2.80:80 . 7:7(0) ack 0 win 1000\n"
          "    1.000000000 > 192.0.2.80:80 > 192.0.2.1:4000 . 1:1(0) ack 0 win 1000\n"
          "    2.000000000 < 192.0.2.1:4000 > 192.0.2.80:80 . 8:8(0) ack 0 win 1000");
}

TEST_CASE("a packet at another time differs") {
    const Files files;
    const Comparison found = files.compare({{11, 1}}, {{12, 1}});
    REQUIRE(found.differences.size() == 1);
    CHECK_THAT(found.differences[0], Contains("time: expected 1.000000000, got 2.000000000"));
}

TEST_CASE("a payload of another length differs") {
    const Files files;
    const Comparison found = files.compare({{11, 1, 1000, "abc"}}, {{11, 1, 1000, "abcd"}});
    REQUIRE(found.differences.size() == 1);
    CHECK_THAT(found.differences[0], Contains("payload: expected 3 bytes, got 4 bytes"));
    CHECK_THAT(found.differences[0], Contains("ip.length: expected 43, got 44"));
}

TEST_CASE("packets that are missing or too many are told, and what follows is the same") {
    const Files files;
    const Comparison missing = files.compare({{11, 1}, {12, 2}, {13, 3}, {14, 4}}, {{11, 1}, {13, 3}});
    REQUIRE(missing.differences.size() == 2);
    CHECK_THAT(missing.differences[0], Contains("packet 2 at 2.000000000 s is missing: "));
    CHECK_THAT(missing.differences[1], Contains("packet 4 at 4.000000000 s is missing: "));
    const Comparison surplus = files.compare({{11, 1}, {13, 3}}, {{11, 1}, {12, 2}, {13, 3}, {14, 4}});
    REQUIRE(surplus.differences.size() == 2);
    CHECK_THAT(surplus.differences[0], Contains("packet 2 at 2.000000000 s is one too many: "));
    CHECK_THAT(surplus.differences[1], Contains("packet 4 at 4.000000000 s is one too many: "));
}

TEST_CASE("after a few differences the rest is not looked at") {
    const Files files;
    std::vector<Sent> expected, actual;
    for (std::uint32_t i = 0; i < 10; ++i) {
        expected.push_back({10 + i, i});
        actual.push_back({10 + i, i, 5});
    }
    CHECK(files.compare(expected, actual).differences.size() == Comparison::kDifferencesMax);
}

TEST_CASE("a file that can't be read is an error") {
    const Files files;
    const std::string there = files.write("there.pcap", {{11, 1}});
    CHECK_FALSE(compare({.expected = "/nowhere.pcap", .actual = there}).ok());
    CHECK_FALSE(compare({.expected = there, .actual = "/nowhere.pcap"}).ok());
    const std::string broken = files.folder.file("broken.pcap");
    test::write_file(broken, test::read_file(there) + "x");
    const auto compared = compare({.expected = there, .actual = broken});
    REQUIRE_FALSE(compared.ok());
    CHECK_THAT(compared.error(), Contains("broken.pcap: packet 2 at byte "));
}

}  // namespace
}  // namespace terminus::capture
