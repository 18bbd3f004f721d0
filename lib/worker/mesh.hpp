#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/spsc_ring.hpp"
#include "packet/slice.hpp"
#include "stack/message.hpp"
#include "worker/bell.hpp"

namespace terminus::worker {

/// A frame for a port whose queue another worker polls.
struct Relayed {
    std::uint16_t port = 0;
    packet::Buffer frame;
};

/// The rings between workers: for each ordered pair one for messages and one for frames to be sent, so that a
/// port that is slow to send never holds up what was received (DESIGN 3.4). Bounded; what does not fit is
/// counted by the sender, or waits with it.
class Mesh {
 public:
    /// A few bursts each way: a worker that is descheduled for longer loses frames, and TCP sends them again.
    static constexpr std::size_t kDepth = 1024;
    static constexpr std::uint16_t kWorkersMax = 64;

    explicit Mesh(std::uint16_t workers) : workers_(workers), bells_(workers) {
        TERMINUS_ASSERT(workers <= kWorkersMax, "a sender keeps a bit for each worker that it rings for");
        for (std::size_t pair = 0; pair < std::size_t{workers} * workers; ++pair) {
            pairs_.push_back(std::make_unique<Pair>());
        }
    }

    [[nodiscard]] std::uint16_t workers() const { return workers_; }
    [[nodiscard]] base::SpscRing<stack::Message>& messages(std::uint16_t from, std::uint16_t to) {
        return pair(from, to).messages;
    }
    [[nodiscard]] base::SpscRing<Relayed>& relayed(std::uint16_t from, std::uint16_t to) {
        return pair(from, to).relayed;
    }
    /// The worker sleeps until it is rung for: before there are threads.
    void set_bell(std::uint16_t worker, Bell& bell) { bells_[worker] = &bell; }
    /// After something was put into rings to `to`: once a burst.
    void rouse(std::uint16_t to) {
        if (bells_[to] != nullptr) bells_[to]->ring();
    }
    /// Whether a sleeping worker has something to do.
    [[nodiscard]] bool has_mail(std::uint16_t to) {
        for (std::uint16_t from = 0; from < workers_; ++from) {
            if (!messages(from, to).empty() || !relayed(from, to).empty()) return true;
        }
        return false;
    }

 private:
    struct Pair {
        base::SpscRing<stack::Message> messages{kDepth};
        base::SpscRing<Relayed> relayed{kDepth};
    };
    Pair& pair(std::uint16_t from, std::uint16_t to) { return *pairs_[std::size_t{from} * workers_ + to]; }

    std::uint16_t workers_;
    std::vector<std::unique_ptr<Pair>> pairs_;
    std::vector<Bell*> bells_;  // by worker; none for one that looks by itself
};

}  // namespace terminus::worker
