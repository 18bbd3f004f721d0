#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

#include "proxy/service_table.hpp"

namespace terminus::proxy {

/// The backends of a pool that a session has been refused by, by their position. A pool of more than 64
/// shares bits: one that was not tried may then be passed over, never all of them, because a session makes
/// fewer attempts than there are bits (kRetriesMax). A reload that moves positions meanwhile does no more
/// harm than that.
class TriedBackends {
 public:
    void add(std::size_t position) { bits_ |= bit(position); }
    [[nodiscard]] bool contains(std::size_t position) const { return (bits_ & bit(position)) != 0; }

 private:
    static constexpr std::uint64_t bit(std::size_t position) { return std::uint64_t{1} << (position % 64); }
    std::uint64_t bits_ = 0;
};

/// Chooses among a pool's backends: the position of one that was not tried, or nothing when all were.
template <typename A>
concept BalanceAlgorithm = requires(A& algorithm, const Pool& pool, const TriedBackends& tried) {
    { algorithm.pick(pool, tried) } -> std::same_as<std::optional<std::size_t>>;
};

/// One after the other. Each worker takes its own turns.
class RoundRobin {
 public:
    /// `first` is where the turns begin: workers begin at different backends, so that a few connections
    /// spread over many workers don't all meet the first backend.
    explicit RoundRobin(std::uint32_t first = 0) : next_(first) {}
    [[nodiscard]] std::optional<std::size_t> pick(const Pool& pool, const TriedBackends& tried);

 private:
    std::uint32_t next_;
};
static_assert(BalanceAlgorithm<RoundRobin>);

/// The algorithm of one pool and its position, kept over reloads. A closed set: another algorithm is another
/// alternative here and another enumerator of Balance.
class Balancer {
 public:
    Balancer(Balance balance, std::uint16_t worker);
    /// What a reload says; positions are kept while the algorithm stays the same.
    void configure(Balance balance);
    [[nodiscard]] std::optional<std::size_t> pick(const Pool& pool, const TriedBackends& tried);

 private:
    using Algorithm = std::variant<RoundRobin>;
    [[nodiscard]] static Algorithm make(Balance balance, std::uint16_t worker);

    Balance balance_;
    std::uint16_t worker_;
    Algorithm algorithm_;
};

}  // namespace terminus::proxy
