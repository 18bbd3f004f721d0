#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "drill/ast.hpp"

namespace terminus::drill {

/// The options as they stand in a header, without padding of our own.
[[nodiscard]] std::vector<std::uint8_t> encode_options(const std::vector<OptionSpec>& options);

/// A header's options in their order, padding included; nothing when a length doesn't fit. What has no name
/// in scripts, or the wrong length for it, is Raw.
[[nodiscard]] std::optional<std::vector<OptionSpec>> decode_options(base::Bytes options);

/// As a script would write it: "mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 8".
[[nodiscard]] std::string to_string(const std::vector<OptionSpec>& options);

}  // namespace terminus::drill
