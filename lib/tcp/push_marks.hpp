#pragma once

#include <algorithm>
#include <cstdint>

#include "wire/seq.hpp"

namespace terminus::tcp {

/// Where what the application wrote ends, and how far small text has gone: what PSH, Nagle's algorithm and
/// the cork go by (RFC 9293 3.9.1.2, 3.7.4).
struct PushMarks {
    wire::SeqNum written;    ///< end of the last write that no more was announced behind
    wire::SeqNum pushed;     ///< end of the last segment that was sent with PSH
    wire::SeqNum small;      ///< end of the last segment of new text that wasn't full (Minshall)
    wire::SeqNum unchecked;  ///< text that ends here is held back by nothing but windows
    wire::SeqNum with_syn;   ///< end of the text that went with our SYN: sent again it isn't small
    bool more = false;       ///< the last write announced more; until the next write or arrival
    bool records = false;    ///< some write was to end a segment
    bool corked = false;     ///< nothing but full segments until it is taken off

    /// Nothing is written yet; the first byte will be `first`.
    void begin(wire::SeqNum first) { written = pushed = small = unchecked = with_syn = first; }
    /// New text up to `end` went out, in a full segment or a small one.
    void sent(wire::SeqNum end, bool is_full) {
        if (!is_full && end != with_syn) small = end;
    }
    /// Whether a small segment is among [una, nxt). The mark stays where it is, and may be 2 GiB behind.
    [[nodiscard]] bool is_small_one_out(wire::SeqNum una, wire::SeqNum nxt) const {
        return small.after(una) && small.at_or_before(nxt);
    }
    /// Whether a segment of new text that ends at `end` has PSH: at the end of a write, and where otherwise
    /// half of the largest window `window_max` would go without (Linux's forced_push(), by its buffers: full
    /// segments, up to half the window and to 64 KiB).
    [[nodiscard]] bool wants_push(wire::SeqNum end, std::uint32_t window_max, std::uint16_t mss) const {
        return end == written || wants_push(end, unpushed_max(window_max, mss));
    }
    /// The same for who asks for many: `most` is unpushed_max(), which divides.
    [[nodiscard]] bool wants_push(wire::SeqNum end, std::uint32_t most) const {
        return end == written || end - pushed >= most;
    }
    /// Bytes that may go without PSH before wants_push() wants one.
    [[nodiscard]] static std::uint32_t unpushed_max(std::uint32_t window_max, std::uint16_t mss) {
        const std::uint32_t half = window_max / 2;
        const std::uint32_t buffer = std::max(std::min(half, kBufferMax) / mss, 1u) * mss;
        return buffer * (half / buffer + 1);
    }

 private:
    static constexpr std::uint32_t kBufferMax = UINT16_MAX;
};

}  // namespace terminus::tcp
