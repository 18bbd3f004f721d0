#include "capture/conversation.hpp"

#include <algorithm>

#include "wire/frame.hpp"

namespace terminus::capture {
namespace {

constexpr std::uint8_t kScaleMax = 14;  // RFC 7323 2.3

bool opens(const wire::TcpSegment& segment) {
    return segment.flags.syn() && !segment.flags.ack();
}

}  // namespace

std::optional<std::uint64_t> Conversations::End::count(wire::SeqNum seq) {
    if (!numbers) numbers = Numbers{seq - 1};
    const std::optional<std::uint64_t> counted = numbers->at(seq);
    if (counted) numbers->raise(*counted);
    return counted;
}

void Conversations::add(base::Bytes frame, base::Duration at, std::uint64_t number) {
    const auto parsed = wire::parse_frame(frame, static_cast<std::uint32_t>(frame.size()));
    if (!parsed || parsed.value().protocol != wire::kProtocolTcp || parsed.value().is_fragment) {
        ++others_;
        return;
    }
    const wire::Frame& header = parsed.value();
    const auto tcp = wire::parse_tcp(frame.subspan(header.l4_offset, header.l4_length), header.l4_length);
    if (!tcp) {
        ++others_;
        return;
    }
    const wire::TcpSegment& segment = tcp.value();
    const wire::Endpoint from{header.source, segment.source_port};
    const wire::Endpoint to{header.destination, segment.destination_port};
    Live& live = live_for(from, to, segment);
    Sighting sighting;
    sighting.at = at;
    sighting.frame = number;
    sighting.segment = segment;
    note(live, from == live.conversation->client, segment, std::move(sighting));
}

// Another one begins with the first segment between two endpoints, and with a SYN that is not the first
// one's.
Conversations::Live& Conversations::live_for(const wire::Endpoint& from, const wire::Endpoint& to,
                                             const wire::TcpSegment& segment) {
    Live& live = live_[from < to ? Ends{from, to} : Ends{to, from}];
    if (live.conversation != nullptr) {
        const bool is_client = from == live.conversation->client;
        const End& own = is_client ? live.client : live.server;
        // The other end's SYN is the second half of a simultaneous open, unless it has sent before.
        const bool is_first = own.numbers && own.numbers->isn == segment.seq;
        if (!opens(segment) || is_first || (!is_client && !own.numbers)) return live;
    }
    // A SYN-ACK seen first tells who the client is, too.
    const bool is_answer = segment.flags.syn() && segment.flags.ack();
    live = {};
    conversations_.push_back({is_answer ? to : from, is_answer ? from : to, segment.flags.syn(), {}});
    live.conversation = &conversations_.back();
    return live;
}

void Conversations::note(Live& live, bool is_from_client, const wire::TcpSegment& segment,
                         Sighting&& sighting) {
    End& own = is_from_client ? live.client : live.server;
    End& other = is_from_client ? live.server : live.client;
    if (segment.flags.syn()) {
        if (!own.numbers) own.numbers = Numbers{segment.seq};
        own.scale = segment.options.window_scale;
    }
    sighting.is_from_client = is_from_client;
    // Before an ISN lie keepalives of the very first byte and what is forged: drawn at it.
    sighting.seq = own.count(segment.seq).value_or(0);
    if (segment.flags.ack()) sighting.ack = other.count(segment.ack).value_or(0);
    const bool is_scaled = own.scale && other.scale && !segment.flags.syn();
    sighting.window = std::uint64_t{segment.window} << (is_scaled ? std::min(*own.scale, kScaleMax) : 0);
    for (std::uint8_t i = 0; i < segment.options.sack_count; ++i) {
        const auto left = other.count(segment.options.sack[i].left);
        const auto right = other.count(segment.options.sack[i].right);
        if (left && right) sighting.sack.emplace_back(*left, *right);
    }
    live.conversation->sightings.push_back(std::move(sighting));
}

}  // namespace terminus::capture
