#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "config/config.hpp"

namespace terminus::config {

/// A configuration file larger than this is refused unread: the largest sensible one (a thousand services
/// with their pools) is a quarter of it.
inline constexpr std::size_t kFileBytesMax = 1 << 20;

/// Something wrong in a file. `line` and `column` count from 1; 0 where the fault is the file itself.
struct ConfigError {
    std::string file;
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    std::string message;  ///< names the key and quotes the offending text

    /// "terminus.yaml:12:9: tcp.fin_timeout: `60` has no unit; did you mean `60s`?"
    [[nodiscard]] std::string to_string() const;
    bool operator==(const ConfigError&) const = default;
};

/// Reads and checks a file. All errors at once, in the order of the file. Never throws. `text`, if given,
/// gets what the file said.
[[nodiscard]] base::Result<Config, std::vector<ConfigError>> load(const std::string& path,
                                                                  std::string* text = nullptr);

/// The same for text that is already here; `filename` is for the messages.
[[nodiscard]] base::Result<Config, std::vector<ConfigError>> parse(std::string_view text,
                                                                   const std::string& filename);

}  // namespace terminus::config
