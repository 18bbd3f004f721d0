#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "config/config.hpp"
#include "proxy/service_table.hpp"
#include "record/head.hpp"

namespace terminus::control {

/// Gives services, pools, backends and local addresses their ids, and makes the workers' snapshots. A name
/// keeps its id for the life of the process, also while it is not configured: sessions and counters hold ids,
/// not names.
class ServiceDirectory {
 public:
    ServiceDirectory() = default;
    /// As another one was: what it gave ids to keeps them.
    explicit ServiceDirectory(const record::Directory& past);
    /// For the other constructor.
    [[nodiscard]] record::Directory past() const;

    /// A snapshot of the configured services; its version is one more than the last one's. Fails when a
    /// process has seen more names than there are ids.
    [[nodiscard]] base::Result<std::unique_ptr<const proxy::ServiceTable>, std::string> build(
        const config::Config& config);

    /// The service's name, also of one that is no longer configured; "-" for an id never given.
    [[nodiscard]] const std::string& service_name(proxy::ServiceId id) const;

 private:
    /// Names in the order of their ids.
    class Ids {
     public:
        /// The name's id; the next free one for a new name.
        std::uint16_t id(const std::string& name);
        [[nodiscard]] bool overflowed() const { return overflowed_; }
        [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

     private:
        std::map<std::string, std::uint16_t> ids_;
        std::vector<std::string> names_;
        bool overflowed_ = false;
    };

    [[nodiscard]] std::uint16_t local_id(const wire::IpAddress& address);
    [[nodiscard]] stack::ProfileId profile_id(const tcp::TunableOverrides& overrides);
    [[nodiscard]] proxy::Pool make_pool(const config::Pool& pool, const config::Config& config);

    std::uint64_t version_ = 0;
    Ids services_;
    Ids pools_;
    Ids backends_;
    Ids locals_;
    std::vector<wire::IpAddress> local_addresses_;
    std::vector<tcp::TunableOverrides> profiles_;  // by profile id less one
    bool has_too_many_profiles_ = false;
};

}  // namespace terminus::control
