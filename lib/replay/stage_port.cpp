#include "replay/stage_port.hpp"

#include <utility>

#include "sim/frame_copy.hpp"

namespace terminus::replay {

StagePort::StagePort(Stage& stage, std::uint16_t index, capture::FilePort& files, rte_mempool* pool,
                     std::optional<capture::Writer> played)
    : Port(files.capabilities(), files.mac(), files.mtu()),
      stage_(stage),
      index_(index),
      files_(files),
      pool_(pool),
      played_(std::move(played)) {}

void StagePort::set_time(base::Instant now) {
    now_ = now;
    files_.set_time(now);
}

void StagePort::receive(packet::Batch& into) {
    while (!into.full()) {
        const std::optional<base::Bytes> frame = stage_.receive(index_, now_);
        if (!frame) return;
        packet::Buffer buffer = sim::copy_bytes(*frame, pool_, 0);
        if (!buffer) {
            ++counters_.no_buffer;
            continue;
        }
        ++counters_.received;
        counters_.received_bytes += frame->size();
        if (played_) {
            played_->begin(stage_.cast().timeline().stamp(now_), static_cast<std::uint32_t>(frame->size()));
            played_->add(*frame);
        }
        into.push_back(std::move(buffer));
    }
}

void StagePort::transmit(packet::Batch& frames) {
    for (std::uint16_t i = 0; i < frames.size(); ++i) {
        packet::Buffer lent(frames.peek(i));
        stage_.sent(lent, index_, now_);
        static_cast<void>(lent.release());  // the batch's still
    }
    files_.transmit(frames);
}

base::Result<void, std::string> StagePort::close() {
    if (!played_) return {};
    return played_->close();
}

}  // namespace terminus::replay
