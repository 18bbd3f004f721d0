// When a played client's next packet goes.
#include <algorithm>

#include "capture/client_player.hpp"

namespace terminus::capture {
namespace {

// As long as receivers commonly delay an ACK (RFC 9293 3.8.6.3 allows 500 ms).
constexpr base::Duration kDelayedAck = std::chrono::milliseconds(40);
// A retransmission takes Terminus a round trip after the third duplicate, or a time-out that begins at a
// second.
constexpr base::Duration kLossWait = std::chrono::seconds(3);

}  // namespace

base::Instant ClientPlayer::planned(const RecordedPacket& packet) const {
    return settings_.timeline.virtual_time(packet.stamp) + lag_;
}

ClientPlayer::Readiness ClientPlayer::readiness() const {
    const RecordedPacket& packet = head();
    if (settings_.mode == Mode::Strict) return strict_readiness(packet);
    Readiness ready;
    ready.at = std::max({planned(packet), hold_until_, ready_at_});
    if (!window_has_room()) ready.is_blocked = true;
    if (part_) return ready;
    if (packet.segment.flags.ack() && !terminus_.has_answered()) ready.is_blocked = true;
    if (packet.waits_for > terminus_.highest()) ready.is_blocked = ready.lacks_text = true;
    if (ready.is_blocked) return ready;
    // As long after what it answers as in the capture: a round trip stays one.
    const base::Instant sent = packet.waits_for > 0 ? terminus_.sent_at(packet.waits_for) : base::Instant{};
    if (packet.waits_for_again == 0) {
        ready.at = std::max(ready.at, sent + packet.reaction);
    } else if (const auto again = terminus_.again_at(packet.waits_for_again)) {
        ready.at = std::max(ready.at, std::max(sent, *again) + packet.reaction);
    } else {
        ready.at = std::max(ready.at, sent) + kLossWait;
        ready.gives_up_loss = true;
    }
    return ready;
}

// Only a handshake that was made up has no time of its own.
ClientPlayer::Readiness ClientPlayer::strict_readiness(const RecordedPacket& packet) const {
    Readiness ready;
    ready.at = std::max(settings_.timeline.virtual_time(packet.stamp), hold_until_);
    ready.is_blocked = packet.is_made_up && packet.segment.flags.ack() && !terminus_.has_answered();
    return ready;
}

bool ClientPlayer::window_has_room() const {
    if (settings_.mode == Mode::Strict || next_ == conversation_->client_packets.size()) return true;
    const RecordedPacket& packet = head();
    const auto edge = terminus_.window_edge();
    if (packet.segment.payload_length == 0 || packet.exceeds_window || !edge) return true;
    const Part part = part_.value_or(part_from(0, 0));
    return packet.seq + (packet.segment.flags.syn() ? 1 : 0) + part.offset + part.length <= *edge;
}

// A stretch of text that the recorded server sent at once, and Terminus can't: it waits for an ACK, and so
// does the recorded one, for text. A receiver's delayed ACK would have ended that.
base::Instant ClientPlayer::inserts_ack_at(const Readiness& head) const {
    if (!head.lacks_text || is_reset_ || !terminus_.has_answered() || terminus_.highest() <= acked_)
        return base::kNever;
    return std::max(head.at, terminus_.last_new_at()) + kDelayedAck;
}

}  // namespace terminus::capture
