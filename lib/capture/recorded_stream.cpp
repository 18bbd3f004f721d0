#include "capture/recorded_stream.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace terminus::capture {

RecordedStream::RecordedStream(std::vector<Piece> pieces, std::uint64_t length) : length_(length) {
    std::stable_sort(pieces.begin(), pieces.end(),
                     [](const Piece& a, const Piece& b) { return a.begin < b.begin; });
    std::uint64_t end = 0;
    std::uint64_t held = 0;
    for (Piece piece : pieces) {
        const std::uint64_t known =
            std::min<std::uint64_t>(piece.bytes.size(), end - std::min(end, piece.begin));
        piece.bytes = piece.bytes.subspan(known);
        piece.begin += known;
        if (piece.begin >= length || piece.bytes.empty()) continue;
        piece.bytes = piece.bytes.first(std::min<std::uint64_t>(piece.bytes.size(), length - piece.begin));
        end = piece.begin + piece.bytes.size();
        held += piece.bytes.size();
        pieces_.push_back(piece);
    }
    filled_ = length - held;
}

void RecordedStream::read(std::uint64_t offset, base::MutableBytes out) const {
    TERMINUS_ASSERT(offset <= length_ && out.size() <= length_ - offset, "the caller knows length()");
    std::fill(out.begin(), out.end(), kFillByte);
    auto piece = std::upper_bound(pieces_.begin(), pieces_.end(), offset,
                                  [](std::uint64_t at, const Piece& later) { return at < later.begin; });
    if (piece != pieces_.begin()) --piece;
    for (; piece != pieces_.end() && piece->begin < offset + out.size(); ++piece) {
        const std::uint64_t end = piece->begin + piece->bytes.size();
        const std::uint64_t from = std::max(offset, piece->begin), to = std::min(offset + out.size(), end);
        if (from >= to) continue;
        const base::Bytes part = piece->bytes.subspan(from - piece->begin, to - from);
        std::copy(part.begin(), part.end(), out.begin() + static_cast<std::ptrdiff_t>(from - offset));
    }
}

}  // namespace terminus::capture
