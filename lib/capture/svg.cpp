#include "capture/svg.hpp"

namespace terminus::capture {
namespace {

std::string number(std::int64_t tenths) {
    std::string text = tenths < 0 ? "-" : "";
    const std::int64_t size = tenths < 0 ? -tenths : tenths;
    text += std::to_string(size / 10);
    if (size % 10 != 0) text += "." + std::to_string(size % 10);
    return text;
}

std::string escaped(std::string_view raw) {
    std::string text;
    for (const char c : raw) {
        switch (c) {
            case '<':
                text += "&lt;";
                break;
            case '>':
                text += "&gt;";
                break;
            case '&':
                text += "&amp;";
                break;
            case '"':
                text += "&quot;";
                break;
            default:
                text += c;
                break;
        }
    }
    return text;
}

std::string attribute(std::string_view name, std::int64_t tenths) {
    return " " + std::string(name) + "=\"" + number(tenths) + "\"";
}

std::string look_of(std::string_view look) {
    return " class=\"" + std::string(look) + "\"";
}

}  // namespace

Svg::Svg(std::int64_t width, std::int64_t height, std::string_view title, std::string_view css) {
    const std::string size = std::to_string(width) + " " + std::to_string(height);
    text_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + std::to_string(width) + "\" height=\"" +
            std::to_string(height) + "\" viewBox=\"0 0 " + size + "\">\n<title>" + escaped(title) +
            "</title>\n<style>\n" + std::string(css) +
            "</style>\n<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n";
}

void Svg::line(Point from, Point to, std::string_view look) {
    text_ += "<line" + look_of(look) + attribute("x1", from.x) + attribute("y1", from.y) +
             attribute("x2", to.x) + attribute("y2", to.y) + "/>\n";
}

void Svg::polyline(std::span<const Point> points, std::string_view look) {
    if (points.size() < 2) return;
    text_ += "<polyline" + look_of(look) + " points=\"";
    for (const Point& point : points)
        text_ += number(point.x) + "," + number(point.y) + " ";
    text_.back() = '"';
    text_ += "/>\n";
}

void Svg::text(Point at, std::string_view text, std::string_view look, Anchor anchor) {
    constexpr std::string_view kAnchors[] = {"start", "middle", "end"};
    text_ += "<text" + look_of(look) + attribute("x", at.x) + attribute("y", at.y) + " text-anchor=\"" +
             std::string(kAnchors[static_cast<std::size_t>(anchor)]) + "\">" + escaped(text) + "</text>\n";
}

std::string Svg::finish() && {
    text_ += "</svg>\n";
    return std::move(text_);
}

}  // namespace terminus::capture
