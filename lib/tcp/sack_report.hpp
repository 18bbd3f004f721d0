#pragma once

#include <array>
#include <cstdint>

#include "packet/out_of_order.hpp"
#include "wire/tcp.hpp"

namespace terminus::tcp {

/// What a receiver's SACK options say (RFC 2018 4, RFC 2883 4): the runs held out of order, the most recently
/// touched first, and before them once what arrived twice. At most four are remembered; of a fifth the sender
/// learns again when something is added to it.
class SackReport {
 public:
    using Range = packet::OutOfOrder::Range;

    /// A segment was added to the out-of-order queue and lies in `run` now.
    void held(Range run);
    /// `range` arrived again: reported with the next segment, and only with that.
    void duplicate(Range range) { duplicate_ = range; }
    /// Everything before `nxt` is in order; no run reaches back to it.
    void advanced(wire::SeqNum nxt);
    /// The out-of-order queue gave `run` up.
    void dropped(Range run);
    void clear() { *this = SackReport(); }

    [[nodiscard]] bool empty() const { return count_ == 0 && duplicate_.empty(); }
    /// Blocks that the next segment carries, of `most`.
    [[nodiscard]] std::uint8_t block_count(std::size_t most) const;
    /// Writes the blocks, at most `most`; a duplicate is thereby reported.
    void take(wire::TcpOptions& options, std::size_t most);

 private:
    std::uint8_t count_ = 0;
    Range duplicate_{};
    std::array<Range, wire::TcpOptions::kSackBlocksMax> recent_{};
};

}  // namespace terminus::tcp
