// Workers that sleep until they are told of something, on threads of their own. Nothing but the event in
// question would end their sleep, so a test in which one is missed does not end either.

#include <poll.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "base/spsc_ring.hpp"
#include "dpdk/thread.hpp"
#include "flow/rss.hpp"
#include "support/pool.hpp"
#include "support/telling_port.hpp"
#include "wire/arp.hpp"
#include "wire/checksum.hpp"
#include "wire/frames.hpp"
#include "wire/tcp.hpp"
#include "worker/bell.hpp"
#include "worker/relay_port.hpp"
#include "worker/worker.hpp"

namespace terminus {
namespace {

using namespace std::chrono_literals;
using stats::Wake;
using test::Octets;

constexpr wire::MacAddress kOwnMac{{2, 0, 0, 0, 0, 1}};
constexpr wire::MacAddress kPeerMac{{2, 0, 0, 0, 0, 0x99}};
const wire::IpAddress kOwn = wire::IpAddress::v4(10, 0, 0, 1);
const wire::IpAddress kPeer = wire::IpAddress::v4(10, 0, 0, 99);

/// Two workers behind one port, which worker 0 polls.
class Sleepers {
 public:
    explicit Sleepers(base::Duration sleep_max = 1h) {
        const auto make = [&](std::uint16_t self, packet::Port* own) {
            workers_.push_back(std::make_unique<worker::Worker>(settings(self, sleep_max),
                                                                std::vector<packet::Port*>{own},
                                                                group.mailbox(self), mesh_, &services_));
        };
        make(0, &port);
        make(1, &relay_);
    }
    ~Sleepers() {
        for (std::uint32_t worker = 0; worker < threads_.size(); ++worker) {
            // Full only while the worker has not kept up.
            while (!group.mailbox(worker).post(worker::Stop{}))
                std::this_thread::yield();
        }
        for (std::thread& thread : threads_)
            thread.join();
    }
    Sleepers(const Sleepers&) = delete;
    Sleepers& operator=(const Sleepers&) = delete;

    void start() {
        for (const auto& worker : workers_) {
            threads_.emplace_back([&worker] {
                const dpdk::RegisteredThread registered;
                worker->run();
            });
        }
    }

    [[nodiscard]] std::uint64_t wakes(std::uint32_t worker, Wake cause) const {
        return group.stats(worker).wakes[cause].value();
    }
    [[nodiscard]] const worker::Worker& worker(std::size_t index) const { return *workers_[index]; }
    [[nodiscard]] std::uint16_t owner(std::uint16_t from_port) const {
        return flow::Steering({}, {}, 2).owner({.local = {kOwn, 81}, .remote = {kPeer, from_port}});
    }

    worker::Group group{2};
    test::TellingPort port{kOwnMac};

 private:
    static worker::Settings settings(std::uint16_t self, base::Duration sleep_max) {
        worker::Settings made;
        made.stack.worker = self;
        made.stack.workers = 2;
        made.stack.seed = 1 + self;
        made.stack.secrets = tcp::Secrets::from_seed(1);
        made.stack.table_key = base::SipKey::from_seed(1);
        made.stack.connections_max = 64;
        made.stack.half_open_max = 64;
        made.stack.time_wait_max = 64;
        made.stack.application_timers_max = 64;
        made.stack.buffers = {.payload = test::pool(),
                              .header = test::pool(),
                              .indirect = test::indirect_pool(),
                              .reserve = 512};
        made.stack.interfaces = {{.port = 0, .mac = kOwnMac, .addresses = {{kOwn, 24}}}};
        made.stack.routes = {{{kOwn, 24}, std::nullopt, 0}};
        made.stack.local_addresses = {kOwn};
        made.stack.steering = {flow::Steering({}, {}, 2)};
        made.proxy.sessions_max = 64;
        made.proxy.source_pairs_max = 4;
        made.idle = worker::Idle::Interrupt;
        made.interrupt_sleep_max = sleep_max;
        return made;
    }

