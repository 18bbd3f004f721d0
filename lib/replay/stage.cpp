#include "replay/stage.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "replay/frame_bytes.hpp"
#include "sim/gateway.hpp"
#include "wire/ethernet.hpp"
#include "wire/frame.hpp"

namespace terminus::replay {
namespace {

using Outcome = capture::RecordedConversation::Outcome;

/// Turns of the backends at one instant: each answers what the one before asked, so few are needed.
constexpr int kTurnsMax = 4096;

}  // namespace

Stage::Stage(const Settings& settings, std::vector<CastPort> ports)
    : ports_(std::move(ports)),
      cast_(settings.cast, ports_),
      host_(settings.backends, settings.cast.starts),
      backends_(settings.backends.listen),
      due_(ports_.size()),
      due_at_(cast_.played().size(), base::kNever),
      arriving_(ports_.size()) {
    std::sort(backends_.begin(), backends_.end());
    for (std::size_t i = 0; i < cast_.played().size(); ++i) {
        const PlayedConversation& one = cast_.played()[i];
        lines_[{one.recorded().client, one.choice.service->listens}].conversations.push_back(i);
    }
    for (const auto& [ends, line] : lines_)
        schedule(line.conversations.front(), settings.cast.starts);
}

// Of a line only the one that is being played is ever due.
void Stage::schedule(std::size_t conversation, base::Instant now) {
    PlayedConversation& one = cast_.played()[conversation];
    auto& due = due_[one.port];
    if (due_at_[conversation] != base::kNever) due.erase({due_at_[conversation], conversation});
    due_at_[conversation] = one.player.next_at();
    if (due_at_[conversation] != base::kNever) due.insert({due_at_[conversation], conversation});
    if (!one.player.is_over()) return;
    Line& line = lines_[{one.recorded().client, one.choice.service->listens}];
    if (line.conversations[line.now] != conversation || line.now + 1 == line.conversations.size()) return;
    const std::size_t next = line.conversations[++line.now];
    cast_.played()[next].player.hold_until(now);
    schedule(next, now);
}

PlayedConversation* Stage::playing(const wire::Endpoint& client, const wire::Endpoint& service) {
    const auto line = lines_.find({client, service});
    if (line == lines_.end()) return nullptr;
    return &cast_.played()[line->second.conversations[line->second.now]];
}

void Stage::sent(const packet::Buffer& frame, std::uint16_t port, base::Instant now) {
    std::vector<std::uint8_t> bytes = bytes_of(frame);
    const auto header = wire::parse_frame(bytes, static_cast<std::uint32_t>(bytes.size()));
    const bool is_tcp = header && header.value().ether_type != wire::kEtherTypeArp &&
                        header.value().protocol == wire::kProtocolTcp && !header.value().is_fragment;
    if (is_tcp) return sent_tcp(std::move(bytes), header.value(), port, now);
    sim::Gateway::Heard heard = sim::Gateway::hear(frame);
    if (!heard.packet.empty()) ++counters_.to_nobody;
    if (heard.answer.empty()) return;
    arriving_[port].push_back(std::move(heard.answer));
    arriving_at_ = std::min(arriving_at_, now);
}

void Stage::sent_tcp(std::vector<std::uint8_t> frame, const wire::Frame& header, std::uint16_t port,
                     base::Instant now) {
    const base::Bytes l4 = base::Bytes(frame).subspan(header.l4_offset, header.l4_length);
    const auto segment = wire::parse_tcp(l4, header.l4_length);
    if (!segment) {
        ++counters_.to_nobody;
        return;
    }
    const wire::Endpoint from{header.source, segment.value().source_port};
    const wire::Endpoint to{header.destination, segment.value().destination_port};
    if (std::binary_search(backends_.begin(), backends_.end(), to)) {
        reached_by_[from.address] = port;
        for_backends_.push_back({std::move(frame), port});
        return;
    }
    const auto line = lines_.find({to, from});
    if (line == lines_.end()) {
        ++counters_.to_nobody;
        return;
    }
    const std::size_t conversation = line->second.conversations[line->second.now];
    cast_.played()[conversation].heard(segment.value(), l4.subspan(segment.value().header_length), now);
    schedule(conversation, now);
}

std::optional<base::Bytes> Stage::receive(std::uint16_t port, base::Instant now) {
    if (!arriving_[port].empty()) {
        given_ = std::move(arriving_[port].front());
        arriving_[port].pop_front();
        const bool is_last = std::all_of(arriving_.begin(), arriving_.end(),
                                         [](const auto& frames) { return frames.empty(); });
        if (is_last) arriving_at_ = base::kNever;
        return given_;
    }
    while (!due_[port].empty() && due_[port].begin()->first <= now) {
        const std::size_t conversation = due_[port].begin()->second;
        const std::optional<base::Bytes> frame = cast_.played()[conversation].player.poll(now);
        if (frame) given_.assign(frame->begin(), frame->end());
        const base::Instant before = due_at_[conversation];
        schedule(conversation, now);
        if (frame) return given_;
        TERMINUS_ASSERT(due_at_[conversation] > now || due_at_[conversation] != before,
                        "a client that is due has a frame");
    }
    return std::nullopt;
}

void Stage::turn(base::Instant now, const Sessions& sessions) {
    for (const ForBackends& sent : for_backends_)
        to_backends(sent, sessions);
    for_backends_.clear();
    for (int turns = 0; turns == 0 || (host_.has_work() && turns < kTurnsMax); ++turns)
        host_.turn(now);
    from_backends(now);
}

void Stage::to_backends(const ForBackends& sent, const Sessions& sessions) {
    const auto header = wire::parse_frame(sent.frame, static_cast<std::uint32_t>(sent.frame.size()));
    const base::Bytes l4 =
        base::Bytes(sent.frame).subspan(header.value().l4_offset, header.value().l4_length);
    const auto segment = wire::parse_tcp(l4, header.value().l4_length);
    const wire::FourTuple tuple{.local = {header.value().destination, segment.value().destination_port},
                                .remote = {header.value().source, segment.value().source_port}};
    const bool is_syn = segment.value().flags.syn() && !segment.value().flags.ack();
    if (is_syn && !announces(tuple, segment.value(), sessions)) return;
    if (!host_.arrive(sent.frame)) ++counters_.lost;
}

bool Stage::announces(const wire::FourTuple& tuple, const wire::TcpSegment& syn, const Sessions& sessions) {
    const auto client = sessions.client_behind({.local = tuple.remote, .remote = tuple.local});
    PlayedConversation* const conversation = client ? playing(client->remote, client->local) : nullptr;
    if (conversation == nullptr) return true;
    switch (conversation->recorded().outcome) {
        case Outcome::Established:
            host_.app().announce(tuple, conversation->server);
            return true;
        case Outcome::Refused:
            ++counters_.refused;
            host_.refuse(tuple, syn);
            return false;
        case Outcome::Unanswered:
            ++counters_.unanswered;
            return false;
    }
    return true;
}

// Back to the port that the packets which they answer came from.
void Stage::from_backends(base::Instant now) {
    while (std::optional<std::vector<std::uint8_t>> frame = host_.take_sent()) {
        const auto header = wire::parse_frame(*frame, static_cast<std::uint32_t>(frame->size()));
        const auto port = header ? reached_by_.find(header.value().destination) : reached_by_.end();
        if (port == reached_by_.end()) continue;  // a backend speaks to nobody else
        wire::write_ethernet({.destination = ports_[port->second].mac,
                              .source = sim::Gateway::kMac,
                              .ether_type = header.value().ether_type},
                             *frame);
        arriving_[port->second].push_back(std::move(*frame));
        arriving_at_ = std::min(arriving_at_, now);
    }
}

base::Instant Stage::next_frame_at() const {
    base::Instant next = arriving_at_;
    for (const auto& due : due_) {
        if (!due.empty()) next = std::min(next, due.begin()->first);
    }
    return next;
}

base::Instant Stage::next_turn_at() const {
    const bool is_needed = !for_backends_.empty() || host_.has_work();
    return is_needed ? base::Instant::min() : host_.next_at();
}

base::Instant Stage::next_known_at() const {
    return std::min(next_frame_at(), host_.app().next_at());
}

void Stage::finish() {
    for (PlayedConversation& one : cast_.played())
        one.player.finish();
}

}  // namespace terminus::replay
