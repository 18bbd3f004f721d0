#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/archive.hpp"
#include "base/assert.hpp"
#include "stack/application.hpp"
#include "tcp/overrides.hpp"
#include "tcp/tunables.hpp"

namespace terminus::stack {

/// The tunables of one core: the process's own, profile 0, and those that some connections have otherwise. A
/// connection holds two bytes for its profile, and the machine gets the profile's tunables with every call.
/// All memory is taken at construction; references stay good.
class Profiles {
 public:
    Profiles(const tcp::Tunables& process, std::uint16_t profiles_max)
        : rows_(std::size_t{profiles_max} + 1, Row{{}, process}) {}

    [[nodiscard]] const tcp::Tunables& tunables(ProfileId id) const { return row(id).tunables; }
    [[nodiscard]] const tcp::TunableOverrides& overrides(ProfileId id) const { return row(id).overrides; }
    /// `id` is 1 … profiles_max.
    void set(ProfileId id, const tcp::TunableOverrides& overrides) {
        TERMINUS_ASSERT(id != kProcessProfile && id < rows_.size(), "the application knows profiles_max");
        rows_[id] = {overrides, overrides.applied_to(rows_[0].tunables)};
    }
    /// The process's own changed; what overrides them stays.
    void set_process(const tcp::Tunables& process) {
        for (Row& each : rows_)
            each.tunables = each.overrides.applied_to(process);
    }
    /// The MSS to announce and to send by, where the path carries `mss`.
    [[nodiscard]] std::uint16_t mss_within(std::uint16_t mss, ProfileId id) const {
        return std::min(mss, row(id).overrides.mss_max.value_or(mss));
    }

    template <typename Archive>
    void archive(Archive& a) {
        base::archive_fixed(a, rows_);
    }

 private:
    struct Row {
        tcp::TunableOverrides overrides;
        tcp::Tunables tunables;
    };
    [[nodiscard]] const Row& row(ProfileId id) const {
        TERMINUS_ASSERT(id < rows_.size(), "the application knows profiles_max");
        return rows_[id];
    }

    std::vector<Row> rows_;
};

}  // namespace terminus::stack
