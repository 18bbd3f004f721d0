#include "replay/stream_check.hpp"

#include <algorithm>
#include <array>

namespace terminus::replay {

void StreamCheck::take(std::uint64_t offset, base::Bytes bytes) {
    if (offset > reached_ && !difference_) difference_ = reached_;
    if (offset < reached_)
        bytes =
            bytes.subspan(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), reached_ - offset)));
    offset = std::max(offset, reached_);
    std::array<std::uint8_t, 1024> recorded;
    while (!bytes.empty()) {
        const std::uint64_t left = recorded_->length() - std::min(recorded_->length(), offset);
        const std::size_t compared =
            static_cast<std::size_t>(std::min<std::uint64_t>({bytes.size(), left, recorded.size()}));
        if (compared == 0) {
            if (!difference_) difference_ = offset;
            return;
        }
        recorded_->read(offset, base::MutableBytes(recorded).first(compared));
        const auto differs = std::mismatch(
            bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(compared), recorded.begin());
        const auto same = static_cast<std::size_t>(differs.first - bytes.begin());
        if (same < compared && !difference_) difference_ = offset + same;
        bytes = bytes.subspan(compared);
        offset += compared;
        reached_ = offset;
    }
}

}  // namespace terminus::replay
