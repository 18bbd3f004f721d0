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
    void begin(wire::SeqNum una) { end_ = forward_ack_ = highest_ = dsack_round_end_ = una; }

    /// Step 2: [.., end) was delivered, last sent at `sent_at`. The caller has sorted out deliveries of which
    /// it can't be said which copy arrived.
    void delivered(base::Instant sent_at, wire::SeqNum end, base::Duration rtt);
    /// Step 3: whether this delivery, of what was never sent again, shows reordering: it lies below what had
    /// been delivered before this ACK.
    bool note_order(wire::SeqNum end, bool ever_retransmitted);
    /// The ACK is read: what it delivered counts as the order of the next one.
    void order_noted() { forward_ack_ = highest_; }
    /// Step 4: a duplicate reported by D-SACK widens the window, once a round trip.
    void duplicate_reported(wire::SeqNum una, wire::SeqNum nxt);
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
    [[nodiscard]] bool reordering_seen() const { return reordering_seen_; }

 private:
    static constexpr std::uint8_t kPersist = 16;

    base::Instant sent_at_{};
    base::Duration rtt_{0};
    wire::SeqNum end_;
    wire::SeqNum forward_ack_;
    wire::SeqNum highest_;  // with what the ACK at hand delivers
    wire::SeqNum dsack_round_end_;
    std::uint8_t multiplier_ = 1;
    std::uint8_t persist_ = 0;
    bool reordering_seen_ = false;
    bool in_dsack_round_ = false;
};

}  // namespace terminus::tcp
