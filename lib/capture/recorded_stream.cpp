#include "capture/recorded_stream.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"

namespace terminus::capture {

namespace {

using Piece = RecordedStream::Piece;
using Pieces = std::vector<Piece>;

/// The part of a piece from `begin` to before `end`, which may be none.
Piece part(const Piece& piece, std::uint64_t begin, std::uint64_t end) {
    const std::uint64_t from = std::max(begin, piece.begin);
    const std::uint64_t to = std::min(end, piece.begin + piece.bytes.size());
    if (from >= to) return {from, {}};
    return {from, piece.bytes.subspan(from - piece.begin, to - from)};
}

/// In order, and each byte once.
Pieces disjoint(Pieces pieces, std::uint64_t length) {
    std::stable_sort(pieces.begin(), pieces.end(),
                     [](const Piece& a, const Piece& b) { return a.begin < b.begin; });
    Pieces kept;
    std::uint64_t end = 0;
    for (const Piece& piece : pieces) {
        const Piece rest = part(piece, end, length);
        if (rest.bytes.empty()) continue;
        kept.push_back(rest);
        end = rest.begin + rest.bytes.size();
    }
    return kept;
}

/// What `others` have where `pieces` have nothing; both disjoint and in order.
Pieces between(const Pieces& pieces, const Pieces& others) {
    Pieces found;
    auto other = others.begin();
    std::uint64_t begin = 0;
    const auto fill_to = [&](std::uint64_t end) {
        while (other != others.end() && other->begin < end) {
            const Piece inside = part(*other, begin, end);
            if (!inside.bytes.empty()) found.push_back(inside);
            if (other->begin + other->bytes.size() > end) break;  // it goes on behind the next one
            ++other;
        }
    };
    for (const Piece& piece : pieces) {
        fill_to(piece.begin);
        begin = piece.begin + piece.bytes.size();
    }
    fill_to(UINT64_MAX);
    return found;
}

}  // namespace

RecordedStream::RecordedStream(std::vector<Piece> pieces, std::vector<Piece> doubtful, std::uint64_t length)
    : pieces_(disjoint(std::move(pieces), length)), length_(length), filled_(length) {
    const Pieces more = between(pieces_, disjoint(std::move(doubtful), length));
    pieces_.insert(pieces_.end(), more.begin(), more.end());
    pieces_ = disjoint(std::move(pieces_), length);
    for (const Piece& piece : pieces_)
        filled_ -= piece.bytes.size();
}

void RecordedStream::read(std::uint64_t offset, base::MutableBytes out) const {
    TERMINUS_ASSERT(offset <= length_ && out.size() <= length_ - offset, "the caller knows length()");
    std::fill(out.begin(), out.end(), kFillByte);
    auto piece = std::upper_bound(pieces_.begin(), pieces_.end(), offset,
                                  [](std::uint64_t at, const Piece& later) { return at < later.begin; });
    if (piece != pieces_.begin()) --piece;
    for (; piece != pieces_.end() && piece->begin < offset + out.size(); ++piece) {
        const Piece wanted = part(*piece, offset, offset + out.size());
        std::copy(wanted.bytes.begin(), wanted.bytes.end(),
                  out.begin() + static_cast<std::ptrdiff_t>(wanted.begin - offset));
    }
}

}  // namespace terminus::capture
