// A wire between two interfaces that delays, loses and reorders, until SIGTERM:
//
//     relay INTERFACE INTERFACE [NAME=NUMBER...]
//
// Names: delay_us, rate_kbps, queue (frames), loss, reorder (of 1000 frames), reorder_delay_us, seed. They
// hold for both directions, the luck being different. Says `ready` when it forwards, and at its end what
// became of the frames of each direction.
#include <poll.h>
#include <signal.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

#include "packet_socket.hpp"
#include "wire.hpp"

namespace {

using namespace terminus;
using namespace terminus::relay;

constexpr int kBurst = 64;
volatile sig_atomic_t stopped = 0;

base::Instant clock_now() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return base::Instant(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

Impairment impairment_of(int count, char** arguments) {
    Impairment made;
    for (int i = 0; i < count; ++i) {
        const std::string_view word = arguments[i];
        const std::size_t equals = word.find('=');
        std::uint64_t number = 0;
        const std::string_view digits = word.substr(std::min(word.size(), equals + 1));
        const auto [end, error] = std::from_chars(digits.begin(), digits.end(), number);
        if (equals == word.npos || error != std::errc() || end != digits.end())
            throw std::invalid_argument("NAME=NUMBER is wanted instead of " + std::string(word));
        const std::string_view name = word.substr(0, equals);
        const auto small = static_cast<std::uint32_t>(number);
        if (name == "delay_us")
            made.delay = std::chrono::microseconds(number);
        else if (name == "rate_kbps")
            made.bits_per_second = number * 1000;
        else if (name == "queue")
            made.queue_max = small;
        else if (name == "loss")
            made.loss_permille = small;
        else if (name == "reorder")
            made.reorder_permille = small;
        else if (name == "reorder_delay_us")
            made.reorder_delay = std::chrono::microseconds(number);
        else if (name == "seed")
            made.seed = number;
        else
            throw std::invalid_argument("unknown: " + std::string(name));
    }
    return made;
}

void take_burst(const PacketSocket& from, Wire& wire) {
    for (int i = 0; i < kBurst; ++i) {
        std::optional<Frame> frame = from.receive();
        if (!frame) return;
        wire.take(std::move(*frame), clock_now());
    }
}

std::uint64_t deliver_due(Wire& wire, const PacketSocket& to) {
    std::uint64_t refused = 0;
    while (const std::optional<Frame> frame = wire.deliver(clock_now()))
        refused += to.send(*frame) ? 0 : 1;
    return refused;
}

timespec time_until(base::Instant due) {
    constexpr base::Duration kLongest = std::chrono::hours(1);
    const base::Instant now = clock_now();
    const base::Duration left = due == base::kNever ? kLongest : std::max(base::Duration::zero(), due - now);
    return {static_cast<time_t>(left.count() / 1'000'000'000),
            static_cast<long>(left.count() % 1'000'000'000)};
}

void report(const char* name, const Counters& counters, std::uint64_t refused) {
    std::printf(
        "%s taken %llu delivered %llu lost %llu reordered %llu overflowed %llu refused %llu\n", name,
        static_cast<unsigned long long>(counters.taken), static_cast<unsigned long long>(counters.delivered),
        static_cast<unsigned long long>(counters.lost), static_cast<unsigned long long>(counters.reordered),
        static_cast<unsigned long long>(counters.overflowed), static_cast<unsigned long long>(refused));
}

void run(const std::string& left, const std::string& right, Impairment impairment) {
    // SIGTERM is let in only while waiting, so that none is missed.
    sigset_t during_wait, blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGINT);
    sigprocmask(SIG_BLOCK, &blocked, &during_wait);
    struct sigaction action = {};
    action.sa_handler = [](int) { stopped = 1; };
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);

    const std::array<PacketSocket, 2> sockets{PacketSocket(left), PacketSocket(right)};
    Wire there(impairment);
    impairment.seed = ~impairment.seed;
    Wire back(impairment);
    std::array<std::uint64_t, 2> refused{};
    std::puts("ready");
    std::fflush(stdout);
    while (stopped == 0) {
        take_burst(sockets[0], there);
        take_burst(sockets[1], back);
        refused[0] += deliver_due(there, sockets[1]);
        refused[1] += deliver_due(back, sockets[0]);
        std::array<pollfd, 2> waiting{
            {{sockets[0].descriptor(), POLLIN, 0}, {sockets[1].descriptor(), POLLIN, 0}}};
        const timespec wait = time_until(std::min(there.next_arrival(), back.next_arrival()));
        ppoll(waiting.data(), waiting.size(), &wait, &during_wait);
    }
    report("there", there.counters(), refused[0]);
    report("back", back.counters(), refused[1]);
}

}  // namespace

int main(int count, char** arguments) {
    if (count < 3) {
        std::fprintf(stderr, "usage: relay INTERFACE INTERFACE [NAME=NUMBER...]\n");
        return 2;
    }
    try {
        run(arguments[1], arguments[2], impairment_of(count - 3, arguments + 3));
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "relay: %s\n", error.what());
        return 1;
    }
}
