#include "replay/cast.hpp"

#include <algorithm>

#include "sim/gateway.hpp"

namespace terminus::replay {
namespace {

using By = ServiceChoice::By;

/// Why a conversation is not played; empty when it is.
std::string obstacle(const capture::RecordedConversation& conversation, const ServiceChoice& choice,
                     const CastSettings& settings) {
    const wire::IpAddress& client = conversation.client.address;
    const std::vector<wire::IpAddress>& taken = settings.taken;
    if (choice.by == By::Ambiguous) return "several services listen on its server's port";
    if (choice.by == By::None) return "no service takes its server's place";
    if (const auto why = capture::ClientPlayer::obstacle(conversation, choice.service->listens))
        return std::string(*why);
    if (std::find(taken.begin(), taken.end(), client) != taken.end())
        return "its client has an address of the configuration's";
    const bool is_reachable =
        std::any_of(settings.reachable.begin(), settings.reachable.end(),
                    [&](const wire::Prefix& prefix) { return prefix.contains(client); });
    if (!is_reachable) return "no route leads to its client";
    if (conversation.client_packets.empty()) return "nothing of its client's was captured";
    return {};
}

}  // namespace

void PlayedConversation::heard(const wire::TcpSegment& segment, base::Bytes text, base::Instant now) {
    player.heard(segment, now);
    if (segment.flags.syn()) {
        if (iss != segment.seq) response = StreamCheck(recorded().response);
        iss = segment.seq;
    }
    if (!iss || text.empty()) return;
    // Near what came last, for numbers wrap.
    const wire::SeqNum expected = *iss + 1u + static_cast<std::uint32_t>(response.reached());
    const auto ahead = static_cast<std::int32_t>(segment.seq - expected);
    const std::int64_t offset = static_cast<std::int64_t>(response.reached()) + ahead;
    if (offset >= 0) response.take(static_cast<std::uint64_t>(offset), text);
}

Cast::Cast(const CastSettings& settings, const std::vector<CastPort>& ports) {
    timeline_.starts = settings.starts;
    choose(settings, ports);
    for (const Part& part : parts_) {
        const base::Duration stamp = part.recorded->client_packets.front().stamp;
        timeline_.recorded = &part == &parts_.front() ? stamp : std::min(timeline_.recorded, stamp);
    }
    give_out(settings, ports);
    // Time begins with the first frame that is played: a replay of what was played begins there, too.
    const base::Instant first = first_frame_at();
    if (first == base::kNever || first == settings.starts) return;
    timeline_.recorded += first - settings.starts;
    give_out(settings, ports);
}

void Cast::choose(const CastSettings& settings, const std::vector<CastPort>& ports) {
    for (std::uint16_t port = 0; port < ports.size(); ++port) {
        if (ports[port].recorded == nullptr) continue;
        for (const capture::RecordedConversation& conversation : ports[port].recorded->conversations()) {
            const ServiceChoice choice = choose_service(conversation.server, settings.services);
            const std::string why = obstacle(conversation, choice, settings);
            if (why.empty()) {
                parts_.push_back({&conversation, port, choice});
            } else {
                unplayed_.push_back({&conversation, port, why});
            }
        }
    }
}

void Cast::give_out(const CastSettings& settings, const std::vector<CastPort>& ports) {
    played_.clear();
    for (const Part& part : parts_) {
        capture::ClientPlayer::Settings player;
        player.mode = settings.mode;
        player.service = part.choice.service->listens;
        player.mac = sim::Gateway::kMac;
        player.service_mac = ports[part.port].mac;
        player.mtu = ports[part.port].mtu;
        player.timeline = timeline_;
        player.repair_checksums = settings.repair_checksums;
        played_.emplace_back(*part.recorded, part.port, part.choice, player);
    }
}

base::Instant Cast::first_frame_at() const {
    base::Instant first = base::kNever;
    for (const PlayedConversation& one : played_)
        first = std::min(first, one.player.next_at());
    return first;
}

}  // namespace terminus::replay
