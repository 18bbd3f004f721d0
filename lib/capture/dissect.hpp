#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "wire/address.hpp"

/// Frames in words, for people who compare them. Whatever a frame holds, also what no parser of the data path
/// accepts, has words: those say what is there and judge nothing.
namespace terminus::capture {

/// "tcp.window" and "64240".
struct Field {
    std::string name;
    std::string value;
};

struct Dissection {
    std::vector<Field> fields;
    std::size_t payload = 0;  ///< where the bytes begin that no field tells of
    /// "192.0.2.1:40000 > 192.0.2.80:80 S 7:7(0) win 64240 <mss 1460>"
    std::string summary;
    /// The two ends, the lesser first; of what has no ports, the addresses. Nothing below ARP and IP.
    std::optional<std::pair<wire::Endpoint, wire::Endpoint>> ends;
};

[[nodiscard]] Dissection dissect(base::Bytes frame);

}  // namespace terminus::capture
