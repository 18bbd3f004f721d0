#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"

namespace terminus::capture {

/// What stands for bytes that the capture hasn't.
inline constexpr std::uint8_t kFillByte = 0xf5;

/// The bytes that one end of a recorded connection sent, each once and in order, as views into
/// RecordedConversations.
class RecordedStream {
 public:
    struct Piece {
        std::uint64_t begin = 0;
        base::Bytes bytes;
    };

    RecordedStream() = default;
    /// `pieces` in any order, those that overlap too: of two the one that begins first counts. `doubtful`
    /// ones only where there are no others.
    RecordedStream(std::vector<Piece> pieces, std::vector<Piece> doubtful, std::uint64_t length);

    [[nodiscard]] std::uint64_t length() const { return length_; }
    /// Bytes that no piece has.
    [[nodiscard]] std::uint64_t filled() const { return filled_; }
    /// `out` lies within the stream from `offset` on; what no piece has is kFillByte.
    void read(std::uint64_t offset, base::MutableBytes out) const;

 private:
    std::vector<Piece> pieces_;  // ascending, disjoint
    std::uint64_t length_ = 0;
    std::uint64_t filled_ = 0;
};

}  // namespace terminus::capture
