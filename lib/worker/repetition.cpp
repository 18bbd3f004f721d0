#include "worker/repetition.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "packet/frame_layout.hpp"

namespace terminus::worker {
namespace {

std::vector<std::uint8_t> bytes_of_frame(const rte_mbuf* frame) {
    std::vector<std::uint8_t> all;
    packet::for_each_sent_segment(
        frame, [&](std::uint16_t, base::Bytes bytes) { all.insert(all.end(), bytes.begin(), bytes.end()); });
    return all;
}

}  // namespace

/// Gives a turn's burst, and takes of what is sent as much as the device took then.
class Repetition::Port final : public packet::Port {
 public:
    Port(const packet::PortCapabilities& capabilities, const neigh::Interface& interface, std::uint16_t index,
         Repetition& repetition)
        : packet::Port(capabilities, interface.mac, interface.mtu), index_(index), repetition_(repetition) {}

    void arrive(packet::Buffer frame) { burst_.push_back(std::move(frame)); }
    void receive(packet::Batch& into) override {
        for (std::uint16_t i = 0; i < burst_.size(); ++i)
            into.push_back(burst_.take(i));
        burst_.clear();
    }
    void transmit(packet::Batch& frames) override {
        const std::uint16_t taken = repetition_.offered(index_, frames);
        for (std::uint16_t i = 0; i < taken; ++i)
            (void)frames.take(i);  // and frees it
        frames.sent(taken);
    }
    [[nodiscard]] bool link_is_up() const override { return true; }
    [[nodiscard]] bool has_room() const { return !burst_.full(); }

