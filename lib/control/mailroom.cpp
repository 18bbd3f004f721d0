#include "control/mailroom.hpp"

#include <algorithm>
#include <memory>

#include "base/assert.hpp"

namespace terminus::control {

static_assert(std::variant_size_v<worker::Command> == std::variant_size_v<worker::Reply>,
              "a reply has the index of its command");

Mailroom::Mailroom(boost::asio::io_context& io, worker::Group& group)
    : group_(group), boxes_(group.size()), timer_(io) {}

void Mailroom::post(std::uint32_t worker, worker::Command&& command, Handler handler) {
    Box& box = boxes_[worker];
    box.asked.push_back({command.index(), std::move(handler)});
    box.waiting.push_back(std::move(command));
    post_waiting(worker);
    arm();
}

void Mailroom::post_all(const std::function<worker::Command(std::uint32_t)>& make,
                        std::function<void()> all_done) {
    auto left = std::make_shared<std::uint32_t>(workers());
    auto done = std::make_shared<std::function<void()>>(std::move(all_done));
    for (std::uint32_t i = 0; i < workers(); ++i) {
        post(i, make(i), [left, done](worker::Reply&&) {
            if (--*left == 0) (*done)();
        });
    }
}

void Mailroom::pump() {
    for (std::uint32_t i = 0; i < workers(); ++i) {
        // At most what the mailbox held when we came, so that a handler that asks again can't keep us here.
        for (std::size_t n = 0; n < worker::Mailbox::kDepth; ++n) {
            std::optional<worker::Reply> reply = group_.mailbox(i).poll();
            if (!reply) break;
            deliver(boxes_[i], std::move(*reply));
        }
        post_waiting(i);
    }
}

std::size_t Mailroom::outstanding() const {
    std::size_t count = 0;
    for (const Box& box : boxes_)
        count += box.asked.size();
    return count;
}

void Mailroom::deliver(Box& box, worker::Reply&& reply) {
    const auto asked = std::find_if(box.asked.begin(), box.asked.end(),
                                    [&](const Asked& one) { return one.kind == reply.index(); });
    TERMINUS_ASSERT(asked != box.asked.end(), "a worker answers each command once and nothing else");
    Handler handler = std::move(asked->handler);
    box.asked.erase(asked);  // first: the handler may post
    handler(std::move(reply));
}

void Mailroom::post_waiting(std::uint32_t worker) {
    Box& box = boxes_[worker];
    worker::Mailbox& mailbox = group_.mailbox(worker);
    // No more under way than the mailbox is deep: the worker must always have room for its replies, also when
    // it answers faster than we look.
    while (!box.waiting.empty() && box.asked.size() - box.waiting.size() < worker::Mailbox::kDepth &&
           mailbox.post(std::move(box.waiting.front()))) {
        box.waiting.pop_front();
    }
}

void Mailroom::arm() {
    if (armed_) return;
    armed_ = true;
    timer_.expires_after(kPause);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        armed_ = false;
        pump();
        if (outstanding() > 0) arm();
    });
}

}  // namespace terminus::control
