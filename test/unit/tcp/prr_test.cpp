// RFC 9937 6: what the connection's tests don't show of the reduction.
#include "tcp/prr.hpp"

#include <catch2/catch.hpp>

using terminus::tcp::Prr;

namespace {

constexpr std::uint32_t kMss = 1000;
constexpr std::uint32_t kFlight = 20'000;
constexpr std::uint32_t kThreshold = 10'000;

/// A sender with text without end: what the window lets out is sent at once.
struct Sender {
    Sender() { prr.begin(kFlight); }
    /// An ACK that delivers so much, the first `lost` bytes being gone; returns what may go out.
    std::uint32_t acknowledge(std::uint32_t delivered, bool is_safe = true, std::uint32_t lost = 0) {
        pipe -= delivered + lost;
        const std::uint32_t window = prr.window(delivered, pipe, kThreshold, kMss, is_safe);
        const std::uint32_t room = (window - pipe) / kMss * kMss;
        prr.sent(room);
        pipe += room;
        return room;
    }
    Prr prr;
    std::uint32_t pipe = kFlight;
};

}  // namespace

TEST_CASE("the first retransmission goes out whatever was delivered") {
    Sender sender;
    CHECK(sender.acknowledge(0) == kMss);
    CHECK(sender.acknowledge(0) == 0);
}

TEST_CASE("a window that is to be halved lets a segment out for every second one delivered") {
    Sender sender;
    std::uint32_t sent = 0;
    for (int acks = 0; acks < 20; ++acks) {
        const std::uint32_t now = sender.acknowledge(kMss);
        CHECK(now <= kMss);
        sent += now;
    }
    // RecoverFS was delivered, so the threshold's worth was sent, and is what is on the way.
    CHECK(sent == kThreshold);
    CHECK(sender.pipe == kThreshold);
}

TEST_CASE("below the threshold as much is sent as arrives, and a segment more while nothing else is lost") {
    Sender careful, safe;
    careful.acknowledge(kMss, false, 15'000);
    safe.acknowledge(kMss, false, 15'000);
    REQUIRE(careful.pipe < kThreshold);
    CHECK(careful.acknowledge(kMss, false) == kMss);
    CHECK(safe.acknowledge(kMss, true) == 2 * kMss);
}

TEST_CASE("what is on the way never grows beyond the threshold") {
    Sender sender;
    sender.acknowledge(kMss, true, 15'000);
    for (int acks = 0; acks < 50; ++acks) {
        sender.acknowledge(kMss, true);
        CHECK(sender.pipe <= kThreshold);
    }
    CHECK(sender.pipe == kThreshold);
}

TEST_CASE("a reduction without anything on the way divides by no zero") {
    Prr prr;
    prr.begin(0);
    CHECK(prr.window(0, 0, kThreshold, kMss, true) == kMss);
    CHECK(prr.window(UINT32_MAX / 2, kThreshold + 1, kThreshold, kMss, true) > kThreshold);
}
