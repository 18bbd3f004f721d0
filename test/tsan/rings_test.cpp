// The pieces that two threads share, each under as much traffic as they can make.

#include <catch2/catch.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "base/spsc_ring.hpp"
#include "dpdk/thread.hpp"
#include "packet/batch.hpp"
#include "sim/memory_port.hpp"
#include "support/pool.hpp"
#include "worker/group.hpp"
#include "worker/mesh.hpp"
#include "worker/relay_port.hpp"

namespace terminus {
namespace {

// Catch2's checks are for one thread: threads remember what went wrong, and are asked when they have ended.

TEST_CASE(
    "a ring between two threads loses, repeats and reorders nothing, and what it hands on is complete") {
    constexpr std::uint32_t kItems = 200'000;
    base::SpscRing<std::unique_ptr<std::uint32_t>> ring(64);
    std::thread producer([&] {
        for (std::uint32_t i = 0; i < kItems; ++i) {
            auto item = std::make_unique<std::uint32_t>(i);
            while (i % 2 == 0 ? !ring.try_push(std::move(item))
                              : !(ring.has_room() && ring.try_push(std::move(item))))
                std::this_thread::yield();
        }
    });
    std::uint32_t wrong = 0;
    for (std::uint32_t expected = 0; expected < kItems;) {
        const auto item = ring.try_pop();
        if (!item) {
            std::this_thread::yield();
            continue;
        }
        if (**item != expected) ++wrong;
        ++expected;
    }
    producer.join();
    CHECK(wrong == 0);
    CHECK(ring.empty());
}

// What the worker's end of a mailbox does: one answer to each command, pages filled, numbers kept.
void answer_until_stop(worker::Mailbox& mailbox) {
    while (true) {
        std::optional<worker::Command> command = mailbox.take();
        mailbox.stats().turns.add();
        if (!command) {
            if (!mailbox.has_mail()) std::this_thread::yield();
            continue;
        }
        mailbox.stats().turns_busy.add();
        if (auto* list = std::get_if<worker::ListConnections>(&*command)) {
            for (std::uint16_t i = 0; i < worker::RowPage::kRowsMax; ++i) {
                list->page->rows.push_back({});
                list->page->rows.back().send_mss = i;
            }
            list->page->done = true;
            mailbox.reply(worker::ConnectionsListed{std::move(list->page)});
        } else if (auto* set = std::get_if<worker::SetTunables>(&*command)) {
            mailbox.stats().buffers_total.set(set->tunables.retries2);
            mailbox.reply(worker::TunablesSet{});
        } else {
            mailbox.reply(worker::Stopped{});
            return;
        }
    }
}

TEST_CASE("a mailbox carries pages there and back while its numbers are read") {
    constexpr std::uint32_t kCommands = 20'000;
    worker::Group group(1);
    worker::Mailbox& mailbox = group.mailbox(0);
    std::thread thread([&] { answer_until_stop(mailbox); });
    std::uint32_t posted = 0;
    std::uint32_t answered = 0;
    std::uint32_t wrong = 0;
    std::uint64_t turns = 0;
    while (answered < kCommands) {
        while (posted < kCommands && posted - answered < worker::Mailbox::kDepth) {
            worker::Command command = worker::SetTunables{};
            if (posted % 2 == 0) {
                auto page = std::make_unique<worker::RowPage>();
                page->rows.reserve(worker::RowPage::kRowsMax);
                command = worker::ListConnections{std::move(page)};
            }
            if (!mailbox.post(std::move(command))) break;
            ++posted;
        }
        while (std::optional<worker::Reply> reply = mailbox.poll()) {
            const auto* listed = std::get_if<worker::ConnectionsListed>(&*reply);
            if ((listed != nullptr) != (answered % 2 == 0)) ++wrong;
            if (listed != nullptr && (listed->page->rows.size() != worker::RowPage::kRowsMax ||
                                      listed->page->rows.back().send_mss != worker::RowPage::kRowsMax - 1)) {
                ++wrong;
            }
            ++answered;
        }
        const std::uint64_t now = group.stats(0).turns.value();
        if (now < turns) ++wrong;  // a counter never steps back
        turns = now;
    }
    bool stopping = mailbox.post(worker::Stop{});
    thread.join();
    CHECK(stopping);
    CHECK(wrong == 0);
    CHECK(std::holds_alternative<worker::Stopped>(*mailbox.poll()));
    CHECK(group.stats(0).turns_busy.value() == kCommands + 1);
}

constexpr std::uint16_t kWorkers = 3;
constexpr std::uint32_t kFrames = 8'000;  // from each worker to each other, and as many to be sent

// One end of every ring of a mesh: frames filled here are read and freed on the other side.
class MeshUser {
 public:
    MeshUser(worker::Mesh& mesh, const packet::Port& polled, std::uint16_t self) : mesh_(mesh), self_(self) {
        for (std::uint16_t to = 0; to < kWorkers; ++to) {
            relays_.push_back(std::make_unique<worker::RelayPort>(polled, std::uint16_t{0}, self, to, mesh));
        }
    }

