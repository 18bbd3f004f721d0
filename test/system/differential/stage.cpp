#include "stage.hpp"

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "neighbours.hpp"
#include "wire/frame.hpp"

namespace terminus::differential {
namespace {

constexpr wire::MacAddress kClientMac{{2, 0, 0, 0, 0, 1}};

}  // namespace

Stage::Stage(Link& link, const std::vector<capture::RecordedConversations>& captures, base::Instant starts,
             const Settings& settings)
    : link_(&link), settings_(settings), last_played_(starts) {
    for (const capture::RecordedConversations& recorded : captures) {
        for (const capture::RecordedConversation& conversation : recorded.conversations()) {
            capture::ClientPlayer::Settings player;
            player.service = conversation.server;
            if (const auto why = capture::ClientPlayer::obstacle(conversation, player.service))
                throw std::runtime_error("the conversation of packet " +
                                         std::to_string(conversation.first_packet) +
                                         " can't be played: " + std::string(*why));
            player.mac = kClientMac;
            player.service_mac = settings.service_mac;
            player.repair_checksums = settings.repair_checksums;
            player.timeline = {*recorded.first_stamp(), starts};
            const auto& packets = conversation.client_packets;
            const base::Duration last = packets.empty() ? conversation.first_stamp : packets.back().stamp;
            parts_[{conversation.client, conversation.server}].push_back(
                {capture::ClientPlayer(conversation, player), player.timeline.virtual_time(last)});
        }
    }
}

void Stage::turn(base::Instant now) {
    while (const std::optional<Link::Heard> heard = link_->receive())
        hear(*heard);
    for (auto& [ends, waiting] : parts_) {
        if (waiting.empty()) continue;
        play(waiting.front(), now);
        if (!waiting.front().player.is_over()) continue;
        played_.push_back(std::move(waiting.front()));
        waiting.pop_front();
        if (!waiting.empty()) waiting.front().player.hold_until(now);
    }
}

void Stage::hear(const Link::Heard& heard) {
    if (const auto answer = answer_as(kClientMac, heard.frame)) {
        link_->send(*answer);
        return;
    }
    const auto parsed = wire::parse_frame(heard.frame, static_cast<std::uint32_t>(heard.frame.size()));
    if (!parsed || parsed.value().protocol != wire::kProtocolTcp || parsed.value().is_fragment) return;
    const wire::Frame& header = parsed.value();
    const base::Bytes text = base::Bytes(heard.frame).subspan(header.l4_offset, header.l4_length);
    const auto segment = wire::parse_tcp(text, header.l4_length);
    if (!segment) return;
    const Ends ends{{header.destination, segment.value().destination_port},
                    {header.source, segment.value().source_port}};
    const auto waiting = parts_.find(ends);
    if (waiting == parts_.end() || waiting->second.empty()) return;
    waiting->second.front().player.heard(segment.value(), heard.at);
}

void Stage::play(Part& part, base::Instant now) {
    // One at a time: what it is answered by at once comes before the next.
    if (const std::optional<base::Bytes> frame = part.player.poll(now)) {
        link_->send(*frame);
        last_played_ = now;
        return;
    }
    if (now >= given_up_at(part)) part.player.finish();
}

base::Instant Stage::given_up_at(const Part& part) const {
    return part.ends + part.player.lag() + settings_.patience;
}

base::Instant Stage::next_at() const {
    base::Instant next = base::kNever;
    for (const auto& [ends, waiting] : parts_) {
        if (waiting.empty()) continue;
        next = std::min({next, waiting.front().player.next_at(), given_up_at(waiting.front())});
    }
    return next;
}

bool Stage::is_over() const {
    return std::all_of(parts_.begin(), parts_.end(),
                       [](const auto& waiting) { return waiting.second.empty(); });
}

void Stage::report() const {
    for (const Part& part : played_) {
        const wire::Endpoint& client = part.player.conversation().client;
        for (const capture::Divergence& divergence : part.player.divergences()) {
            const std::string_view what = capture::text(divergence.what);
            std::printf("divergence %s %u %llu %.*s\n", client.address.to_string().c_str(), client.port,
                        static_cast<unsigned long long>(divergence.packet), static_cast<int>(what.size()),
                        what.data());
        }
    }
}

}  // namespace terminus::differential
