#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "capture/client_frames.hpp"
#include "capture/heard_end.hpp"
#include "capture/note.hpp"
#include "capture/numbers.hpp"
#include "capture/recorded_conversations.hpp"
#include "capture/timeline.hpp"
#include "wire/address.hpp"
#include "wire/tcp.hpp"

namespace terminus::capture {

/// Plays a recorded client against Terminus: its packets, with the numbers that Terminus chose in place of
/// the recorded server's. Sans I/O: it is told what Terminus sent, and asked for what the client sends.
class ClientPlayer {
 public:
    enum class Mode : std::uint8_t {
        Causal,  ///< a packet waits until what it acknowledges has been sent; then all later ones are as late
        Strict,  ///< at the recorded times, whatever Terminus has sent
    };
    struct Settings {
        Mode mode = Mode::Causal;
        wire::Endpoint service;        ///< takes the recorded server's place
        wire::MacAddress mac;          ///< the client's, or its router's
        wire::MacAddress service_mac;  ///< the port's
        std::uint16_t mtu = 1500;      ///< the port's: no IP packet is longer
        Timeline timeline;
        bool repair_checksums = false;  ///< wrong ones are otherwise played wrong
    };
    struct Counters {
        std::uint64_t recorded = 0;  ///< packets of the capture that were played
        std::uint64_t frames = 0;    ///< that were played, those below included
        std::uint64_t split = 0;     ///< packets longer than the MSS that Terminus named
        std::uint64_t made_up = 0;   ///< frames: the SYN and ACK of a handshake that wasn't captured, holes
        std::uint64_t inserted = 0;  ///< ACKs that the capture hasn't
        std::uint64_t repaired = 0;  ///< packets
        std::uint64_t filled_bytes = 0;  ///< of text
        std::uint64_t waited = 0;        ///< packets that went later than their time and the lag before
    };

    /// Why the client of `conversation` can't be played to `service`; nothing when it can.
    [[nodiscard]] static std::optional<std::string_view> obstacle(const RecordedConversation& conversation,
                                                                  const wire::Endpoint& service);

    /// `conversation` outlives the player, and there is no obstacle().
    ClientPlayer(const RecordedConversation& conversation, const Settings& settings);

    /// A segment of Terminus's for this client.
    void heard(const wire::TcpSegment& segment, base::Instant now);
    /// Nothing is played before; what follows keeps its distance. For a conversation that uses the endpoints
    /// of one that isn't over.
    void hold_until(base::Instant instant);
    /// When poll() has the next frame if nothing is heard before; kNever while only Terminus can go on.
    [[nodiscard]] base::Instant next_at() const;
    /// A frame that is due at `now`, Ethernet header and all; stays until the next call. Ask until there is
    /// none.
    [[nodiscard]] std::optional<base::Bytes> poll(base::Instant now);
    /// The capture's number of the packet that the frame polled last was made from.
    [[nodiscard]] std::uint64_t polled_packet() const { return polled_packet_; }
    /// All that will ever be played was.
    [[nodiscard]] bool is_over() const;
    /// The run is over: packets that still wait become divergences, and is_over().
    void finish();

    /// How much later than recorded packets go by now.
    [[nodiscard]] base::Duration lag() const { return lag_; }
    [[nodiscard]] const std::vector<Divergence>& divergences() const { return divergences_; }
    [[nodiscard]] const Counters& counters() const { return counters_; }
    [[nodiscard]] const RecordedConversation& conversation() const { return *conversation_; }

 private:
    /// What the next packet waits for.
    struct Readiness {
        base::Instant at{};          ///< without what blocks it
        bool is_blocked = false;     ///< by something that only Terminus can do
        bool lacks_text = false;     ///< it acknowledges what Terminus hasn't sent
        bool gives_up_loss = false;  ///< at that time it goes without the retransmission that it waited for
    };

    [[nodiscard]] Readiness readiness() const;
    [[nodiscard]] Readiness strict_readiness(const RecordedPacket& packet) const;
    [[nodiscard]] base::Instant planned(const RecordedPacket& packet) const;
    [[nodiscard]] bool window_has_room() const;
    [[nodiscard]] base::Instant inserts_ack_at(const Readiness& head) const;
    [[nodiscard]] Part part_from(std::uint32_t offset, std::uint16_t count) const;
    [[nodiscard]] std::uint32_t text_max() const;
    [[nodiscard]] std::uint64_t acknowledged_by(const RecordedPacket& packet) const;
    void begin(const Readiness& ready);
    void begin_strict();
    [[nodiscard]] base::Bytes play_part();
    [[nodiscard]] base::Bytes play_plain_ack(DivergenceKind why);
    [[nodiscard]] base::Bytes build(const RecordedPacket& packet, const Part& part);
    void note_acknowledged(std::uint64_t number, bool after_loss);
    void answer_arrived(base::Instant now);
    void reset_arrived();
    void next_packet();
    void drop_rest();
    void diverge(std::uint64_t packet, DivergenceKind what) { divergences_.push_back({packet, what}); }
    [[nodiscard]] const RecordedPacket& head() const { return conversation_->client_packets[next_]; }

    const RecordedConversation* conversation_;
    Settings settings_;
    FrameBuilder frames_;
    HeardEnd terminus_;
    Mapping mapping_;
    wire::TcpSegment syn_;     // the client's, as it is played
    Numbers client_;           // what it has sent so far
    std::uint64_t acked_ = 0;  // of Terminus's numbers, by what was played
    RecordedPacket last_;      // that was played
    std::size_t next_ = 0;
    std::optional<Part> part_;    // of the next packet, once it has begun
    base::Instant ready_at_{};    // the next packet had waited for the window until then
    bool server_resets_ = false;  // in the capture
    bool is_reset_ = false;
    base::Instant hold_until_{};
    base::Duration lag_{};
    std::optional<base::Instant> handshake_ack_at_;
    std::uint64_t polled_packet_ = 0;
    std::vector<Divergence> divergences_;
    Counters counters_;
};

}  // namespace terminus::capture
