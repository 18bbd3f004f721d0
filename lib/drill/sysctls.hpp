#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "drill/run_settings.hpp"

namespace terminus::drill {

/// Linux's NAME=VALUE ("net.ipv4.tcp_rmem" or with slashes, perhaps under /proc/sys) as tunables of ours, in
/// the configuration's words. The value is Linux's: seconds, bytes, three numbers. Whether a tunable of that
/// name exists is for the caller to find out. Nothing comes of sysctls_without_effect(). The failure is a
/// sentence.
[[nodiscard]] base::Result<Assignments, std::string> tunables_of_sysctl(std::string_view name,
                                                                        std::string_view value);

/// A sysctl that is taken and changes nothing, as what it is about is not done here, or done in one way.
struct WithoutEffect {
    std::string_view name;  ///< Linux's, without net.ipv4
    std::string_view only;  ///< the one value that says what is so anyway; empty: any number
};
/// All of them. Why none can change a result is in docs/testing.md, whose table a test compares.
[[nodiscard]] std::span<const WithoutEffect> sysctls_without_effect();

/// What a script's machine starts from: where this product's defaults, which are a proxy's, differ from a
/// Linux host's.
[[nodiscard]] const Assignments& host_defaults();

}  // namespace terminus::drill
