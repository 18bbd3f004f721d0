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

std::optional<std::uint64_t> Conversations::Numbers::count(wire::SeqNum seq) {
    if (!iss) iss = seq - 1;
    const auto highest_number = *iss + static_cast<std::uint32_t>(highest);
    const auto distance = static_cast<std::int32_t>(seq - highest_number);
    const auto counted = static_cast<std::int64_t>(highest) + distance;
    if (counted < 0) return std::nullopt;
    highest = std::max(highest, static_cast<std::uint64_t>(counted));
    return static_cast<std::uint64_t>(counted);
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
        const Numbers& own = is_client ? live.client : live.server;
        // The other end's SYN is the second half of a simultaneous open, unless it has sent before.
        if (!opens(segment) || own.iss == segment.seq || (!is_client && !own.iss)) return live;
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
    Numbers& own = is_from_client ? live.client : live.server;
    Numbers& other = is_from_client ? live.server : live.client;
    if (segment.flags.syn()) {
        own.iss = own.iss.value_or(segment.seq);
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
