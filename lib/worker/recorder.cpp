#include "worker/recorder.hpp"

#include <algorithm>
#include <type_traits>

#include "packet/frame_layout.hpp"

namespace terminus::worker {

using record::bytes_of;

void Recorder::begin_turn(base::Instant now, std::uint32_t free_buffers) {
    turn_at_ = ring_.mark();
    turn_ = {.now = now.time_since_epoch().count(), .idle = idle_, .free_buffers = free_buffers};
    has_room_ = gave_up_at() == 0;
    put(bytes_of(turn_));
}

void Recorder::end_turn(bool is_kept) {
    if (!is_kept) {
        ring_.cut(turn_at_);
        idle_ = turn_.now;
        return;
    }
    ++turns_;
    idle_ = 0;
    if (!has_room_) {
        ring_.cut(turn_at_);
        if (gave_up_at() == 0) gave_up_at_.store(turns_, std::memory_order_release);
        return;
    }
    turn_.length = static_cast<std::uint32_t>(ring_.mark() - turn_at_ - sizeof turn_);
    ring_.overwrite(turn_at_, bytes_of(turn_));
    ring_.commit();
}

void Recorder::received(std::uint16_t port, const packet::Batch& burst) {
    put(bytes_of(record::EventHeader{.kind = static_cast<std::uint8_t>(record::EventKind::Received),
                                     .port = port,
                                     .count = burst.size()}));
    for (std::uint16_t i = 0; i < burst.size(); ++i)
        put_received(burst.peek(i));
}

void Recorder::offered(std::uint16_t port, const packet::Batch& burst) {
    offer_at_ = ring_.mark();
    offer_ = {
        .kind = static_cast<std::uint8_t>(record::EventKind::Sent), .port = port, .other = burst.size()};
    put(bytes_of(offer_));
    frame_ends_[0] = ring_.mark();
    for (std::uint16_t i = 0; i < burst.size(); ++i) {
        const rte_mbuf* const frame = burst.peek(i);
        put(bytes_of(record::SentHeader{packet::frame_length(frame)}));
        packet::for_each_sent_segment(frame, [this](std::uint16_t, base::Bytes bytes) { put(bytes); });
        frame_ends_[i + 1] = ring_.mark();
    }
}

void Recorder::taken(std::uint16_t count) {
    if (!has_room_) return;
    offer_.count = count;
    ring_.overwrite(offer_at_, bytes_of(offer_));
    ring_.cut(frame_ends_[count]);
}

void Recorder::message(std::uint16_t from, const stack::Message& message) {
    switch (message.kind) {
        case stack::Message::Kind::None:
            break;
        case stack::Message::Kind::Frame:
            put(bytes_of(record::EventHeader{.kind = static_cast<std::uint8_t>(record::EventKind::HandedOver),
                                             .port = message.port,
                                             .other = from,
                                             .count = 1}));
            put_received(message.frame.get());
            break;
        case stack::Message::Kind::NeighbourWanted:
            put_neighbour(record::EventKind::NeighbourWanted, from, message);
            break;
        case stack::Message::Kind::NeighbourAnswer:
            put_neighbour(record::EventKind::NeighbourAnswer, from, message);
            break;
    }
}

void Recorder::command(const Command& command) {
    const auto write = [this](record::CommandKind kind, std::uint64_t argument) {
        put(bytes_of(record::EventHeader{.kind = static_cast<std::uint8_t>(record::EventKind::Command),
                                         .detail = static_cast<std::uint8_t>(kind)}));
        put(bytes_of(argument));
    };
    if (const auto* tunables = std::get_if<SetTunables>(&command))
        write(record::CommandKind::SetTunables, tunables->revision);
    if (const auto* services = std::get_if<SetServices>(&command))
        write(record::CommandKind::SetServices, services->table->version());
    if (const auto* draining = std::get_if<SetDraining>(&command))
        write(record::CommandKind::SetDraining, draining->draining ? 1 : 0);
    if (const auto* abort = std::get_if<AbortAll>(&command))
        write(record::CommandKind::AbortAll, static_cast<std::uint64_t>(abort->reason));
    if (std::holds_alternative<Stop>(command)) write(record::CommandKind::Stop, 0);
}

void Recorder::put_received(const rte_mbuf* frame) {
    put(bytes_of(record::ReceivedHeader{.segments = packet::segment_count(frame),
                                        .is_verified = packet::is_verified(frame),
                                        .length = packet::frame_length(frame)}));
    packet::for_each_segment(frame, [this](std::uint16_t offset, base::Bytes bytes) {
        put(bytes_of(record::SegmentHeader{offset, static_cast<std::uint16_t>(bytes.size())}));
    });
    packet::for_each_segment(frame, [this](std::uint16_t, base::Bytes bytes) { put(bytes); });
}

void Recorder::put_neighbour(record::EventKind kind, std::uint16_t from, const stack::Message& message) {
    put(bytes_of(record::EventHeader{
        .kind = static_cast<std::uint8_t>(kind), .port = message.port, .other = from, .count = 1}));
    record::Neighbour neighbour;
    std::copy(message.mac.bytes.begin(), message.mac.bytes.end(), neighbour.mac);
    std::copy(message.address.bytes().begin(), message.address.bytes().end(), neighbour.address);
    put(bytes_of(neighbour));
}

}  // namespace terminus::worker
