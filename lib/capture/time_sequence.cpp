#include "capture/time_sequence.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "capture/svg.hpp"

namespace terminus::capture {
namespace {

constexpr std::int64_t kWidth = 1000, kHeight = 620;
// The plot within the paper, in tenths of a pixel.
constexpr std::int64_t kLeft = 900, kRight = 9700, kTop = 500, kBottom = 5500;
constexpr std::int64_t kTicks = 8;

constexpr std::string_view kCss =
    ".paper { fill: #ffffff }\n"
    "text { font: 11px sans-serif; fill: #333333 }\n"
    ".title { font-size: 13px; font-weight: bold }\n"
    ".axis { stroke: #333333 }\n"
    ".grid { stroke: #e4e4e4 }\n"
    ".text { stroke: #1f4e9c; stroke-width: 1.5 }\n"
    ".again { stroke: #d62728; stroke-width: 2 }\n"
    ".sack { stroke: #8e44ad; stroke-width: 2 }\n"
    ".ack { stroke: #2e8b57; fill: none }\n"
    ".window { stroke: #e08a00; fill: none }\n"
    ".mark { fill: #d62728; font-weight: bold }\n";

/// From time and number to the paper.
class Scale {
 public:
    Scale(base::Duration begin, base::Duration end, std::uint64_t highest)
        : begin_(begin),
          span_(std::max<base::Duration>(end - begin, base::Duration(1))),
          highest_(std::max<std::uint64_t>(highest, 1)) {}

    [[nodiscard]] Point at(base::Duration time, std::uint64_t seq) const {
        // Nanoseconds of months, or bytes of a petabyte, times tenths of pixels would not fit.
        const std::int64_t unit = span_.count() / kMostUnits + 1;
        const std::int64_t across =
            (time - begin_).count() / unit * (kRight - kLeft) / (span_.count() / unit);
        const std::uint64_t piece = highest_ / kMostUnits + 1;
        const std::uint64_t up = std::min(seq, highest_) / piece * (kBottom - kTop) / (highest_ / piece);
        return {kLeft + across, kBottom - static_cast<std::int64_t>(up)};
    }
    [[nodiscard]] base::Duration time(std::int64_t part, std::int64_t of) const {
        return begin_ + span_ / of * part;
    }
    [[nodiscard]] std::uint64_t number(std::int64_t part, std::int64_t of) const {
        return highest_ / static_cast<std::uint64_t>(of) * static_cast<std::uint64_t>(part);
    }

 private:
    static constexpr std::int64_t kMostUnits = std::int64_t{1} << 49;

    base::Duration begin_;
    base::Duration span_;
    std::uint64_t highest_;
};

std::string seconds(base::Duration time) {
    const std::int64_t micros = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
    std::string fraction = std::to_string(micros % 1'000'000);
    return std::to_string(micros / 1'000'000) + "." + std::string(6 - fraction.size(), '0') + fraction + " s";
}

/// What of the conversation is drawn, and how far it reaches.
struct Extent {
    std::span<const Sighting> sightings;
    std::uint64_t highest = 0;
};

Extent extent_of(const Conversation& conversation, bool of_client) {
    Extent extent;
    extent.sightings =
        std::span(conversation.sightings).first(std::min(conversation.sightings.size(), kPlottedMax));
    std::uint64_t edge = 0;
    for (const Sighting& seen : extent.sightings) {
        if (seen.is_from_client == of_client) {
            extent.highest = std::max(extent.highest, seen.end());
        } else {
            edge = std::max(edge, seen.ack + seen.window);
        }
    }
    // A window that nobody ever comes near would leave the rest a line at the bottom.
    extent.highest = std::max(extent.highest, std::min(edge, extent.highest + extent.highest / 4 + 1));
    return extent;
}

void draw_axes(Svg& svg, const Scale& scale) {
    for (std::int64_t i = 0; i <= kTicks; ++i) {
        const Point across = scale.at(scale.time(i, kTicks), 0);
        const Point up = scale.at(scale.time(0, 1), scale.number(i, kTicks));
        svg.line({across.x, kTop}, {across.x, kBottom}, "grid");
        svg.line({kLeft, up.y}, {kRight, up.y}, "grid");
        const auto anchor = i == kTicks ? Svg::Anchor::End : Svg::Anchor::Middle;  // within the paper
        svg.text({across.x, kBottom + 180}, seconds(scale.time(i, kTicks)), "tick", anchor);
        svg.text({kLeft - 60, up.y + 40}, std::to_string(scale.number(i, kTicks)), "tick", Svg::Anchor::End);
    }
    svg.line({kLeft, kTop}, {kLeft, kBottom}, "axis");
    svg.line({kLeft, kBottom}, {kRight, kBottom}, "axis");
}

void draw_legend(Svg& svg) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kLooks = {{{"text", "text"},
                                                                                      {"again", "sent again"},
                                                                                      {"ack", "acknowledged"},
                                                                                      {"window", "window"},
                                                                                      {"sack", "SACK"}}};
    std::int64_t x = kLeft;
    for (const auto& [look, name] : kLooks) {
        svg.line({x, kBottom + 400}, {x + 200, kBottom + 400}, look);
        svg.text({x + 260, kBottom + 440}, name, "name");
        x += 1300;
    }
}

/// A line of steps: level until the next value.
class Steps {
 public:
    void to(const Scale& scale, base::Duration at, std::uint64_t value) {
        if (is_begun_) points_.push_back(scale.at(at, value_));
        points_.push_back(scale.at(at, value));
        value_ = value;
        is_begun_ = true;
    }
    void draw(Svg& svg, std::string_view look) const { svg.polyline(points_, look); }

