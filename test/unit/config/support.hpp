#pragma once

#include <string>
#include <vector>

#include "config/load.hpp"

namespace terminus::test {

/// A file with nothing wrong; tests append to it or replace a piece of it.
inline const std::string kGoodFile = R"(ports:
  - name: front
    device: net_tap0,iface=front
    addresses: [192.0.2.2/24, "2001:db8::2/64"]
pools:
  - name: web
    backends:
      - address: 192.0.2.10:8080
services:
  - name: www
    listen: [192.0.2.80:80]
    pool: web
)";

inline std::string replaced(std::string text, const std::string& piece, const std::string& with) {
    const std::size_t at = text.find(piece);
    if (at == std::string::npos) return "the piece to be replaced is not there: " + piece;
    return text.replace(at, piece.size(), with);
}

/// The errors as they would be printed; none for a good file.
inline std::vector<std::string> errors_of(const std::string& text) {
    std::vector<std::string> lines;
    const auto result = config::parse(text, "t.yaml");
    if (result) return lines;
    for (const config::ConfigError& error : result.error())
        lines.push_back(error.to_string());
    return lines;
}

/// The configuration of a good file.
inline config::Config good(const std::string& text) {
    return config::parse(text, "t.yaml").value();
}

using Lines = std::vector<std::string>;

}  // namespace terminus::test
