#include "worker/sleeper.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>

#include "sim/memory_port.hpp"
#include "support/pool.hpp"
#include "support/telling_port.hpp"
#include "worker/group.hpp"
#include "worker/relay_port.hpp"

namespace terminus::worker {
namespace {

using stats::Wake;
using terminus::test::TellingPort;

constexpr wire::MacAddress kMac{{2, 0, 0, 0, 0, 7}};
constexpr base::Duration kAtOnce{};
// A sleep that something must end: who waits for this long has lost it.
constexpr base::Duration kForever = std::chrono::hours(1);

packet::Buffer frame() {
    return terminus::test::make_buffer(std::vector<std::uint8_t>(60, 0xff));
}

bool is_readable(int descriptor) {
    pollfd polled{.fd = descriptor, .events = POLLIN, .revents = 0};
    return poll(&polled, 1, 0) == 1;
}

struct Bed {
    TellingPort port{kMac};
    Bell bell;
    Sleeper sleeper{{&port}, bell};
};

TEST_CASE("who rings for a worker that is awake disturbs nobody") {
    Bell bell;
    CHECK(bell.descriptor() == -1);
    bell.ring();
    REQUIRE(bell.hang());
    bell.ring();
    CHECK_FALSE(is_readable(bell.descriptor()));
}

TEST_CASE("a worker that has fallen asleep is rung for once, and sleeps again afterwards") {
    Bell bell;
    REQUIRE(bell.hang());
    for (int sleep = 0; sleep < 3; ++sleep) {
        bell.falls_asleep();
        CHECK_FALSE(is_readable(bell.descriptor()));
        bell.ring();
        CHECK(is_readable(bell.descriptor()));
        bell.ring();
        bell.wakes_up();
        CHECK_FALSE(is_readable(bell.descriptor()));
        bell.ring();
        CHECK_FALSE(is_readable(bell.descriptor()));
    }
}

TEST_CASE("a frame that comes after the port is armed ends the sleep") {
    Bed bed;
    REQUIRE(bed.sleeper.is_able());
    REQUIRE(bed.sleeper.arm());
    bed.port.arrive(frame());
    CHECK(bed.sleeper.sleep(kForever) == Wake::Frame);
    bed.sleeper.disarm();
    CHECK_FALSE(bed.port.is_armed());
    packet::Batch burst;
    bed.port.receive(burst);
    CHECK(burst.size() == 1);

    // What was told before is not told again.
    REQUIRE(bed.sleeper.arm());
    CHECK(bed.sleeper.sleep(kAtOnce) == Wake::Timeout);
    bed.sleeper.disarm();
}

TEST_CASE("a frame that came before is not told: it is there at the look") {
    Bed bed;
    bed.port.arrive(frame());
    REQUIRE(bed.sleeper.arm());
    CHECK(bed.sleeper.sleep(kAtOnce) == Wake::Timeout);
    packet::Batch burst;
    bed.port.receive(burst);
    CHECK(burst.size() == 1);
    bed.sleeper.disarm();
}

TEST_CASE("mail ends the sleep, also when it was posted between falling asleep and sleeping") {
    TellingPort port(kMac);
    Mailbox mailbox;
    Sleeper sleeper({&port}, mailbox.bell());
    REQUIRE(sleeper.arm());
    REQUIRE(mailbox.post(SetDraining{false}));
    CHECK(sleeper.sleep(kForever) == Wake::Mail);
    sleeper.disarm();
    REQUIRE(mailbox.take());
    REQUIRE(sleeper.arm());
    CHECK(sleeper.sleep(kAtOnce) == Wake::Timeout);
    sleeper.disarm();
}

TEST_CASE("a frame that another worker wants sent ends the sleep of who polls the port") {
    TellingPort port(kMac);
    Mesh mesh(2);
    RelayPort relay(port, 0, 1, 0, mesh);
    Bell bell;
    Sleeper sleeper({&port}, bell);
    mesh.set_bell(0, bell);
    REQUIRE(sleeper.arm());
    packet::Batch burst;
    relay.transmit(burst);  // nothing to tell of
    CHECK(sleeper.sleep(kAtOnce) == Wake::Timeout);
    burst.push_back(frame());
    relay.transmit(burst);
    CHECK(sleeper.sleep(kForever) == Wake::Mail);
    sleeper.disarm();
}

TEST_CASE("a worker sleeps only where each port at which frames arrive can tell") {
    TellingPort telling(kMac);
    sim::MemoryPort silent({.mac = kMac});
    Mesh mesh(2);
    RelayPort relay(silent, 0, 1, 0, mesh);
    Bell bell;
    CHECK(Sleeper({&telling}, bell).is_able());
    CHECK_FALSE(Sleeper({&silent}, bell).is_able());
    CHECK_FALSE(Sleeper({&telling, &silent}, bell).is_able());
    CHECK(Sleeper({&relay}, bell).is_able());  // nothing ever arrives at it
    CHECK(Sleeper({&relay, &telling}, bell).is_able());
}

TEST_CASE("a device that refuses to be armed is named at once") {
    Bed bed;
    bed.port.refuse();
    CHECK_FALSE(bed.sleeper.arm());
    bed.sleeper.disarm();
}

TEST_CASE("a port that tells of nothing is not believed after ten frames in a row") {
    Bed bed;
    packet::Batch burst;
    const auto find_frame = [&] {
        REQUIRE(bed.sleeper.arm());
        bed.port.arrive(frame());
        const Wake wake = bed.sleeper.sleep(kAtOnce);
        bed.port.receive(burst);
        burst.clear();
        return wake;
    };
    for (unsigned told = 0; told < 2 * Sleeper::kMissedMax; ++told) {
        CHECK(find_frame() == Wake::Frame);
        CHECK(bed.sleeper.is_told(1));
        bed.sleeper.disarm();
    }
    bed.port.be_mute();
    for (unsigned missed = 0; missed < Sleeper::kMissedMax; ++missed) {
        CHECK(bed.sleeper.is_able());
        CHECK(find_frame() == Wake::Timeout);
        CHECK_FALSE(bed.sleeper.is_told(1));
        bed.sleeper.disarm();
    }
    CHECK_FALSE(bed.sleeper.is_able());
}

TEST_CASE("a port that tells of nothing is found out beside one that tells") {
    TellingPort telling(kMac), mute(kMac);
    mute.be_mute();
    Bell bell;
    Sleeper sleeper({&telling, &mute}, bell);
    packet::Batch burst;
    for (unsigned missed = 0; missed < Sleeper::kMissedMax; ++missed) {
        CHECK(sleeper.is_able());
        for (TellingPort* port : {&telling, &mute}) {
            REQUIRE(sleeper.arm());
            port->arrive(frame());
            CHECK(sleeper.sleep(kAtOnce) == (port == &telling ? Wake::Frame : Wake::Timeout));
            port->receive(burst);
            burst.clear();
            CHECK(sleeper.is_told(port == &telling ? 1 : 2) == (port == &telling));
            sleeper.disarm();
        }
    }
    CHECK_FALSE(sleeper.is_able());
}

/// A port whose descriptor nobody will ever hear from again.
class DeadPort final : public packet::Port {
 public:
    DeadPort() : Port(sim::MemoryPort::able(), kMac, 1500) {
        const int failed = pipe(ends_.data());
        TERMINUS_ASSERT(failed == 0, "a test has few descriptors");
        close(ends_[1]);
    }
    ~DeadPort() override { close(ends_[0]); }
    void receive(packet::Batch&) override {}
    void transmit(packet::Batch& frames) override { frames.clear(); }
    [[nodiscard]] bool link_is_up() const override { return false; }
    [[nodiscard]] int wake_descriptor() const override { return ends_[0]; }
    [[nodiscard]] bool arm() override { return true; }

 private:
    std::array<int, 2> ends_{};
};

TEST_CASE("a descriptor in error is no frame, and ends sleeps for good") {
    DeadPort port;
    Bell bell;
    Sleeper sleeper({&port}, bell);
    REQUIRE(sleeper.is_able());
    REQUIRE(sleeper.arm());
    CHECK(sleeper.sleep(kForever) != Wake::Frame);
    CHECK_FALSE(sleeper.is_able());
    sleeper.disarm();
}

}  // namespace
}  // namespace terminus::worker
