#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "base/time.hpp"
#include "capture/numbers.hpp"
#include "wire/tcp.hpp"

namespace terminus::capture {

/// What a played client knows of Terminus's end by the segments that it was sent. Nothing gets lost between
/// them, so what was sent was heard.
class HeardEnd {
 public:
    /// A segment, and the client's own numbers so far.
    void heard(const wire::TcpSegment& segment, const Numbers& client, base::Instant now);

    /// There was a SYN-ACK. Without, there are no numbers.
    [[nodiscard]] bool has_answered() const { return syn_ack_.has_value(); }
    [[nodiscard]] const wire::TcpSegment& syn_ack() const { return *syn_ack_; }
    [[nodiscard]] wire::SeqNum isn() const { return numbers_.isn; }
    /// The number that all sent so far lies before.
    [[nodiscard]] std::uint64_t highest() const { return numbers_.highest; }
    /// When the first segment came, and the last one with something new.
    [[nodiscard]] base::Instant answered_at() const { return answered_at_; }
    [[nodiscard]] base::Instant last_new_at() const { return last_new_at_; }
    /// When all before `number` had been sent, which it was.
    [[nodiscard]] base::Instant sent_at(std::uint64_t number) const;
    /// When the byte with this number was sent again, the last time; of one that was forgotten, the
    /// beginning.
    [[nodiscard]] std::optional<base::Instant> again_at(std::uint64_t number) const;
    /// TSval of the segment that had this number: of the last one, if it was sent again and `after_loss`.
    [[nodiscard]] std::uint32_t timestamp_at(std::uint64_t number, bool after_loss) const;
    /// The client's number that the window ends before; nothing before the SYN-ACK.
    [[nodiscard]] std::optional<std::uint64_t> window_edge() const { return edge_; }
    void scale_windows_by(std::uint8_t shift) { shift_ = shift; }
    /// What lies before `number` isn't asked for any more.
    void forget_before(std::uint64_t number);

 private:
    /// One segment's numbers: from the end of the one before to before `end`.
    struct Sent {
        std::uint64_t end = 0;
        base::Instant at{};
        std::uint32_t timestamp = 0;
        std::optional<base::Instant> again_at;
        std::uint32_t again_timestamp = 0;
    };
    [[nodiscard]] const Sent* find(std::uint64_t number) const;
    void note_sent(const wire::TcpSegment& segment, std::uint64_t begin, base::Instant now);

    Numbers numbers_;
    std::optional<wire::TcpSegment> syn_ack_;
    std::deque<Sent> sent_;
    std::uint64_t forgotten_ = 0;
    base::Instant answered_at_{};
    base::Instant last_new_at_{};
    std::uint32_t last_timestamp_ = 0;
    std::optional<std::uint64_t> edge_;
    std::uint8_t shift_ = 0;
};

}  // namespace terminus::capture
