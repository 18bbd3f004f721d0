#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <deque>
#include <functional>
#include <vector>

#include "worker/group.hpp"

namespace terminus::control {

/// The control thread's post office: commands go to the workers' mailboxes, each reply to whoever asked. A
/// worker is never waited for: replies are looked for every kPause while any is outstanding.
class Mailroom {
 public:
    using Handler = std::function<void(worker::Reply&&)>;

    /// Between two looks into the mailboxes: a command is answered within a turn or a nap of its worker.
    static constexpr std::chrono::milliseconds kPause{1};

    Mailroom(boost::asio::io_context& io, worker::Group& group);

    [[nodiscard]] std::uint32_t workers() const { return group_.size(); }
    [[nodiscard]] const worker::Group& group() const { return group_; }

    /// `handler` runs with the reply, on the control thread. Commands to one worker keep their order.
    void post(std::uint32_t worker, worker::Command&& command, Handler handler);
    /// The same command to every worker; `all_done` runs after the last reply.
    void post_all(const std::function<worker::Command(std::uint32_t worker)>& make,
                  std::function<void()> all_done);

    /// Delivers what has arrived and posts what had no room. The timer calls it; tests may.
    void pump();
    /// Commands not answered yet.
    [[nodiscard]] std::size_t outstanding() const;

 private:
    struct Asked {
        std::size_t kind;  // index of the command in its variant, and of its reply in the other
        Handler handler;
    };
    struct Box {
        std::deque<worker::Command> waiting;  // for room in the mailbox
        std::deque<Asked> asked;
    };

    void deliver(Box& box, worker::Reply&& reply);
    void post_waiting(std::uint32_t worker);
    void arm();

    worker::Group& group_;
    std::vector<Box> boxes_;
    boost::asio::steady_timer timer_;
    bool armed_ = false;
};

}  // namespace terminus::control
