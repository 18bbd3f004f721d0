#include "stack/time_waits.hpp"

#include <list>
#include <vector>

#include "base/rng.hpp"
#include "bench.hpp"
#include "support/archived.hpp"

using namespace terminus;
using namespace std::chrono_literals;
using stack::TimeWaits;
using stack::TimeWaitSlot;

namespace {

/// Makes TIME_WAITs that begin when it is told, of a connection whose last number received is the peer's FIN.
class Maker : public test::Bench {
 public:
    Maker() {
        bring_to(test::State::TimeWait);
        began_ = now;
    }
    ~Maker() {
        for (; made_ > 0; --made_)
            leg().connections[static_cast<std::size_t>(test::State::TimeWait)].subtract();
    }
    /// Known by its remote port; a retransmitted FIN begins it anew.
    TimeWaitSlot at(base::Duration since, std::uint16_t port) {
        ++made_;
        now = began_ + since;
        TimeWaitSlot made{tcp::TimeWait(c(), tuple().remote.address, port, 80, 1, env())};
        restart(made);
        return made;
    }
    void restart(TimeWaitSlot& slot) {
        REQUIRE(slot.tcp.segment_arrives(segment(test::kFin | test::kAck, 1, 2), env()) ==
                tcp::TimeWaitVerdict::Acknowledge);
    }

 private:
    base::Instant began_;
    int made_ = 0;
};

// Remote ports from the first to end to the last, taken out on the way.
std::list<std::uint16_t> drain(TimeWaits& line) {
    std::list<std::uint16_t> ports;
    while (line.first() != TimeWaits::kNone) {
        ports.push_back(line[line.first()].tcp.remote_port());
        line.release(line.first());
    }
    return ports;
}

}  // namespace

TEST_CASE("TIME_WAITs end in the order in which they began, and who begins anew is the last") {
    Maker maker;
    TimeWaits line(8);
    const std::uint32_t one = line.allocate(maker.at(1s, 1));
    const std::uint32_t two = line.allocate(maker.at(2s, 2));
    (void)line.allocate(maker.at(3s, 3));
    const std::uint32_t four = line.allocate(maker.at(4s, 4));
    CHECK(line.first() == one);
    CHECK(line.size() == 4);
    maker.restart(line[one]);
    line.restarted(one);
    CHECK(line.first() == two);
    line.release(four);
    CHECK_FALSE(line.is_live(four));
    maker.restart(line[two]);
    line.restarted(two);
    CHECK(drain(line) == std::list<std::uint16_t>{3, 1, 2});
    CHECK(line.size() == 0);
}

TEST_CASE("one that comes late has its place by when it began") {
    Maker maker;
    TimeWaits line(8);
    (void)line.allocate(maker.at(10s, 1));
    (void)line.allocate(maker.at(20s, 2));
    (void)line.allocate(maker.at(30s, 3));
    (void)line.allocate(maker.at(15s, 4));
    (void)line.allocate(maker.at(5s, 5));
    (void)line.allocate(maker.at(30s, 6));
    CHECK(drain(line) == std::list<std::uint16_t>{5, 1, 4, 2, 3, 6});
}

TEST_CASE("places that became free are used again, and there are as many as were asked for") {
    Maker maker;
    TimeWaits line(3);
    for (std::uint16_t round = 0; round < 5; ++round) {
        for (std::uint16_t i = 0; i < 3; ++i)
            (void)line.allocate(maker.at(1s, i));
        CHECK(line.size() == line.capacity());
        CHECK(line.touched() == 3);
        CHECK(drain(line) == std::list<std::uint16_t>{0, 1, 2});
    }
}

TEST_CASE("the line agrees with a list over random beginnings, restarts and ends") {
    Maker maker;
    TimeWaits line(64);
    std::list<std::uint32_t> expected;
    base::Rng rng(1);
    for (int step = 0; step < 20'000; ++step) {
        const auto since = std::chrono::milliseconds(step);
        const bool has_room = line.size() < line.capacity();
        const auto chosen = [&] {
            return std::next(expected.begin(), static_cast<std::ptrdiff_t>(rng.below(expected.size())));
        };
        switch (rng.below(4)) {
            case 0:
            case 1:
                if (has_room) expected.push_back(line.allocate(maker.at(since, 1)));
                break;
            case 2:
                if (!expected.empty()) {
                    const auto at = chosen();
                    line.restarted(*at);
                    expected.splice(expected.end(), expected, at);
                }
                break;
            default:
                if (!expected.empty()) {
                    const auto at = chosen();
                    line.release(*at);
                    expected.erase(at);
                }
        }
        REQUIRE(line.size() == expected.size());
        REQUIRE(line.first() == (expected.empty() ? TimeWaits::kNone : expected.front()));
    }
}

TEST_CASE("a line copied by its bytes ends in the same order, and one that is damaged is refused") {
    Maker maker;
    TimeWaits line(8);
    for (std::uint16_t i = 0; i < 6; ++i)
        (void)line.allocate(maker.at(std::chrono::seconds(i), i));
    line.release(2);
    line.restarted(0);
    TimeWaits copy(8);
    test::copy_by_archive(line, copy);
    CHECK(drain(copy) == std::list<std::uint16_t>{1, 3, 4, 5, 0});

    std::vector<std::uint8_t> bytes = test::archived(line);
    bytes[bytes.size() - 4] = 7;  // the first free place
    test::reseal(bytes);
    TimeWaits damaged(8);
    CHECK_FALSE(test::read_archive(bytes, damaged).empty());
    TimeWaits smaller(4);
    CHECK_FALSE(test::read_archive(test::archived(line), smaller).empty());
}
