#include "held_bench.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "memory.hpp"
#include "world.hpp"

namespace terminus::bench {
namespace {

using Clock = std::chrono::steady_clock;

/// As kernels do it a connection has several frames under way at a time; the device has 1024 descriptors.
constexpr std::uint32_t kConcurrency = 128;
constexpr base::Duration kTurn = std::chrono::microseconds(10);
/// Soaking, each turn is about five connections, and as many of them as that are in TIME_WAIT for a minute.
/// Opening, it is more of them.
constexpr std::uint32_t kTimeWaits = 750'000;
constexpr base::Duration kSoakTurn = std::chrono::microseconds(400);
constexpr std::uint32_t kReopened = 500;
constexpr std::uint32_t kOfEach = 2'500;
constexpr std::uint32_t kSegments = 25'000;

void close_accounts(World& world) {
    std::string all;
    for (const std::string& difference : world.close_accounts())
        all += "\n  " + difference;
    if (!all.empty()) throw std::runtime_error("not all is accounted for:" + all);
    std::printf(
        "accounted for: every buffer, port, handle, timer and byte (%llu of requests, %llu of responses)\n",
        static_cast<unsigned long long>(world.crowd().text_sent(kClient)),
        static_cast<unsigned long long>(world.crowd().text_sent(kBackend)));
}

class Progress {
 public:
    void say(const char* what) {
        const auto now = Clock::now();
        std::printf("%7.1f s  %s\n", std::chrono::duration<double>(now - since_).count(), what);
        std::fflush(stdout);
        since_ = now;
    }

 private:
    Clock::time_point since_ = Clock::now();
};

}  // namespace

void bench_held(const HeldBench& settings) {
    const std::uint32_t open = settings.open;
    const World::Settings of_world{.is_v6 = settings.is_v6,
                                   .has_offloads = settings.has_offloads,
                                   .staying = open,
                                   .passing = 1024,
                                   .time_waits = open};
    require_memory(of_world, true);
    World world(of_world);
    world.crowd().set_manners({.has_own_text = true});
    const std::uint32_t concurrency = std::min(kConcurrency, open);
    std::printf("%u proxied connections\n", open);
    Progress progress;
    const double before = resident_bytes();
    // Not so fast, here and below, that none rests before the last has had its turn: awake they take six
    // times the memory.
    world.run(Work::Open, open, concurrency, kSoakTurn);
    progress.say("opened");
    world.pause();
    world.pass(std::chrono::minutes(1), std::chrono::milliseconds(10));
    std::printf("%7.0f bytes each\n", (resident_bytes() - before) / open);
    progress.say("a minute of theirs has passed");
    world.run(Work::Request, open, concurrency, kSoakTurn);
    progress.say("each has had its own answer");
    world.run(Work::Close, open, concurrency, kSoakTurn);
    progress.say("closed");
    close_accounts(world);
}

void bench_soak(std::uint32_t seconds, const HeldBench& settings) {
    World::Settings of_world{.is_v6 = settings.is_v6,
                             .has_offloads = settings.has_offloads,
                             .staying = settings.open,
                             .time_waits = kTimeWaits};
    World world(of_world);
    world.crowd().set_manners({.has_own_text = true});
    const std::uint32_t concurrency = std::min(kConcurrency, settings.open);
    // The first on its own: whose SYN waits for a next hop begins with a window of one segment, and clients
    // acknowledge every second.
    world.run(Work::Open, 1, 1, kTurn);
    world.run(Work::Open, settings.open - 1, concurrency, kTurn);
    std::uint64_t passes = 0;
    const auto end = Clock::now() + std::chrono::seconds(seconds);
    do {
        for (const bool is_kernel_like : {false, true}) {
            for (const bool backend_closes_first : {false, true}) {
                world.crowd().set_manners({.is_kernel_like = is_kernel_like,
                                           .backend_closes_first = backend_closes_first,
                                           .has_own_text = true});
                world.run(Work::Whole, kOfEach, kConcurrency, kSoakTurn);
            }
        }
        world.run(Work::Request, kOfEach, concurrency, kTurn);
        world.run(Work::PureAck, kOfEach, 1, kTurn);
        world.run(Work::Bulk, kSegments, concurrency, kTurn);
        const std::uint32_t reopened = std::min(kReopened, settings.open);
        world.run(Work::Close, reopened, std::min(concurrency, reopened), kTurn);
        world.run(Work::Open, reopened, std::min(concurrency, reopened), kTurn);
        ++passes;
    } while (Clock::now() < end);
    std::printf(
        "%u s: %llu connections, %llu requests and as many pure ACKs, %llu full segments; %llu in "
        "TIME_WAIT\n",
        seconds, static_cast<unsigned long long>(passes * (4 * kOfEach + kReopened)),
        static_cast<unsigned long long>(passes * kOfEach),
        static_cast<unsigned long long>(passes * kSegments),
        static_cast<unsigned long long>(world.stats().time_wait.value()));
    world.run(Work::Close, settings.open, concurrency, kTurn);
    close_accounts(world);
}

}  // namespace terminus::bench
