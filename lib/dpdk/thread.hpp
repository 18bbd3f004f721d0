#pragma once

namespace terminus::dpdk {

/// Makes the calling thread known to EAL for as long as this lives, so that it has an lcore id and with it a
/// cache of its own in every pool. Made and destroyed on that thread.
class RegisteredThread {
 public:
    RegisteredThread();
    ~RegisteredThread();
    RegisteredThread(const RegisteredThread&) = delete;
    RegisteredThread& operator=(const RegisteredThread&) = delete;
    /// False when EAL has no lcore id left: the thread works all the same, without pool caches.
    [[nodiscard]] bool has_lcore() const { return registered_; }

 private:
    bool registered_;
};

}  // namespace terminus::dpdk
