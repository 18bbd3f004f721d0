#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "stack/application.hpp"
#include "tcp/overrides.hpp"
#include "wire/address.hpp"

namespace terminus::proxy {

/// Ids are slots that a name keeps for the life of the process, reloads included (DESIGN 3.4): sessions and
/// TIME_WAITs hold ids, never pointers into a table.
using ServiceId = std::uint16_t;
using PoolId = std::uint16_t;
using BackendId = std::uint16_t;

/// Sets of TCP settings, beside the process's own, that services can have between them over the life of a
/// process.
inline constexpr std::uint16_t kProfilesMax = 256;

/// A server behind us.
struct Backend {
    BackendId id = 0;
    std::string name;
    wire::Endpoint address;
};

/// An address the backend leg may be opened from.
struct SourceAddress {
    std::uint16_t local_id = 0;  ///< of neigh::LocalAddresses
    wire::IpAddress address;
};

/// Source ports of one worker towards a backend, over all addresses that its pool connects from.
struct SourcePortUse {
    std::uint32_t used = 0;    ///< by connections
    std::uint32_t total = 0;   ///< that lead replies to the worker
    std::uint64_t waited = 0;  ///< so far given back by connections that went into TIME_WAIT
};

/// How a pool's backends take turns.
enum class Balance : std::uint8_t { RoundRobin };

/// A group of interchangeable backends.
struct Pool {
    PoolId id = 0;
    std::string name;
    Balance balance = Balance::RoundRobin;
    std::vector<Backend> backends;
    std::vector<SourceAddress> sources;  ///< used for backends of the same family
    base::Duration connect_timeout{};    ///< one attempt's limit
    std::uint32_t retries = 2;           ///< further backends tried after a refused or silent one
};

/// What clients connect to: a row of LISTEN.
struct Service {
    ServiceId id = 0;
    std::string name;
    std::vector<wire::Endpoint> listen;
    PoolId pool = 0;
    base::Duration idle_timeout{};                              ///< no byte either way; 0 = none
    base::Duration half_close_timeout{};                        ///< no byte after one side's FIN; 0 = none
    stack::ProfileId client_profile = stack::kProcessProfile;   ///< of its connections from clients
    stack::ProfileId backend_profile = stack::kProcessProfile;  ///< and to backends
};

/// An immutable snapshot of services and pools, shared by all workers. Made by the control thread, swapped
/// whole, freed when every worker has said that it uses a newer one.
class ServiceTable {
 public:
    /// Ids are unique within each vector and every pool that a service names is there: the control thread
    /// validated that; `version` grows with each snapshot.
    /// `local_addresses` holds every address of ours by its local id (interface addresses, VIPs, sources): it
    /// only grows from snapshot to snapshot, and all workers intern it in this order.
    /// `profiles` holds what each profile id has otherwise than the process, from id 1 on: it, too, only
    /// grows, and at most to kProfilesMax.
    ServiceTable(std::uint64_t version, std::vector<Service> services, std::vector<Pool> pools,
                 std::vector<wire::IpAddress> local_addresses,
                 std::vector<tcp::TunableOverrides> profiles = {});

    [[nodiscard]] std::uint64_t version() const { return version_; }
    /// The service that listens on `local`; nothing when none does. O(log n).
    [[nodiscard]] std::optional<ServiceId> find_listener(const wire::Endpoint& local) const;
    /// nullptr when the id is no longer configured.
    [[nodiscard]] const Service* service(ServiceId id) const;
    [[nodiscard]] const Pool* pool(PoolId id) const;
    [[nodiscard]] const std::vector<Service>& services() const { return services_; }
    [[nodiscard]] const std::vector<Pool>& pools() const { return pools_; }
    [[nodiscard]] const std::vector<wire::IpAddress>& local_addresses() const { return local_addresses_; }
    [[nodiscard]] const std::vector<tcp::TunableOverrides>& profiles() const { return profiles_; }

 private:
    struct Row {
        wire::Endpoint listen;
        ServiceId service;
    };
    std::uint64_t version_;
    std::vector<Service> services_;
    std::vector<Pool> pools_;
    std::vector<wire::IpAddress> local_addresses_;
    std::vector<tcp::TunableOverrides> profiles_;
    std::vector<Row> rows_;                    // sorted by listen
    std::vector<std::int32_t> service_by_id_;  // index into services_, -1 for none
    std::vector<std::int32_t> pool_by_id_;
};

}  // namespace terminus::proxy