 private:
    std::vector<Point> points_;
    std::uint64_t value_ = 0;
    bool is_begun_ = false;
};

void draw_sent(Svg& svg, const Scale& scale, const Sighting& seen, std::uint64_t& highest) {
    const auto stroke = [&](std::uint64_t from, std::uint64_t to, std::string_view look) {
        if (from < to) svg.line(scale.at(seen.at, from), scale.at(seen.at, to), look);
    };
    stroke(seen.seq, std::min(seen.end(), highest), "again");
    stroke(std::max(seen.seq, highest), seen.end(), "text");
    highest = std::max(highest, seen.end());
    const wire::TcpFlags flags = seen.segment.flags;
    const std::string letters =
        std::string(flags.syn() ? "S" : "") + (flags.fin() ? "F" : "") + (flags.rst() ? "R" : "");
    if (letters.empty()) return;
    Point at = scale.at(seen.at, seen.end());
    at.y -= 40;
    svg.text(at, letters, "mark", Svg::Anchor::Middle);
}

void draw_answers(Svg& svg, const Scale& scale, const Extent& extent, bool of_client) {
    Steps acknowledged;
    Steps window;
    for (const Sighting& seen : extent.sightings) {
        if (seen.is_from_client == of_client || !seen.segment.flags.ack() || seen.segment.flags.rst())
            continue;
        acknowledged.to(scale, seen.at, seen.ack);
        window.to(scale, seen.at, seen.ack + seen.window);
        for (const auto& [left, right] : seen.sack)
            svg.line(scale.at(seen.at, left), scale.at(seen.at, right), "sack");
    }
    window.draw(svg, "window");
    acknowledged.draw(svg, "ack");
}

}  // namespace

std::string time_sequence_svg(const Conversation& conversation, bool of_client) {
    const wire::Endpoint& from = of_client ? conversation.client : conversation.server;
    const wire::Endpoint& to = of_client ? conversation.server : conversation.client;
    const std::string title = from.to_string() + " to " + to.to_string() + ": time and sequence numbers";
    Svg svg(kWidth, kHeight, title, kCss);
    svg.text({kLeft, 280}, title, "title");
    const Extent extent = extent_of(conversation, of_client);
    if (extent.sightings.empty()) return std::move(svg).finish();
    if (extent.sightings.size() < conversation.sightings.size()) {
        svg.text({kRight, 280},
                 "the first " + std::to_string(extent.sightings.size()) + " of " +
                     std::to_string(conversation.sightings.size()) + " segments",
                 "name", Svg::Anchor::End);
    }
    const Scale scale(extent.sightings.front().at, extent.sightings.back().at, extent.highest);
    draw_axes(svg, scale);
    draw_answers(svg, scale, extent, of_client);
    std::uint64_t highest = 0;
    for (const Sighting& seen : extent.sightings) {
        if (seen.is_from_client == of_client) draw_sent(svg, scale, seen, highest);
    }
    draw_legend(svg);
    return std::move(svg).finish();
}

}  // namespace terminus::capture
