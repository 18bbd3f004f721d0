#include <catch2/catch.hpp>
#include <string>

#include "capture/ladder.hpp"
#include "capture/svg.hpp"
#include "capture/talk.hpp"
#include "capture/time_sequence.hpp"

using namespace terminus;
using namespace terminus::test;

namespace {

std::size_t count(const std::string& in, std::string_view what) {
    std::size_t found = 0;
    for (std::size_t at = in.find(what); at != std::string::npos; at = in.find(what, at + 1))
        ++found;
    return found;
}

/// A download of 40 segments, of which one is lost, reported, and sent again.
Talk download() {
    Talk talk;
    talk.handshake();
    talk.client({.flags = kAck, .seq = 1, .ack = 1, .length = 50});
    for (std::uint32_t i = 0; i < 40; ++i)
        talk.server({.flags = kAck, .seq = 1 + i * 1000, .ack = 51, .length = 1000});
    talk.client({.flags = kAck, .seq = 51, .ack = 10'001, .sack = {{11'001, 40'001}}});
    talk.server({.flags = kAck, .seq = 10'001, .ack = 51, .length = 1000});
    talk.client({.flags = kAck, .seq = 51, .ack = 40'001});
    talk.server({.flags = kFin | kAck, .seq = 40'001, .ack = 51});
    talk.client({.flags = kRst, .seq = 51});
    return talk;
}

}  // namespace

TEST_CASE(
    "a time-sequence graph has a stroke for each segment's text, in another colour where it went again") {
    const Talk talk = download();
    const std::string svg = capture::time_sequence_svg(talk.only(), false);
    CHECK(svg.rfind("<svg ", 0) == 0);
    CHECK(svg.substr(svg.size() - 7) == "</svg>\n");
    CHECK(svg.find("192.0.2.2:80 to 192.0.2.1:40000") != std::string::npos);
    // 40 of text, those of SYN and FIN, and the legend's.
    CHECK(count(svg, "<line class=\"text\"") == 40 + 2 + 1);
    CHECK(count(svg, "<line class=\"again\"") == 1 + 1);
    CHECK(count(svg, "<line class=\"sack\"") == 1 + 1);
    CHECK(count(svg, "<polyline class=\"ack\"") == 1);
    CHECK(count(svg, "<polyline class=\"window\"") == 1);
    CHECK(count(svg, "class=\"mark\"") == 2);
    // The other direction: a request, and the reset.
    const std::string requests = capture::time_sequence_svg(talk.only(), true);
    CHECK(count(requests, "<line class=\"text\"") == 2 + 1);
    CHECK(count(requests, ">R</text>") == 1);
}

TEST_CASE("a graph says what it leaves out, and an empty conversation is drawn, too") {
    Talk talk;
    talk.handshake();
    for (std::size_t i = 0; i < capture::kPlottedMax; ++i)
        talk.client({.flags = kAck, .seq = static_cast<std::uint32_t>(1 + i), .ack = 1, .length = 1});
    const std::string svg = capture::time_sequence_svg(talk.only(), true);
    CHECK(svg.find("the first 50000 of 50003 segments") != std::string::npos);
    CHECK(capture::time_sequence_svg({}, true).find("</svg>") != std::string::npos);
    CHECK(capture::ladder_svg({}).find("</svg>") != std::string::npos);
}

TEST_CASE("a ladder has a rung for each segment, with its numbers, and says how many more there were") {
    const Talk talk = download();
    const std::string svg = capture::ladder_svg(talk.only());
    CHECK(count(svg, "class=\"label\"") == talk.only().sightings.size());
    CHECK(svg.find(">SYN 0:0(0) win 1000 wscale 7<") != std::string::npos);
    CHECK(svg.find(">SYN ACK 0:0(0) ack 1 win 1000 wscale 9<") != std::string::npos);
    CHECK(svg.find(">ACK 10001:11001(1000) ack 51 win 512000<") != std::string::npos);
    CHECK(svg.find(" sack 11001:40001<") != std::string::npos);
    CHECK(count(svg, "<line class=\"reset\"") == 1);

    Talk longer;
    for (std::size_t i = 0; i < capture::kRungsMax + 7; ++i)
        longer.client({.flags = kAck, .seq = 1, .ack = 1});
    CHECK(capture::ladder_svg(longer.only()).find(">7 segments more<") != std::string::npos);
}

TEST_CASE("any text is text in a drawing, and tenths are written as such") {
    capture::Svg svg(10, 10, "a < b & \"c\"", "");
    svg.line({-5, 10}, {12, 0}, "look");
    const std::string text = std::move(svg).finish();
    CHECK(text.find("<title>a &lt; b &amp; &quot;c&quot;</title>") != std::string::npos);
    CHECK(text.find("x1=\"-0.5\" y1=\"1\" x2=\"1.2\" y2=\"0\"") != std::string::npos);
}
