#pragma once

#include <cstdint>
#include <vector>

#include "config/config.hpp"
#include "proxy/service_table.hpp"
#include "worker/worker.hpp"

namespace terminus::control {

/// A port of the configuration, as the workers have it.
struct PortFacts {
    wire::MacAddress mac;
    std::uint16_t mtu = 1500;
    flow::Steering steering;
};

/// All that a process draws by chance.
struct Chance {
    tcp::Secrets secrets;
    base::SipKey table_key;
    std::uint64_t seed = 0;

    /// The same for the same seed: for replays, never for production.
    [[nodiscard]] static Chance from_seed(std::uint64_t seed);
};

/// The limits of worker 0's settings and nothing else: what its memory is planned by, before there are
/// devices.
[[nodiscard]] worker::Settings worker_limits(const config::Config& config, std::uint32_t payload_buffers);
/// (source address, backend) pairs that the configured pools can have ports out for.
[[nodiscard]] std::uint64_t source_pairs(const config::Config& config);

/// Worker 0's settings; `idle` is the caller's. `ports` as the configuration has them; `payload_buffers` the
/// size of that pool, whole process.
[[nodiscard]] worker::Settings worker_settings(const config::Config& config,
                                               const std::vector<PortFacts>& ports,
                                               const stack::Buffers& buffers, std::uint32_t payload_buffers,
                                               const proxy::ServiceTable& services, const Chance& chance);
/// The same for another worker.
[[nodiscard]] worker::Settings for_worker(worker::Settings settings, std::uint16_t worker);

}  // namespace terminus::control
