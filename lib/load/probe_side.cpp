#include "load/probe_side.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "load/pattern.hpp"

namespace terminus::load {
namespace {

/// Probes that one turn looks at for time-outs.
constexpr std::uint32_t kProbesATurn = 8;

AddressMap map_of(const SideSettings& side) {
    return {side.local, side.local_ports, side.remote, side.remote_ports};
}

}  // namespace

ProbeSide::ProbeSide(const ProbeSettings& settings)
    : settings_(settings),
      map_(map_of(settings.side)),
      reader_(settings.side),
      writer_(settings.side),
      neighbours_(settings.side),
      probes_(std::min(settings.concurrency, map_.size())),
      free_(static_cast<std::uint32_t>(probes_.size())) {
    TERMINUS_ASSERT(settings.side.next_hop.has_value(), "who speaks first knows to whom");
    TERMINUS_ASSERT(!probes_.empty(), "whoever reads the command line has checked it");
    for (std::uint32_t index = 0; index < probes_.size(); ++index)
        free_.push(index);
}

void ProbeSide::receive(packet::Batch& frames, base::Instant now) {
    now_ = now;
    for (std::uint16_t i = 0; i < frames.size(); ++i) {
        ++numbers_.frames_received;
        numbers_.bytes_received += frames.frame_length(i);
        arrives(frames.take(i));
    }
    frames.clear();
}

void ProbeSide::arrives(const packet::Buffer& frame) {
    Segment segment;
    const Reading reading = reader_.read(frame, segment);
    if (reading == Reading::Neighbour) {
        if (!neighbours_.receive(frame)) ++numbers_.frames_ignored;
        if (neighbours_.peer()) writer_.set_peer(*neighbours_.peer());
        return;
    }
    if (reading != Reading::Tcp) return count_unread(reading, numbers_);
    const std::uint32_t index = map_.index_of(segment.tuple);
    if (index >= probes_.size()) {
        numbers_.fail(Failure::NoConnection);
        return;
    }
    Probe& probe = probes_[index];
    if (!probe.is_open || segment.seq.value() != probe.seq) {
        ++numbers_.duplicates;
        return;
    }
    if (!is_text(segment.text, static_cast<std::uint8_t>(probe.seq))) numbers_.fail(Failure::WrongText);
    probe.is_open = false;
    --numbers_.open;
    ++numbers_.responses;
    numbers_.text_received += segment.text.size();
    latency_.record(static_cast<std::uint64_t>((now_ - probe.intended).count()));
    free_.push(index);
}

void ProbeSide::run(base::Instant now, packet::Batch& out) {
    now_ = now;
    expire();
    neighbours_.run(now, out);
    if (is_stopping_ || !neighbours_.peer()) return;
    if (settings_.rate > 0 && !schedule_) schedule_.emplace(settings_.rate, now);
    while (!out.full() && !free_.empty() && (settings_.count == 0 || sent_ < settings_.count)) {
        base::Instant intended = now;
        if (schedule_) {
            if (schedule_->due() > now) return;
            intended = schedule_->due();
            schedule_->advance();
        }
        send(intended, out);
    }
}

void ProbeSide::send(base::Instant intended, packet::Batch& out) {
    const std::uint32_t index = free_.pop();
    Probe& probe = probes_[index];
    ++sent_;
    ++probe.seq;
    probe.is_open = true;
    probe.intended = intended;
    probe.sent = now_;
    ++numbers_.open;
    Outgoing outgoing;
    outgoing.tuple = map_.tuple_of(index);
    outgoing.seq = wire::SeqNum(probe.seq);
    outgoing.flags = wire::TcpFlags::kAck;
    outgoing.text_length = settings_.text_bytes;
    packet::Buffer frame = writer_.write(Shape::PlainText, outgoing);
    if (!frame) {
        numbers_.fail(Failure::NoBuffer);  // its time will run out
        return;
    }
    ++numbers_.frames_sent;
    numbers_.bytes_sent += frame.length();
    out.push_back(std::move(frame));
}

void ProbeSide::expire() {
    const auto count = static_cast<std::uint32_t>(probes_.size());
    for (std::uint32_t i = 0; i < std::min(kProbesATurn, count); ++i) {
        Probe& probe = probes_[swept_];
        if (probe.is_open && now_ - probe.sent >= settings_.side.resend_after) {
            probe.is_open = false;
            --numbers_.open;
            numbers_.fail(Failure::ResponseTimeout);
            free_.push(swept_);
        }
        swept_ = swept_ + 1 == count ? 0 : swept_ + 1;
    }
}

void ProbeSide::give_up() {
    for (std::uint64_t i = numbers_.open; i > 0; --i)
        numbers_.fail(Failure::Unfinished);
}

}  // namespace terminus::load
