#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/spsc_ring.hpp"
#include "stats/core_stats.hpp"
#include "worker/bell.hpp"
#include "worker/messages.hpp"

namespace terminus::worker {

/// The control thread's view of one worker: a mailbox in, a mailbox out, and numbers to read. No locks.
class Mailbox {
 public:
    static constexpr std::size_t kDepth = 64;  // the control thread waits for replies, so few are under way

    /// Control thread. False when the worker has not kept up: try again later.
    [[nodiscard]] bool post(Command&& command) {
        const bool pushed = commands_.try_push(std::move(command));
        bell_.ring();
        return pushed;
    }
    /// Control thread: the next reply, if any.
    [[nodiscard]] std::optional<Reply> poll() { return replies_.try_pop(); }

    /// Worker.
    [[nodiscard]] std::optional<Command> take() { return commands_.try_pop(); }
    /// Worker. Replies never outnumber commands, so there is always room.
    void reply(Reply&& reply) {
        const bool pushed = replies_.try_push(std::move(reply));
        TERMINUS_ASSERT(pushed, "a reply for each command, and both rings have the same depth");
    }
    /// Worker: whether a sleeping worker has mail.
    [[nodiscard]] bool has_mail() const { return !commands_.empty(); }

    /// The worker's; the control thread rings by posting.
    [[nodiscard]] Bell& bell() { return bell_; }

    [[nodiscard]] stats::CoreStats& stats() { return stats_; }
    [[nodiscard]] const stats::CoreStats& stats() const { return stats_; }

 private:
    base::SpscRing<Command> commands_{kDepth};
    base::SpscRing<Reply> replies_{kDepth * 2};
    stats::CoreStats stats_;
    Bell bell_;
};

/// The mailboxes of all workers, in worker order. Lives longer than the workers and the control thread.
class Group {
 public:
    explicit Group(std::uint32_t workers) {
        for (std::uint32_t i = 0; i < workers; ++i)
            mailboxes_.push_back(std::make_unique<Mailbox>());
    }
    [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(mailboxes_.size()); }
    [[nodiscard]] Mailbox& mailbox(std::uint32_t worker) { return *mailboxes_[worker]; }
    [[nodiscard]] const stats::CoreStats& stats(std::uint32_t worker) const {
        return mailboxes_[worker]->stats();
    }

 private:
    std::vector<std::unique_ptr<Mailbox>> mailboxes_;
};

}  // namespace terminus::worker
