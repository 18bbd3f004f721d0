#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

/// The small files in which the kernel describes a machine; internal to `control`. What can't be read is as
/// if it were not there.
namespace terminus::control::files {

/// The number in a file of one; nothing where there is no file or no number ("max").
[[nodiscard]] std::optional<std::uint64_t> number_in(const std::filesystem::path& file);
/// The number behind a word that begins a line ("MemAvailable:   4096 kB").
[[nodiscard]] std::optional<std::uint64_t> number_behind(const std::filesystem::path& file,
                                                         const std::string& word);
/// The first line, empty where there is none.
[[nodiscard]] std::string first_line(const std::filesystem::path& file);
/// The last part of a link's target: a driver's or a group's name; empty where there is no link.
[[nodiscard]] std::string link_name(const std::filesystem::path& link);
/// The names in a directory that begin with `prefix`, sorted.
[[nodiscard]] std::vector<std::string> names_in(const std::filesystem::path& directory,
                                                const std::string& prefix = "");

}  // namespace terminus::control::files
