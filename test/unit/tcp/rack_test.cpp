// RFC 8985 6.2: what the connection's tests don't show of the reordering window.
#include "tcp/rack.hpp"

#include <catch2/catch.hpp>

using namespace terminus;
using namespace std::chrono_literals;
using tcp::Rack;
using wire::SeqNum;

namespace {

constexpr base::Instant kStart{100s};

/// A path with a round trip of 40 ms that has shown reordering.
struct Path {
    Path() {
        rack.begin(una);
        rack.delivered(kStart, una + 2000, 40ms);
        (void)rack.note_order(una + 1000, una + 2000, false);
        rack.order_noted(1000);
        (void)rack.note_order(una, una + 1000, false);
        rack.order_noted(1000);
    }
    [[nodiscard]] base::Duration window(bool loss_is_evident = true) const {
        return rack.reordering_window(40ms, 100ms, loss_is_evident);
    }
    /// A round trip with D-SACKs, and the next one begins.
    void round_with_duplicate(std::uint32_t bytes = 10'000) {
        rack.duplicate_reported(una + bytes);
        rack.duplicate_reported(una + bytes);
        una += bytes;
        rack.acknowledged(una);
    }
    SeqNum una{1};
    Rack rack;
};

}  // namespace

TEST_CASE("without reordering there is no wait once loss is evident, and a quarter of a round trip before") {
    Rack rack;
    rack.begin(SeqNum(1));
    rack.delivered(kStart, SeqNum(1001), 40ms);
    CHECK(rack.reordering_window(40ms, 100ms, true) == 0ms);
    CHECK(rack.reordering_window(40ms, 100ms, false) == 10ms);
    CHECK(rack.reordering_window(base::Duration(-1), 100ms, false) == 0ms);
}

TEST_CASE("reordering is what begins below that which had arrived before, and was never sent again") {
    Path path;
    CHECK(path.rack.reordering_seen());
    CHECK(path.rack.reorderings() == 1);
    CHECK(path.rack.reordering_degree() == 3);
    CHECK(path.window() == 10ms);
    CHECK_FALSE(path.rack.note_order(path.una, path.una + 1000, true));
    (void)path.rack.note_order(path.una + 9000, path.una + 10'000, false);
    path.rack.order_noted(1000);
    CHECK(path.rack.note_order(path.una + 5000, path.una + 6000, false));
    path.rack.order_noted(1000);
    CHECK(path.rack.reorderings() == 2);
    CHECK(path.rack.reordering_degree() == 5);
}

// RFC 8985 6.2 step 4: reo_wnd_mult.
TEST_CASE(
    "duplicates widen the window by a quarter for each round trip that has some, up to a smoothed one") {
    Path path;
    for (const base::Duration wanted : {20ms, 30ms, 40ms}) {
        path.round_with_duplicate();
        CHECK(path.window() == wanted);
    }
    for (int i = 0; i < 300; ++i)
        path.round_with_duplicate();
    CHECK(path.window() == 100ms);
}

TEST_CASE("the wider window lasts for sixteen recoveries after the last duplicate") {
    Path path;
    path.round_with_duplicate();
    for (int i = 0; i < 15; ++i)
        path.rack.recovery_left();
    CHECK(path.window() == 20ms);
    path.round_with_duplicate();
    for (int i = 0; i < 15; ++i)
        path.rack.recovery_left();
    CHECK(path.window() == 30ms);
    path.rack.recovery_left();
    CHECK(path.window() == 10ms);
}

TEST_CASE("a round with duplicates is over when it is acknowledged, however much follows without any") {
    Path path;
    path.round_with_duplicate();
    for (int i = 0; i < 3; ++i) {  // 3 GiB: the end of that round looks ahead of snd.una again
        path.una += 1u << 30;
        path.rack.acknowledged(path.una);
    }
    path.round_with_duplicate();
    CHECK(path.window() == 30ms);
}

// RFC 8985 6.2 step 2.
TEST_CASE("the newest delivery is the one that was sent last, of two at once the later number") {
    Path path;
    CHECK(path.rack.is_older(kStart, path.una + 1000));
    CHECK_FALSE(path.rack.is_older(kStart, path.una + 2000));
    path.rack.delivered(kStart - 1ms, path.una + 9000, 50ms);
    CHECK(path.rack.newest_sent_at() == kStart);
    CHECK(path.rack.rtt() == 40ms);
    path.rack.delivered(kStart, path.una + 3000, 45ms);
    CHECK(path.rack.rtt() == 45ms);
    CHECK(path.rack.is_older(kStart, path.una + 2000));
}
