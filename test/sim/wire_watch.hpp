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
    /// The same of `count` streams from `pattern` on whose senders are not known beforehand: their first
    /// eight bytes name them (Stream).
    void announce(std::uint64_t pattern, std::uint64_t count, std::uint32_t length) {
        announced_[pattern] = {count, length};
    }
    /// What goes this way is a hostile peer's: it is taken note of, whatever it is, and only what answers it
    /// is judged. Its windows count by a scale of `scale_min` at least: of a connection that a SYN cookie
    /// opened the peer's timestamp says the scale.
    void distrust(sim::Direction direction, std::uint8_t scale_min) {
        distrusted_ = direction;
        scale_min_ = scale_min;
    }
    /// Bytes of text that `from` has sent to `to` since the SYN with this number, each as often as it was
    /// sent.
    [[nodiscard]] std::uint64_t text_sent(const wire::Endpoint& from, const wire::Endpoint& to,
                                          wire::SeqNum iss) const;
    /// Every segment on standard output, for whoever looks for a fault.
    void set_tracing(bool traces) { traces_ = traces; }
    [[nodiscard]] std::uint64_t segments() const { return segments_; }

    // ---- sim::LinkObserver

    void sent(sim::Direction direction, const packet::Buffer& frame, base::Instant now) override;

 private:
    /// Of a stream of which it is not known yet.
    static constexpr std::uint32_t kLengthMax = 1u << 30;

    struct Announced {
        std::uint64_t count = 0;
        std::uint32_t length = 0;
    };

    /// The numbers that one SYN began. A 4-tuple may have several: cookies, or an answer to a SYN that came
    /// late.
    struct Birth {
        wire::SeqNum iss;
        wire::SeqNum end;                  ///< of what was sent
        std::optional<wire::SeqNum> edge;  ///< right edge of the window that the other side offered
        std::uint64_t text = 0;            ///< bytes, repetitions included
    };
    /// One direction of a connection.
    struct Way {
        std::optional<Stream> stream;
        std::uint32_t length = kLengthMax;
        std::vector<Birth> births;
        bool is_trusted = true;
        std::uint16_t mss = 0;  ///< offered to the other side
        std::optional<std::uint8_t> scale;

        /// The life that a segment of this side is of. It may leave a gap: what found no buffer was never
        /// seen here.
        [[nodiscard]] Birth* life_of(wire::SeqNum seq);
        /// The life of which an ACK of the other side acknowledges what was seen here.
        [[nodiscard]] Birth* acknowledged_by(wire::SeqNum ack);
    };
    void check(const wire::TcpSegment& segment, base::Bytes payload);
    void note(const wire::TcpSegment& segment);
    void begin(Way& way, const wire::TcpSegment& segment, bool is_trusted);
    void learn(Way& way, std::uint32_t place, base::Bytes payload);
    void check_text(Way& way, const Way& back, const Birth& life, const wire::TcpSegment& segment,
                    base::Bytes payload);
    void check_ack(const Way& way, Way& back, const wire::TcpSegment& segment);
    void fail(const std::string& what);
    void trace(sim::Direction direction, const wire::TcpSegment& segment, base::Instant now);

    Verdict& verdict_;
    std::optional<sim::Direction> distrusted_;
    std::uint8_t scale_min_ = 0;
    std::map<std::uint64_t, Announced> announced_;  // by the first of their patterns
    bool traces_ = false;
    std::uint64_t segments_ = 0;
    std::vector<std::uint8_t> bytes_;  // of the frame that is looked at
    std::map<std::pair<wire::Endpoint, wire::Endpoint>, Way> ways_;
    wire::FourTuple named_;  // of the segment that is looked at
};

}  // namespace terminus::simulation
