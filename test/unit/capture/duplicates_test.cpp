#include "capture/duplicates.hpp"

#include <catch2/catch.hpp>
#include <string>

namespace terminus::capture {
namespace {

using namespace std::chrono_literals;

constexpr std::uint8_t kReceived = 0, kForOthers = 3, kSent = 4;
constexpr SeenAt kPort1{1, kReceived}, kBridge{2, kReceived}, kPort2{3, kSent};

struct Capture {
    Duplicates duplicates;

    bool is_copy(const std::string& packet, const SeenAt& seen_at, base::Duration stamp = 0s) {
        return duplicates.is_copy({reinterpret_cast<const std::uint8_t*>(packet.data()), packet.size()},
                                  packet.size(), seen_at, stamp);
    }
};

TEST_CASE("what is seen again at other interfaces is a copy") {
    Capture capture;
    CHECK_FALSE(capture.is_copy("syn", kPort1));
    CHECK(capture.is_copy("syn", kBridge));
    CHECK(capture.is_copy("syn", kPort2));
    CHECK_FALSE(capture.is_copy("ack", kPort1));
    CHECK(capture.is_copy("ack", kPort2));
}

TEST_CASE("the packet type tells places apart where the interface isn't known") {
    Capture capture;
    CHECK_FALSE(capture.is_copy("syn", {0, kForOthers}));
    CHECK(capture.is_copy("syn", {0, kReceived}));
    CHECK(capture.is_copy("syn", {0, kSent}));
    CHECK_FALSE(capture.is_copy("syn", {0, kSent}));
}

TEST_CASE("equal packets at one place are packets of their own") {
    Capture capture;
    for (int i = 0; i < 3; ++i)
        CHECK_FALSE(capture.is_copy("duplicate ACK", kPort1, i * 10us));
}

TEST_CASE("each of several equal packets has copies of its own") {
    Capture capture;
    SECTION("packet, copy, packet, copy") {
        for (int i = 0; i < 3; ++i) {
            CHECK_FALSE(capture.is_copy("duplicate ACK", kPort1));
            CHECK(capture.is_copy("duplicate ACK", kBridge));
            CHECK(capture.is_copy("duplicate ACK", kPort2));
        }
    }
    SECTION("packet, packet, copy, copy") {
        for (int i = 0; i < 3; ++i)
            CHECK_FALSE(capture.is_copy("duplicate ACK", kPort1));
        for (int i = 0; i < 3; ++i)
            CHECK(capture.is_copy("duplicate ACK", kPort2));
        CHECK_FALSE(capture.is_copy("duplicate ACK", kPort2));  // one more than there were
    }
}

TEST_CASE("a copy comes within five milliseconds of the packet") {
    Capture capture;
    CHECK_FALSE(capture.is_copy("in time", kPort1, 1s));
    CHECK(capture.is_copy("in time", kBridge, 1s + 5ms));
    CHECK_FALSE(capture.is_copy("in time", kPort2, 1s + 5ms + 1ns));
}

TEST_CASE("any other byte or length makes another packet") {
    Capture capture;
    CHECK_FALSE(capture.is_copy("ttl 64", kPort1));
    CHECK_FALSE(capture.is_copy("ttl 63", kPort2));
    CHECK_FALSE(capture.is_copy("ttl 6", kPort2));
    CHECK_FALSE(capture.duplicates.is_copy({}, 100, kPort1, 0s));  // cut to nothing
    CHECK_FALSE(capture.duplicates.is_copy({}, 101, kPort2, 0s));
    CHECK(capture.duplicates.is_copy({}, 101, kPort1, 0s));
}

TEST_CASE("the oldest packet is forgotten for one too many") {
    Capture capture;
    for (std::size_t i = 0; i < Duplicates::kRememberedMax; ++i)
        CHECK_FALSE(capture.is_copy(std::to_string(i), kPort1));
    CHECK(capture.is_copy("0", kPort2));
    CHECK_FALSE(capture.is_copy("one more", kPort1));
    CHECK_FALSE(capture.is_copy("0", kBridge));
    CHECK(capture.is_copy("2", kBridge));
}

}  // namespace
}  // namespace terminus::capture
