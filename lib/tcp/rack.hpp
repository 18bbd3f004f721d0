#pragma once

#include <cstdint>

#include "base/time.hpp"
#include "wire/seq.hpp"

namespace terminus::tcp {

/// RFC 8985's view of time: what was sent before something that has arrived since, and long enough before, is
/// lost. The records are the caller's; this keeps the newest delivery and how much reordering the path shows.
class Rack {
 public:
    /// The connection is established: nothing is known.
    void begin(wire::SeqNum una) {
        end_ = forward_ack_ = highest_ = reordered_from_ = dsack_round_end_ = una;
    }

    /// Step 2: [.., end) was delivered, last sent at `sent_at`. The caller has sorted out deliveries of which
    /// it can't be said which copy arrived.
    void delivered(base::Instant sent_at, wire::SeqNum end, base::Duration rtt);
    /// Step 3: whether this delivery of [begin, end), which was never sent again, shows reordering: it lies
    /// below what had been delivered before this ACK.
    bool note_order(wire::SeqNum begin, wire::SeqNum end, bool ever_retransmitted);
    /// The ACK is read: what it delivered counts as the order of the next one.
    void order_noted(std::uint32_t mss);
    /// snd.una has moved: the round of a D-SACK ends there.
    void acknowledged(wire::SeqNum una) {
        if (una.at_or_after(dsack_round_end_)) in_dsack_round_ = false;
    }
    /// Step 4: a duplicate reported by D-SACK widens the window, once a round trip.
    void duplicate_reported(wire::SeqNum nxt);
    /// Step 4: the wider window lasts for sixteen recoveries.
    void recovery_left();

    /// Step 4: how long to wait beyond a round trip. `loss_is_evident`: in recovery, or three segments were
    /// reported.
    [[nodiscard]] base::Duration reordering_window(base::Duration min_rtt, base::Duration smoothed,
                                                   bool loss_is_evident) const;
    /// Step 5: whether something sent then is older than the newest delivery.
    [[nodiscard]] bool is_older(base::Instant sent_at, wire::SeqNum end) const {
        return sent_at < sent_at_ || (sent_at == sent_at_ && end.before(end_));
    }
    [[nodiscard]] base::Instant newest_sent_at() const { return sent_at_; }
    [[nodiscard]] base::Duration rtt() const { return rtt_; }
    [[nodiscard]] bool has_delivery() const { return rtt_ > base::Duration::zero(); }
    [[nodiscard]] bool reordering_seen() const { return reorderings_ > 0; }
    /// In how many ACKs. Nothing is judged by it, nor by the degree; they are Linux's reord_seen and
    /// reordering.
    [[nodiscard]] std::uint32_t reorderings() const { return reorderings_; }
    /// How many segments something has been overtaken by, at most; three (RFC 5681 3.2) until more were seen.
    [[nodiscard]] std::uint16_t reordering_degree() const { return degree_; }

 private:
    static constexpr std::uint8_t kPersist = 16;

    base::Instant sent_at_{};
    base::Duration rtt_{0};
    wire::SeqNum end_;
    wire::SeqNum forward_ack_;
    wire::SeqNum highest_;         // with what the ACK at hand delivers
    wire::SeqNum reordered_from_;  // where the lowest begins that it shows to be reordered, if that is below
    wire::SeqNum dsack_round_end_;
    std::uint8_t multiplier_ = 1;
    std::uint8_t persist_ = 0;
    std::uint16_t degree_ = 3;
    std::uint32_t reorderings_ = 0;
    bool in_dsack_round_ = false;
};

}  // namespace terminus::tcp
