#pragma once

#include <atomic>

namespace terminus::worker {

/// Rouses one sleeping worker from other threads. Who rings while the worker is awake pays a fence and a
/// load; only a sleep costs system calls.
///
///     worker                              another thread
///     falls_asleep()                      puts something into a ring
///     looks into every ring               ring()
///     nothing there: polls descriptor()
///     wakes_up()
///
/// Either the look finds what was put there, or ring() finds the worker asleep.
class Bell {
 public:
    Bell() = default;
    Bell(const Bell&) = delete;
    Bell& operator=(const Bell&) = delete;
    ~Bell();

    /// Before the first sleep and before other threads ring. False when the process has no descriptor left.
    [[nodiscard]] bool hang();
    /// Readable once somebody has rung; -1 before hang().
    [[nodiscard]] int descriptor() const { return descriptor_; }

    // ---- the worker's

    /// What was put into rings before the last look may not be told.
    void falls_asleep() {
        is_asleep_.store(true, std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_seq_cst);
    }
    void wakes_up() {
        if (!is_asleep_.exchange(false, std::memory_order_relaxed)) drain();
    }

    // ---- any thread's, after it has put something into a ring

    void ring() {
        std::atomic_thread_fence(std::memory_order_seq_cst);
        if (is_asleep_.load(std::memory_order_relaxed)) rouse();
    }

 private:
    void rouse();
    void drain();

    alignas(64) std::atomic<bool> is_asleep_{false};  // apart: the rings beside it are written all the time
    int descriptor_ = -1;
};

}  // namespace terminus::worker
