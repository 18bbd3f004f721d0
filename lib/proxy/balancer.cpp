#include "proxy/balancer.hpp"

#include "base/assert.hpp"

namespace terminus::proxy {

std::optional<std::size_t> RoundRobin::pick(const Pool& pool, const TriedBackends& tried) {
    const std::size_t count = pool.backends.size();
    for (std::size_t step = 0; step < count; ++step) {
        const std::size_t position = (next_ + step) % count;
        if (tried.contains(position)) continue;
        next_ = static_cast<std::uint32_t>((position + 1) % count);
        return position;
    }
    return std::nullopt;
}

Balancer::Balancer(Balance balance, std::uint16_t worker)
    : balance_(balance), worker_(worker), algorithm_(make(balance, worker)) {}

void Balancer::configure(Balance balance) {
    if (balance == balance_) return;
    balance_ = balance;
    algorithm_ = make(balance, worker_);
}

std::optional<std::size_t> Balancer::pick(const Pool& pool, const TriedBackends& tried) {
    return std::visit([&](auto& algorithm) { return algorithm.pick(pool, tried); }, algorithm_);
}

Balancer::Algorithm Balancer::make(Balance balance, std::uint16_t worker) {
    switch (balance) {
        case Balance::RoundRobin:
            return RoundRobin(worker);
    }
    TERMINUS_ASSERT(false, "the config knows no other algorithm");
    return RoundRobin(worker);
}

}  // namespace terminus::proxy
