#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "config/yaml.hpp"

/// From the YAML tree to the value, by the table of keys; internal to `config`.
namespace terminus::config {

/// A fault and its place in the file.
struct Complaint {
    yaml::Mark mark;
    std::string message;
};

/// The configuration as far as the file could be read, and where each value stood.
struct Draft {
    Config config;
    /// By the value's own path: "services[0].listen[1]"; entries of tables too ("services[0]").
    std::map<std::string, yaml::Mark> places;
    std::vector<Complaint> complaints;

    [[nodiscard]] bool has(const std::string& path) const { return places.count(path) != 0; }
    /// Complains about the value at `path`, or about what holds it where the file doesn't give it.
    void complain(const std::string& path, const std::string& message);
};

/// Throws yaml::Fault where the document is no mapping; all other faults are complaints.
[[nodiscard]] Draft read_draft(const yaml::Node& root);

/// What no single key can tell: names that are used twice, references to nothing, addresses that contradict
/// each other. Fills in what the file may leave to be derived (Route::port, Backend::name).
void check_and_complete(Draft& draft);

}  // namespace terminus::config
