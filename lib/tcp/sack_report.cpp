#include "tcp/sack_report.hpp"

#include <algorithm>

namespace terminus::tcp {

// RFC 2018 4: the first block is the one with the segment that triggered the ACK, then the most recently
// reported ones that are no part of it.
void SackReport::held(Range run) {
    std::array<Range, wire::TcpOptions::kSackBlocksMax> before = recent_;
    const std::uint8_t count = count_;
    recent_[0] = run;
    count_ = 1;
    for (std::uint8_t i = 0; i < count && count_ < recent_.size(); ++i) {
        const bool inside = run.begin.at_or_before(before[i].begin) && before[i].end.at_or_before(run.end);
        if (!inside) recent_[count_++] = before[i];
    }
}

void SackReport::advanced(wire::SeqNum nxt) {
    const auto end = std::remove_if(recent_.begin(), recent_.begin() + count_,
                                    [&](const Range& range) { return range.begin.at_or_before(nxt); });
    count_ = static_cast<std::uint8_t>(end - recent_.begin());
}

void SackReport::dropped(Range run) {
    const auto end = std::remove_if(recent_.begin(), recent_.begin() + count_,
                                    [&](const Range& range) { return range.begin == run.begin; });
    count_ = static_cast<std::uint8_t>(end - recent_.begin());
}

std::uint8_t SackReport::block_count(std::size_t most) const {
    return static_cast<std::uint8_t>(std::min<std::size_t>(most, count_ + (duplicate_.empty() ? 0u : 1u)));
}

void SackReport::take(wire::TcpOptions& options, std::size_t most) {
    options.sack_count = 0;
    if (most == 0) return;
    // RFC 2883 4: the duplicate comes first, and is reported only once.
    if (!duplicate_.empty()) options.sack[options.sack_count++] = {duplicate_.begin, duplicate_.end};
    duplicate_ = {};
    for (std::uint8_t i = 0; i < count_ && options.sack_count < most; ++i)
        options.sack[options.sack_count++] = {recent_[i].begin, recent_[i].end};
}

}  // namespace terminus::tcp
