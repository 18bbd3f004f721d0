#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace terminus::capture {

/// Tenths of a pixel, from the upper left corner: whole numbers, so that every build draws the same bytes.
struct Point {
    std::int64_t x = 0;
    std::int64_t y = 0;
};

/// A drawing that stands alone: its styles are in it, and nothing is fetched. Elements take the look of the
/// class that they name; the classes are the caller's.
class Svg {
 public:
    enum class Anchor : std::uint8_t { Start, Middle, End };

    /// `width` and `height` in pixels; `css` between the style tags as it is.
    Svg(std::int64_t width, std::int64_t height, std::string_view title, std::string_view css);

    void line(Point from, Point to, std::string_view look);
    void polyline(std::span<const Point> points, std::string_view look);
    /// `text` may hold any characters.
    void text(Point at, std::string_view text, std::string_view look, Anchor anchor = Anchor::Start);
    /// The whole file.
    [[nodiscard]] std::string finish() &&;

 private:
    std::string text_;
};

}  // namespace terminus::capture
