#include "capture/ladder.hpp"

#include <algorithm>
#include <span>

#include "capture/svg.hpp"

namespace terminus::capture {
namespace {

constexpr std::int64_t kWidth = 900;
// In tenths of a pixel.
constexpr std::int64_t kClient = 2200, kServer = 7800, kFirst = 900, kRung = 340;
constexpr std::int64_t kSlope = 90;  // an arrow arrives below where it began
constexpr std::int64_t kBarb = 60;

constexpr std::string_view kCss =
    ".paper { fill: #ffffff }\n"
    "text { font: 11px sans-serif; fill: #333333 }\n"
    ".title { font-size: 13px; font-weight: bold }\n"
    ".end { font-weight: bold }\n"
    ".post { stroke: #888888 }\n"
    ".rung { stroke: #1f4e9c; fill: none }\n"
    ".reset { stroke: #d62728; fill: none }\n";

std::string flags_of(wire::TcpFlags flags) {
    std::string text;
    const auto add = [&text](bool is_set, std::string_view name) {
        if (is_set) text += (text.empty() ? "" : " ") + std::string(name);
    };
    add(flags.syn(), "SYN");
    add(flags.fin(), "FIN");
    add(flags.rst(), "RST");
    add(flags.psh(), "PSH");
    add(flags.ack(), "ACK");
    add(flags.urg(), "URG");
    add(flags.ece(), "ECE");
    add(flags.cwr(), "CWR");
    return text;
}

std::string label(const Sighting& seen) {
    const wire::TcpSegment& segment = seen.segment;
    std::string text = flags_of(segment.flags) + " " + std::to_string(seen.seq) + ":" +
                       std::to_string(seen.seq + segment.payload_length) + "(" +
                       std::to_string(segment.payload_length) + ")";
    if (segment.flags.ack()) text += " ack " + std::to_string(seen.ack);
    text += " win " + std::to_string(seen.window);
    const wire::TcpOptions& options = segment.options;
    if (options.mss) text += " mss " + std::to_string(*options.mss);
    if (options.window_scale) text += " wscale " + std::to_string(*options.window_scale);
    if (options.sack_permitted) text += " sackOK";
    for (const auto& [left, right] : seen.sack)
        text += " sack " + std::to_string(left) + ":" + std::to_string(right);
    return text;
}

std::string millis(base::Duration at) {
    const std::int64_t micros = std::chrono::duration_cast<std::chrono::microseconds>(at).count();
    std::string fraction = std::to_string(micros % 1000);
    return std::to_string(micros / 1000) + "." + std::string(3 - fraction.size(), '0') + fraction + " ms";
}

void draw_rung(Svg& svg, const Sighting& seen, std::int64_t y) {
    const std::int64_t from = seen.is_from_client ? kClient : kServer;
    const std::int64_t to = seen.is_from_client ? kServer : kClient;
    const std::int64_t back = seen.is_from_client ? -kBarb : kBarb;
    const std::string_view look = seen.segment.flags.rst() ? "reset" : "rung";
    const Point tip{to, y + kSlope};
    const Point barbs[] = {{to + 2 * back, y + kSlope - kBarb}, tip, {to + 2 * back, y + kSlope + kBarb}};
    svg.line({from, y}, tip, look);
    svg.polyline(barbs, look);
    svg.text({(kClient + kServer) / 2, y}, label(seen), "label", Svg::Anchor::Middle);
    svg.text({kClient - 150, y + 40}, millis(seen.at), "time", Svg::Anchor::End);
    svg.text({kServer + 150, y + 40}, "frame " + std::to_string(seen.frame), "time");
}

}  // namespace

std::string ladder_svg(const Conversation& conversation) {
    const auto drawn =
        std::span(conversation.sightings).first(std::min(conversation.sightings.size(), kRungsMax));
    const std::int64_t end = kFirst + static_cast<std::int64_t>(drawn.size()) * kRung;
    const std::string title = conversation.client.to_string() + " and " + conversation.server.to_string();
    Svg svg(kWidth, end / 10 + 60, title, kCss);
    svg.text({kWidth * 5, 250}, title, "title", Svg::Anchor::Middle);
    svg.text({kClient, 550}, "client", "end", Svg::Anchor::Middle);
    svg.text({kServer, 550}, "server", "end", Svg::Anchor::Middle);
    svg.line({kClient, 650}, {kClient, end + 50}, "post");
    svg.line({kServer, 650}, {kServer, end + 50}, "post");
    std::int64_t y = kFirst;
    for (const Sighting& seen : drawn) {
        draw_rung(svg, seen, y);
        y += kRung;
    }
    const std::size_t left = conversation.sightings.size() - drawn.size();
    if (left > 0) {
        svg.text({(kClient + kServer) / 2, end + 300}, std::to_string(left) + " segments more", "label",
                 Svg::Anchor::Middle);
    }
    return std::move(svg).finish();
}

}  // namespace terminus::capture
