#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "packet/slice.hpp"
#include "sim/link.hpp"
#include "stream.hpp"
#include "verdict.hpp"
#include "wire/address.hpp"
#include "wire/frame.hpp"
#include "wire/tcp.hpp"

namespace terminus::simulation {

/// Reads all that machines send, as a capture on the wire would, and holds it against what was agreed on: the
/// stream's own bytes at their numbers, also when they come again, windows, MSS, acknowledgements of what was
/// sent only.
class WireWatch final : public sim::LinkObserver {
 public:
    explicit WireWatch(Verdict& verdict) : verdict_(verdict) {}

    /// The stream that `from` sends to `to`.
    void expect(const wire::Endpoint& from, const wire::Endpoint& to, std::uint64_t pattern,
                std::uint32_t length) {
        ways_[{from, to}].stream.emplace(pattern);
        ways_[{from, to}].length = length;
    }
    /// Every segment on standard output, for whoever looks for a fault.
    void set_tracing(bool traces) { traces_ = traces; }
    [[nodiscard]] std::uint64_t segments() const { return segments_; }

    // ---- sim::LinkObserver

    void sent(sim::Direction direction, const packet::Buffer& frame, base::Instant now) override;

 private:
    /// The numbers that one SYN began. A 4-tuple may have several: cookies, or an answer to a SYN that came
    /// late.
    struct Birth {
        wire::SeqNum iss;
        wire::SeqNum end;                  ///< of what was sent
        std::optional<wire::SeqNum> edge;  ///< right edge of the window that the other side offered
    };
    /// One direction of a connection.
    struct Way {
        std::optional<Stream> stream;
        std::uint32_t length = 0;
        std::vector<Birth> births;
        std::uint16_t mss = 0;  ///< offered to the other side
        std::optional<std::uint8_t> scale;

        /// The life that a segment of this side is of. It may leave a gap: what found no buffer was never
        /// seen here.
        [[nodiscard]] Birth* life_of(wire::SeqNum seq);
        /// The life of which an ACK of the other side acknowledges what was seen here.
        [[nodiscard]] Birth* acknowledged_by(wire::SeqNum ack);
    };
    void check(const wire::TcpSegment& segment, base::Bytes payload);
    void begin(Way& way, const wire::TcpSegment& segment);
    void check_text(const Way& way, const Way& back, const Birth& life, const wire::TcpSegment& segment,
                    base::Bytes payload);
    void check_ack(const Way& way, Way& back, const wire::TcpSegment& segment);
    void fail(const std::string& what);
    void trace(sim::Direction direction, const wire::TcpSegment& segment, base::Instant now);

    Verdict& verdict_;
    bool traces_ = false;
    std::uint64_t segments_ = 0;
    std::vector<std::uint8_t> bytes_;  // of the frame that is looked at
    std::map<std::pair<wire::Endpoint, wire::Endpoint>, Way> ways_;
    wire::FourTuple named_;  // of the segment that is looked at
};

}  // namespace terminus::simulation
