#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "capture/client_player.hpp"
#include "capture/recorded_conversations.hpp"
#include "capture/timeline.hpp"
#include "replay/played_backends.hpp"
#include "replay/service_choice.hpp"
#include "replay/stream_check.hpp"
#include "wire/address.hpp"
#include "wire/seq.hpp"

namespace terminus::replay {

/// A recorded conversation that is played from both sides, and what became of it.
struct PlayedConversation {
    PlayedConversation(const capture::RecordedConversation& conversation, std::uint16_t port_index,
                       const ServiceChoice& chosen, const capture::ClientPlayer::Settings& settings)
        : port(port_index),
          choice(chosen),
          player(conversation, settings),
          server(conversation),
          response(conversation.response) {}

    /// A segment of Terminus's for the client, with its text.
    void heard(const wire::TcpSegment& segment, base::Bytes text, base::Instant now);

    [[nodiscard]] const capture::RecordedConversation& recorded() const { return player.conversation(); }
    /// Every byte of the request reached the backend, and every byte of the response the client.
    [[nodiscard]] bool is_accounted_for() const { return server.request.is_whole() && response.is_whole(); }

    std::uint16_t port;  ///< whose capture has it
    ServiceChoice choice;
    capture::ClientPlayer player;
    ServerPart server;
    StreamCheck response;             ///< as the client got it
    std::optional<wire::SeqNum> iss;  ///< Terminus's towards the client
};

/// A recorded conversation that is not played.
struct UnplayedConversation {
    const capture::RecordedConversation* recorded;
    std::uint16_t port;
    std::string why;
};

/// What the parts are given out by.
struct CastSettings {
    capture::ClientPlayer::Mode mode = capture::ClientPlayer::Mode::Causal;
    bool repair_checksums = false;
    std::vector<ServiceEndpoint> services;
    /// Terminus's own and the backends': no client can have one.
    std::vector<wire::IpAddress> taken;
    /// Where Terminus has a route to: clients elsewhere would never be answered.
    std::vector<wire::Prefix> reachable;
    base::Instant starts{};
};

/// A port of Terminus's, and what a capture has of clients who sent to it.
struct CastPort {
    wire::MacAddress mac;
    std::uint16_t mtu = 1500;
    const capture::RecordedConversations* recorded =
        nullptr;  ///< none: no client is there; outlives the cast
};

/// Who plays what: the recorded conversations, each with the service that takes its server's place.
class Cast {
 public:
    Cast(const CastSettings& settings, const std::vector<CastPort>& ports);

    [[nodiscard]] std::deque<PlayedConversation>& played() { return played_; }
    [[nodiscard]] const std::deque<PlayedConversation>& played() const { return played_; }
    [[nodiscard]] const std::deque<UnplayedConversation>& unplayed() const { return unplayed_; }
    /// The first frame's time is the instant `starts`.
    [[nodiscard]] const capture::Timeline& timeline() const { return timeline_; }

 private:
    void choose(const CastSettings& settings, const std::vector<CastPort>& ports);
    void give_out(const CastSettings& settings, const std::vector<CastPort>& ports);
    [[nodiscard]] base::Instant first_frame_at() const;

    struct Part {
        const capture::RecordedConversation* recorded;
        std::uint16_t port;
        ServiceChoice choice;
    };
    std::vector<Part> parts_;
    std::deque<PlayedConversation> played_;
    std::deque<UnplayedConversation> unplayed_;
    capture::Timeline timeline_;
};

}  // namespace terminus::replay