 private:
    std::uint16_t index_;
    Repetition& repetition_;
    packet::Batch burst_;
};

Repetition::Repetition(const record::Recording& recording, Settings settings)
    : settings_(std::move(settings)),
      self_(settings_.worker.stack.worker),
      turns_(recording, self_),
      group_(settings_.workers),
      mesh_(settings_.workers),
      sent_(settings_.capabilities.size()) {
    std::vector<packet::Port*> ports;
    for (std::size_t index = 0; index < settings_.capabilities.size(); ++index) {
        ports_.push_back(std::make_unique<Port>(settings_.capabilities[index],
                                                settings_.worker.stack.interfaces[index],
                                                static_cast<std::uint16_t>(index), *this));
        ports.push_back(ports_.back().get());
    }
    worker_ = std::make_unique<Worker>(settings_.worker, std::move(ports), group_.mailbox(self_), mesh_,
                                       settings_.table, settings_.began);
    if (settings_.snapshot.empty()) return;
    const auto restored = worker_->restore(settings_.snapshot);
    if (!restored) snapshot_fault_ = restored.error();
}

Repetition::~Repetition() = default;

bool Repetition::step() {
    if (divergence_ || ran_out_ || snapshot_fault_) return false;
    const std::optional<record::Turn> next = turns_.next();
    if (!next) return false;
    turn_ = *next;
    ++counters_.turns;
    for (auto& sent : sent_)
        sent.clear();
    if (turn_.header.idle != 0) turn(base::instant_from_ns(turn_.header.idle), turn_.header.free_buffers);
    base::Bytes events = turn_.events;
    while (!events.empty()) {
        const auto event = record::take_event(events, 0);
        TERMINUS_ASSERT(event.ok() && event.value(), "Recording::parse() has looked through all events");
        prepare(*event.value());
    }
    if (ran_out_) return false;
    turn(base::instant_from_ns(turn_.header.now), turn_.header.free_buffers);
    if (!divergence_ && !expected_.empty()) diverge(expected_.front().header.port);
    if (divergence_) divergence_->repeated = sent_[divergence_->port];
    return !divergence_;
}

void Repetition::prepare(const record::Event& event) {
    const record::EventHeader& header = event.header;
    base::Bytes body = event.body;
    switch (event.kind()) {
        case record::EventKind::Received:
            for (std::uint16_t i = 0; i < header.count; ++i) {
                packet::Buffer frame = frame_of(record::take_received(body));
                if (!frame || !ports_[header.port]->has_room()) return;
                ports_[header.port]->arrive(std::move(frame));
                ++counters_.received;
            }
            return;
        case record::EventKind::Sent:
            expected_.push_back(event);
            return;
        case record::EventKind::HandedOver: {
            stack::Message message;
            message.kind = stack::Message::Kind::Frame;
            message.port = header.port;
            message.frame = frame_of(record::take_received(body));
            if (message.frame) post(header.other, std::move(message));
            return;
        }
        case record::EventKind::NeighbourWanted:
        case record::EventKind::NeighbourAnswer: {
            const record::Neighbour neighbour = event.neighbour();
            std::array<std::uint8_t, 16> address;
            std::copy(std::begin(neighbour.address), std::end(neighbour.address), address.begin());
            stack::Message message;
            message.kind = event.kind() == record::EventKind::NeighbourWanted
                               ? stack::Message::Kind::NeighbourWanted
                               : stack::Message::Kind::NeighbourAnswer;
            message.port = header.port;
            message.address = wire::IpAddress::v6(address);
            std::copy(std::begin(neighbour.mac), std::end(neighbour.mac), message.mac.bytes.begin());
            post(header.other, std::move(message));
            return;
        }
        case record::EventKind::Command: {
            const auto kind = static_cast<record::CommandKind>(header.detail);
            if (!group_.mailbox(self_).post(settings_.command(kind, event.argument()))) ran_out_ = true;
            return;
        }
    }
}

packet::Buffer Repetition::frame_of(const record::ReceivedFrame& frame) {
    packet::FrameAssembly assembly(settings_.pool, frame.is_verified);
    base::Bytes rest = frame.bytes;
    for (std::size_t i = 0; i < frame.segment_count(); ++i) {
        const record::SegmentHeader segment = frame.segment(i);
        if (!assembly.add(segment.offset, rest.first(segment.length))) {
            ran_out_ = true;
            return {};
        }
        rest = rest.subspan(segment.length);
    }
    return assembly.finish();
}

void Repetition::post(std::uint16_t from, stack::Message&& message) {
    if (!mesh_.messages(from, self_).try_push(std::move(message))) ran_out_ = true;
}

void Repetition::turn(base::Instant now, std::uint32_t free_buffers) {
    worker_->run_once(now, free_buffers);
    discard_answers();
}

// The other workers and the control thread are not here; what they answered is in the recording.
void Repetition::discard_answers() {
    while (group_.mailbox(self_).poll()) {
    }
    for (std::uint16_t other = 0; other < settings_.workers; ++other) {
        while (other != self_ && mesh_.messages(self_, other).try_pop()) {
        }
    }
}

std::uint16_t Repetition::offered(std::uint16_t port, packet::Batch& frames) {
    for (std::uint16_t i = 0; i < frames.size(); ++i)
        sent_[port].push_back(bytes_of_frame(frames.peek(i)));
    if (divergence_) return frames.size();
    if (expected_.empty() || expected_.front().header.port != port ||
        expected_.front().header.other != frames.size()) {
        diverge(port);
        return frames.size();
    }
    const record::Event event = expected_.front();
    base::Bytes body = event.body;
    const std::size_t first = sent_[port].size() - frames.size();
    for (std::uint16_t i = 0; i < event.header.count; ++i) {
        const base::Bytes then = record::take_sent(body);
        const std::vector<std::uint8_t>& now = sent_[port][first + i];
        if (!std::equal(then.begin(), then.end(), now.begin(), now.end())) {
            diverge(port);
            return frames.size();
        }
        ++counters_.sent;
    }
    sent_[port].resize(first + event.header.count);  // what was not taken is offered again
    expected_.pop_front();
    return event.header.count;
}

void Repetition::diverge(std::uint16_t port) {
    divergence_ = Divergence{.worker = self_,
                             .turn = counters_.turns,
                             .now = base::instant_from_ns(turn_.header.now),
                             .port = port,
                             .recorded = {},
                             .repeated = {}};
    base::Bytes events = turn_.events;
    while (!events.empty()) {
        const auto event = record::take_event(events, 0);
        if (event.value()->kind() != record::EventKind::Sent || event.value()->header.port != port) continue;
        base::Bytes body = event.value()->body;
        for (std::uint16_t i = 0; i < event.value()->header.count; ++i) {
            const base::Bytes frame = record::take_sent(body);
            divergence_->recorded.emplace_back(frame.begin(), frame.end());
        }
    }
}

}  // namespace terminus::worker
