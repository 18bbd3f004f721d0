#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "config/config.hpp"

/// The tunables by name, for the admin socket and the metrics. Names are Linux's, with or without "tcp_"
/// (and with or without "net.ipv4."): `fin_timeout`, `tcp_fin_timeout`.
namespace terminus::config {

struct TunableText {
    std::string name;   ///< "fin_timeout"
    std::string value;  ///< "60s"
    std::string fresh;  ///< the default
    std::string range;
    std::string help;
};

/// All of them, in the order of the reference.
[[nodiscard]] std::vector<TunableText> list_tunables(const Tcp& tcp);
/// One; the error says what is wrong with the name.
[[nodiscard]] base::Result<TunableText, std::string> get_tunable(const Tcp& tcp, std::string_view name);
/// Sets one from text; `tcp` is unchanged when there is an error.
[[nodiscard]] base::Result<void, std::string> set_tunable(Tcp& tcp, std::string_view name,
                                                          std::string_view text);
/// Sets several, by name and text, as if at once: what only fits together is no error on the way there.
[[nodiscard]] base::Result<void, std::string> set_tunables(
    Tcp& tcp, const std::vector<std::pair<std::string, std::string>>& values);

/// A tunable as a metric: seconds, bytes, pieces, 0 or 1; +Inf for no limit. Three numbers are `rmem_min`,
/// `rmem_default` and `rmem_max`.
struct TunableNumber {
    std::string name;
    double value;
};
[[nodiscard]] std::vector<TunableNumber> tunable_numbers(const Tcp& tcp);

}  // namespace terminus::config
