// What a worker owes when all is over: nothing.
#include <numeric>

#include "packet/frame_access.hpp"
#include "world.hpp"

namespace terminus::bench {
namespace {

using stats::Leg;

/// A thousandth of what a TIME_WAIT lasts.
constexpr base::Duration kAgeing = std::chrono::milliseconds(60);
constexpr int kAgeings = 1000;
/// A turn ends a bounded number of them, so millions take longer; this is too long.
constexpr int kAgeingsMax = 2'000'000;
constexpr std::uint32_t kRowsAtOnce = 1 << 16;

class Accounts {
 public:
    void expect(const std::string& what, std::uint64_t is, std::uint64_t due) {
        if (is != due)
            differences.push_back(what + ": " + std::to_string(is) + " instead of " + std::to_string(due));
    }
    void expect_none(const std::string& what, std::uint64_t is) { expect(what, is, 0); }

    std::vector<std::string> differences;
};

std::uint64_t connections(const stats::CoreStats& stats, Leg leg) {
    const auto& by_state = stats.leg(leg).connections;
    return std::accumulate(by_state.begin(), by_state.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const auto& state) { return sum + state.value(); });
}

}  // namespace

std::uint64_t World::slots_in_use() const {
    std::uint64_t count = 0;
    std::uint64_t cursor = 0;
    while (const auto next = worker_->stack().list(cursor, kRowsAtOnce, [&](auto&&...) { ++count; }))
        cursor = *next;
    return count;
}

std::vector<std::string> World::close_accounts() {
    // Gauges are published now and then, so the end has to be seen more than once.
    for (int i = 0; i < kAgeingsMax && (i < kAgeings || stats().time_wait.value() > 0); ++i)
        pass(kAgeing, kAgeing);
    device_.forget_sent();

    Accounts accounts;
    accounts.expect_none("connections of clients", connections(stats(), Leg::Client));
    accounts.expect_none("connections to backends", connections(stats(), Leg::Backend));
    accounts.expect_none("half-open", stats().half_open.value());
    accounts.expect_none("in TIME_WAIT", stats().time_wait.value());
    accounts.expect_none("handles", slots_in_use());
    accounts.expect_none("sessions", worker_->proxy().sessions());
    accounts.expect_none("timers", worker_->stack().armed_timers());
    accounts.expect_none("source ports", stats().source_ports_used.value());

    accounts.expect("payload buffers, the device's own", payload_.in_use(), MemoryDevice::kDescriptors);
    accounts.expect_none("header buffers", header_.in_use());
    accounts.expect_none("indirect buffers", indirect_.in_use());

    const stats::LegStats& client = stats().leg(Leg::Client);
    const stats::LegStats& backend = stats().leg(Leg::Backend);
    accounts.expect("bytes received of clients", client.bytes_received.value(), crowd_.text_sent(kClient));
    accounts.expect("bytes that backends took", crowd_.text_received(kBackend), crowd_.text_sent(kClient));
    accounts.expect("bytes sent to backends", backend.bytes_sent.value(), crowd_.text_sent(kClient));
    accounts.expect("bytes received of backends", backend.bytes_received.value(), crowd_.text_sent(kBackend));
    accounts.expect("bytes that clients took", crowd_.text_received(kClient), crowd_.text_sent(kBackend));
    accounts.expect("bytes sent to clients", client.bytes_sent.value(), crowd_.text_sent(kBackend));
    return accounts.differences;
}

}  // namespace terminus::bench
