#pragma once

#include <cstdint>
#include <vector>

#include "plan.hpp"

namespace terminus::simulation {

/// A service, its backends, and what clients and backends do in each of its sessions.
struct ServicePlan {
    enum class BackendKind : std::uint8_t {
        Serves,
        Refuses,  ///< nobody listens
        Silent,   ///< nobody has the address
    };
    std::vector<BackendKind> backends;
    bool has_v6_backends = false;
    Behaviour ends[2];  ///< the clients' and the backends'
    std::uint32_t retries = 0;
    base::Duration connect_timeout{};
    base::Duration idle_timeout{};
    base::Duration half_close_timeout{};
};

struct ClientPlan {
    base::Duration at{};
    std::uint8_t service = 0;
    bool is_v6 = false;
};

/// What happens to the workers besides what happens to machines and wires.
struct WorkerUpset {
    enum class Kind : std::uint8_t { Tunables, Reload, Restore, Drain, EndDrain, AbortAll, List };
    base::Duration at{};
    Kind kind = Kind::List;
    tcp::Tunables tunables;
    std::uint8_t service = 0;  ///< the one that a reload leaves out
};

/// Clients, workers that proxy for them, backends, and the wires between them.
struct ProxyPlan {
    MachinePlan workers;  ///< of all of them together
    std::uint16_t worker_count = 1;
    std::uint32_t sessions_max = 64;
    MachinePlan clients;
    MachinePlan backends;
    sim::LinkSettings front[2];  ///< from the workers to the clients, and back
    sim::LinkSettings back[2];   ///< from the workers to the backends, and back
    std::vector<ServicePlan> services;
    std::vector<ClientPlan> sessions;
    std::vector<Upset> upsets;  ///< machine 0: the workers; 1, 2: clients and backends, and their wires
    std::vector<WorkerUpset> worker_upsets;
    bool is_gentle = false;  ///< each session must be served to its end
};

[[nodiscard]] ProxyPlan make_proxy_plan(Choices& choices);

}  // namespace terminus::simulation
