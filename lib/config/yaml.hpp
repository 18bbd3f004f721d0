#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// YAML text as a small tree whose every node knows its place; internal to `config`. yaml-cpp's own nodes
/// would lose duplicate keys and expand aliases, so the tree is built from its events, under limits.
namespace terminus::config::yaml {

/// The schema is five levels deep; what is deeper than this is an attack or an accident.
inline constexpr std::size_t kDepthMax = 32;
/// Values in a document, each alias counted with all that it stands for.
inline constexpr std::size_t kNodesMax = 100'000;

/// Both count from 1.
struct Mark {
    std::uint32_t line = 1;
    std::uint32_t column = 1;
    friend auto operator<=>(const Mark&, const Mark&) = default;
};

enum class Kind : std::uint8_t { Null, Scalar, Sequence, Mapping };

struct Node {
    Kind kind = Kind::Null;
    Mark mark;
    std::string text;  ///< a scalar's
    /// A sequence's items; a mapping's keys and values by turns. An alias shares the node it names.
    std::vector<std::shared_ptr<const Node>> items;
};

/// What is wrong, and where. Does not leave this library.
struct Fault : std::runtime_error {
    Fault(Mark at, const std::string& what) : std::runtime_error(what), mark(at) {}
    Mark mark;
};

/// The one document in `text`. Throws Fault for what is not text, not YAML, or over a limit.
[[nodiscard]] std::shared_ptr<const Node> parse(std::string_view text);

}  // namespace terminus::config::yaml
