#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "capture/recorded_stream.hpp"

namespace terminus::replay {

/// Holds a stream that came against the recorded one.
class StreamCheck {
 public:
    /// `recorded` outlives this.
    explicit StreamCheck(const capture::RecordedStream& recorded) : recorded_(&recorded) {}

    /// `bytes` from `offset` on. What came before is passed over; a gap is a difference.
    void take(std::uint64_t offset, base::Bytes bytes);

    /// Bytes that came in order.
    [[nodiscard]] std::uint64_t reached() const { return reached_; }
    /// The first byte that was not as recorded, or that the capture hasn't.
    [[nodiscard]] std::optional<std::uint64_t> difference() const { return difference_; }
    /// All of it came, as recorded, and nothing else.
    [[nodiscard]] bool is_whole() const { return reached_ == recorded_->length() && !difference_; }

 private:
    const capture::RecordedStream* recorded_;
    std::uint64_t reached_ = 0;
    std::optional<std::uint64_t> difference_;
};

}  // namespace terminus::replay
