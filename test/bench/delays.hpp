#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace terminus::bench {

/// From the time at which a frame was due at the worker to that at which what follows from it has left. Time
/// is in cycles of a clock that stands while the crowd works, and each connection has one frame under way.
class Delays {
 public:
    explicit Delays(std::uint32_t connections) : due_(connections, kNothing) {}

    void set_now(std::uint64_t now) { now_ = now; }
    [[nodiscard]] std::uint64_t now() const { return now_; }

    /// A frame of the connection's is under way, whose time was `when`: now, or long ago when the worker has
    /// fallen behind.
    void due(std::uint32_t connection, std::uint64_t when) { due_[connection] = when; }
    [[nodiscard]] bool is_under_way(std::uint32_t connection) const { return due_[connection] != kNothing; }
    /// It has left.
    void left(std::uint32_t connection) {
        took(now_ - due_[connection]);
        due_[connection] = kNothing;
    }
    /// One of no connection took so long.
    void took(std::uint64_t delay) { taken_.push_back(delay); }

    /// What was measured since the last keep() or drop() counts, or doesn't.
    void keep() { kept_ = taken_.size(); }
    void drop() { taken_.resize(kept_); }

    /// What was kept since the last call.
    [[nodiscard]] std::vector<std::uint64_t> take() {
        drop();
        kept_ = 0;
        return std::exchange(taken_, {});
    }

 private:
    static constexpr std::uint64_t kNothing = UINT64_MAX;

    std::uint64_t now_ = 0;
    std::vector<std::uint64_t> due_;
    std::vector<std::uint64_t> taken_;
    std::size_t kept_ = 0;
};

}  // namespace terminus::bench