    void run() {
        const dpdk::RegisteredThread registered;
        constexpr std::uint32_t kAll = (kWorkers - 1) * kFrames;
        while (sent_ < kAll || relayed_ < kAll || received_ < 2 * kAll) {
            bool any = false;
            for (std::uint16_t other = 0; other < kWorkers; ++other) {
                if (other == self_) continue;
                any |= send(other);
                any |= relay(other);
                any |= receive(other);
            }
            if (!any && !mesh_.has_mail(self_)) std::this_thread::yield();
        }
    }
    [[nodiscard]] std::uint32_t wrong() const { return wrong_; }

 private:
    [[nodiscard]] packet::Buffer frame(std::uint32_t number) const {
        std::uint8_t bytes[100];
        for (std::uint8_t& byte : bytes)
            byte = static_cast<std::uint8_t>(number + self_);
        return test::make_buffer(bytes);
    }
    bool send(std::uint16_t to) {
        if (next_[to] == kFrames || !mesh_.messages(self_, to).has_room()) return false;
        if (rte_mempool_avail_count(test::pool()) < kWorkers * 2) return false;
        stack::Message message;
        message.kind = stack::Message::Kind::Frame;
        message.frame = frame(next_[to]);
        if (!mesh_.messages(self_, to).try_push(std::move(message))) ++wrong_;
        ++next_[to];
        ++sent_;
        return true;
    }
    bool relay(std::uint16_t to) {
        packet::Batch& batch = batches_[to];
        if (batch.empty() && next_relayed_[to] < kFrames && rte_mempool_avail_count(test::pool()) > 1000) {
            while (!batch.full() && next_relayed_[to] < kFrames)
                batch.push_back(frame(next_relayed_[to]++));
        }
        const std::uint16_t before = batch.size();
        relays_[to]->transmit(batch);
        relayed_ += static_cast<std::uint32_t>(before - batch.size());
        return before != batch.size();
    }
    bool receive(std::uint16_t from) {
        bool any = false;
        while (const auto message = mesh_.messages(from, self_).try_pop()) {
            check(message->frame, static_cast<std::uint8_t>(expected_[from]++ + from));
            any = true;
        }
        while (const auto relayed = mesh_.relayed(from, self_).try_pop()) {
            check(relayed->frame, static_cast<std::uint8_t>(expected_relayed_[from]++ + from));
            any = true;
        }
        return any;
    }
    void check(const packet::Buffer& frame, std::uint8_t expected) {
        for (const std::uint8_t byte : frame.bytes()) {
            if (byte != expected) ++wrong_;
        }
        ++received_;
    }

    worker::Mesh& mesh_;
    std::uint16_t self_;
    std::vector<std::unique_ptr<worker::RelayPort>> relays_;
    packet::Batch batches_[kWorkers];
    std::uint32_t next_[kWorkers] = {};
    std::uint32_t next_relayed_[kWorkers] = {};
    std::uint32_t expected_[kWorkers] = {};
    std::uint32_t expected_relayed_[kWorkers] = {};
    std::uint32_t sent_ = 0;
    std::uint32_t relayed_ = 0;
    std::uint32_t received_ = 0;
    std::uint32_t wrong_ = 0;
};

TEST_CASE("three workers hand each other frames through a mesh, and free what others filled") {
    const std::uint32_t before = test::buffers_in_use();
    {
        const sim::MemoryPort device({.mac = {{2, 0, 0, 0, 0, 1}}});
        worker::Mesh mesh(kWorkers);
        std::vector<std::unique_ptr<MeshUser>> users;
        for (std::uint16_t self = 0; self < kWorkers; ++self)
            users.push_back(std::make_unique<MeshUser>(mesh, device, self));
        std::vector<std::thread> threads;
        for (const auto& user : users)
            threads.emplace_back([&user] { user->run(); });
        for (std::thread& thread : threads)
            thread.join();
        for (const auto& user : users)
            CHECK(user->wrong() == 0);
    }
    CHECK(test::buffers_in_use() == before);
}

}  // namespace
}  // namespace terminus
