#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace terminus::tcp {
class Connection;
}

namespace terminus::drill {

/// Linux's struct tcp_info by the names of its fields, in Linux's units (microseconds for times, segments or
/// bytes as there). What this stack has no figure for is not among them: who asks for it is told so and never
/// sees a zero that nobody counted.
class TcpInfo {
 public:
    /// Nothing for a field without a figure here, and for a name that Linux doesn't have; is_known_name()
    /// tells which.
    [[nodiscard]] std::optional<std::uint64_t> field(std::string_view name) const;
    [[nodiscard]] const std::map<std::string, std::uint64_t, std::less<>>& fields() const { return fields_; }
    void set(std::string_view name, std::uint64_t value) {
        fields_.insert_or_assign(std::string(name), value);
    }

    /// Whether Linux's struct tcp_info (6.x) has a field of that name.
    [[nodiscard]] static bool is_known_name(std::string_view name);

 private:
    std::map<std::string, std::uint64_t, std::less<>> fields_;
};

/// tcpi_options: what was agreed on, and whether text went with a SYN and was taken. Nothing where it would
/// have a bit without a figure here.
[[nodiscard]] std::optional<std::uint64_t> tcpi_options_of(const tcp::Connection& connection);

}  // namespace terminus::drill
