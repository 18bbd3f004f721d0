#include "capture/client_player.hpp"

namespace terminus::capture {

ClientPlayer::ClientPlayer(const RecordedConversation& conversation, const Settings& settings)
    : conversation_(&conversation), settings_(settings) {}

void ClientPlayer::heard(const wire::TcpSegment&, base::Instant) {}

void ClientPlayer::hold_until(base::Instant) {}

base::Instant ClientPlayer::next_at() const {
    return base::kNever;
}

std::optional<base::Bytes> ClientPlayer::poll(base::Instant) {
    return std::nullopt;
}

bool ClientPlayer::is_over() const {
    return next_ == conversation_->client_packets.size();
}

void ClientPlayer::finish() {
    for (; !is_over(); ++next_)
        divergences_.push_back({conversation_->client_packets[next_].number, DivergenceKind::NotPlayed});
}

}  // namespace terminus::capture