    const proxy::ServiceTable services_{1, {}, {}, {kOwn}};
    worker::Mesh mesh_{2};
    worker::RelayPort relay_{port, 0, 1, 0, mesh_};
    std::vector<std::unique_ptr<worker::Worker>> workers_;
    std::vector<std::thread> threads_;
};

template <typename Done>
void wait_until(Done&& done) {
    while (!done())
        std::this_thread::yield();
}

packet::Buffer peers_arp() {
    using test::operator+;
    Octets arp(wire::kArpLength);
    wire::write_arp({.sender_mac = kPeerMac, .sender = kPeer, .target = kOwn}, arp);
    return test::make_buffer(test::ethernet(wire::kEtherTypeArp, wire::MacAddress::broadcast(), kPeerMac) +
                             arp);
}

// To a port on which nobody listens: its owner answers with a RST.
packet::Buffer stray_ack(std::uint16_t from_port) {
    Octets segment(20);
    (void)wire::write_tcp({.source_port = from_port,
                           .destination_port = 81,
                           .seq = wire::SeqNum(1),
                           .ack = wire::SeqNum(7),
                           .flags = {wire::TcpFlags::kAck},
                           .window = 1000},
                          segment);
    base::store_be16(&segment[16], wire::l4_checksum(kPeer, kOwn, wire::kProtocolTcp, segment));
    return test::make_buffer(
        test::frame_v4(segment, wire::kProtocolTcp, {.source = kPeer, .destination = kOwn}, kOwnMac));
}

// Both threads have to be on a CPU at the same moment: who yields is elsewhere when it comes.
template <typename Done>
void spin_until(Done&& done) {
    for (std::uint32_t spins = 1; !done(); ++spins) {
        if (spins % 10'000 == 0) std::this_thread::yield();
    }
}

// A worker that has been woken takes a turn with what woke it, 128 that find nothing, and the look, each
// after `turns` of its turns: the next event comes around the last of these, now sooner, now later.
void come_around_sleep(const stats::CoreStats& stats, std::uint64_t turns, std::uint64_t number) {
    wait_until([&] { return stats.turns.value() >= turns + 116 + number % 15; });
}

// Neither store may pass the look behind it, on either side.
TEST_CASE("either the look finds what was put into a ring, or the bell rings") {
    constexpr std::uint32_t kRounds = 100'000;
    base::SpscRing<std::uint32_t> ring(2);
    worker::Bell bell;
    REQUIRE(bell.hang());
    std::atomic<std::uint32_t> round{0};
    std::atomic<std::uint32_t> put{0};
    std::thread producer([&] {
        for (std::uint32_t number = 1; number <= kRounds; ++number) {
            spin_until([&] { return round.load(std::memory_order_acquire) >= number; });
            const bool pushed = ring.try_push(std::uint32_t{number});
            bell.ring();
            put.store(pushed ? number : kRounds + 1, std::memory_order_release);
        }
    });
    std::uint32_t missed = 0;
    for (std::uint32_t number = 1; number <= kRounds; ++number) {
        round.store(number, std::memory_order_release);
        // From before the other's store to after it.
        for (std::uint32_t pause = 0; pause < number % 512; ++pause)
            std::atomic_signal_fence(std::memory_order_seq_cst);
        bell.falls_asleep();
        const bool has_found = !ring.empty();
        spin_until([&] { return put.load(std::memory_order_acquire) >= number; });
        pollfd polled{.fd = bell.descriptor(), .events = POLLIN, .revents = 0};
        if (poll(&polled, 1, 0) != 1 && !has_found) ++missed;
        bell.wakes_up();
        if (ring.try_pop() != number) ++missed;
    }
    producer.join();
    CHECK(missed == 0);
}

TEST_CASE("a frame that comes as its worker falls asleep is received") {
    constexpr std::uint64_t kLonely = 5000;
    Sleepers sleepers;
    CHECK(sleepers.worker(0).sleeps_until_told());
    sleepers.start();
    const stats::CoreStats& stats = sleepers.group.stats(0);
    std::uint64_t turns = 0;
    for (std::uint64_t sent = 0; sent < kLonely; ++sent) {
        if (sent % 4 == 0) {
            wait_until([&] { return sleepers.port.is_armed(); });
        } else {
            come_around_sleep(stats, turns, sent);
        }
        turns = stats.turns.value();
        sleepers.port.arrive(test::make_buffer(std::vector<std::uint8_t>(60, 0xff)));
        wait_until([&] { return stats.frames_received.value() == sent + 1; });
    }
    CHECK(sleepers.wakes(0, Wake::Frame) > 0);
    CHECK(sleepers.wakes(0, Wake::Timeout) == 0);
    CHECK(sleepers.wakes(1, Wake::Frame) == 0);
}

TEST_CASE("each command is answered by a worker that would sleep for an hour") {
    constexpr std::uint64_t kCommands = 5000;
    Sleepers sleepers;
    CHECK(sleepers.worker(1).sleeps_until_told());  // nothing is ever received at its port
    sleepers.start();
    worker::Mailbox& mailbox = sleepers.group.mailbox(1);
    for (std::uint64_t sent = 0; sent < kCommands; ++sent) {
        const std::uint64_t turns = mailbox.stats().turns.value();
        while (!mailbox.post(worker::SetDraining{false}))
            std::this_thread::yield();
        wait_until([&] { return mailbox.poll().has_value(); });
        // At least a turn with the command, 128 that found nothing, and the look: the next one is posted
        // around the last of them, now sooner, now later.
        wait_until([&] { return mailbox.stats().turns.value() >= turns + 116 + sent % 15; });
    }
    CHECK(sleepers.wakes(1, Wake::Mail) > 0);
    CHECK(sleepers.wakes(1, Wake::Frame) == 0);
    CHECK(sleepers.wakes(1, Wake::Timeout) == 0);
}

TEST_CASE("what workers hand each other wakes them: a frame to its owner, the answer to who sends it") {
    constexpr int kAnswers = 200;  // fewer than RSTs go to one address in a second
    Sleepers sleepers;
    sleepers.start();
    sleepers.port.arrive(peers_arp());
    int answers = 0;
    for (std::uint16_t from = 20'000; answers < kAnswers; ++from) {
        if (sleepers.owner(from) != 1) continue;
        wait_until([&] { return sleepers.port.is_armed(); });
        const stats::CoreStats& owner = sleepers.group.stats(1);
        const std::uint64_t resets = owner.resets_sent_without_connection.value();
        const std::uint64_t turns = owner.turns.value();
        sleepers.port.arrive(stray_ack(from));
        wait_until([&] { return owner.resets_sent_without_connection.value() > resets; });
        come_around_sleep(owner, turns, from);
        ++answers;
    }
    // Worker 0's own announcements are among what is sent.
    wait_until([&] { return sleepers.port.sent() >= static_cast<std::uint32_t>(kAnswers); });
    CHECK(sleepers.group.stats(0).hand_overs_sent.value() == kAnswers);
    CHECK(sleepers.group.stats(1).hand_overs_received.value() == kAnswers);
    CHECK(sleepers.wakes(0, Wake::Frame) > 0);
    CHECK(sleepers.wakes(1, Wake::Mail) > 0);
}

TEST_CASE("a timer wakes its worker, and no sleep is longer than the longest") {
    {
        Sleepers sleepers;
        sleepers.start();
        // Its address is announced more than once, some time apart.
        wait_until([&] { return sleepers.wakes(0, Wake::Deadline) > 0; });
        CHECK(sleepers.wakes(0, Wake::Timeout) == 0);
    }
    Sleepers sleepers(1ms);
    sleepers.start();
    wait_until([&] { return sleepers.wakes(1, Wake::Timeout) > 3; });
    const stats::CoreStats& stats = sleepers.group.stats(1);
    CHECK(stats.busy_ns.value() < stats.idle_ns.value());
}

TEST_CASE("a worker whose port tells of nothing after all serves by naps") {
    Sleepers sleepers(1ms);
    sleepers.port.be_mute();
    sleepers.start();
    const stats::CoreStats& stats = sleepers.group.stats(0);
    std::uint64_t sent = 0;
    const auto send_and_wait = [&] {
        sleepers.port.arrive(test::make_buffer(std::vector<std::uint8_t>(60, 0xff)));
        ++sent;
        wait_until([&] { return stats.frames_received.value() == sent; });
    };
    while (stats.interrupts_missed.value() < worker::Sleeper::kMissedMax) {
        wait_until([&] {
            return sleepers.port.is_armed() || stats.interrupts_missed.value() == worker::Sleeper::kMissedMax;
        });
        std::this_thread::yield();
        send_and_wait();
    }
    for (int more = 0; more < 20; ++more)
        send_and_wait();
    CHECK(stats.interrupts_missed.value() == worker::Sleeper::kMissedMax);
    CHECK(sleepers.wakes(0, Wake::Frame) == 0);
    CHECK_FALSE(sleepers.port.is_armed());
}

TEST_CASE("a worker that sleeps gives a port up, leaves it alone from then on, and sleeps without it") {
    Sleepers sleepers;
    sleepers.start();
    worker::Mailbox& mailbox = sleepers.group.mailbox(0);
    wait_until([&] { return sleepers.port.is_armed(); });
    REQUIRE(mailbox.post(worker::GivePortUp{0}));
    std::optional<worker::Reply> reply;
    wait_until([&] { return (reply = mailbox.poll()).has_value(); });
    CHECK(std::holds_alternative<worker::PortGivenUp>(*reply));
    sleepers.port.arrive(stray_ack(9000));  // which nobody will ever look at
    const std::uint64_t wakes = sleepers.wakes(0, Wake::Mail);
    wait_until([&] {
        REQUIRE(mailbox.post(worker::SetDraining{}));
        wait_until([&] { return mailbox.poll().has_value(); });
        return sleepers.wakes(0, Wake::Mail) >= wakes + 3;
    });
    CHECK_FALSE(sleepers.port.is_armed());
    CHECK(sleepers.group.stats(0).frames_received.value() == 0);
}

}  // namespace
}  // namespace terminus
