#pragma once

#include <optional>
#include <vector>

#include "capture/client_player.hpp"
#include "capture/tape.hpp"
#include "wire/frame.hpp"

namespace terminus::test {

/// A tape that is played to a Terminus that says what the test says. Numbers of both are relative to ISNs,
/// times in milliseconds of the tape.
class Scene {
 public:
    struct Frame {
        std::uint32_t seq = 0;  ///< from the client's ISN
        std::uint32_t ack = 0;  ///< from Terminus's
        wire::TcpSegment segment;
        wire::Frame ip;
        Octets bytes;
        Octets text;
        bool is_checksum_right = false;
        std::uint64_t packet = 0;  ///< of the recording
    };

    wire::SeqNum isn{0xffff'ff00};  ///< Terminus's, soon to wrap
    wire::TcpOptions options{.mss = 1460, .window_scale = 9, .sack_permitted = true};

    explicit Scene(Tape& tape, capture::ClientPlayer::Mode mode = capture::ClientPlayer::Mode::Causal,
                   bool repair = false)
        : recorded_(tape.load()), player(only(recorded_), settings(tape, mode, repair)) {}

    static base::Instant time(std::uint64_t milliseconds) {
        return base::Instant(std::chrono::seconds(100) + std::chrono::milliseconds(milliseconds));
    }
    /// When the next frame is due; nothing while only Terminus can go on.
    [[nodiscard]] std::optional<std::int64_t> due() const {
        if (player.next_at() == base::kNever) return std::nullopt;
        return std::chrono::duration_cast<std::chrono::milliseconds>(player.next_at() - time(0)).count();
    }
    std::optional<Frame> poll(std::uint64_t at) {
        const auto polled = player.poll(time(at));
        if (!polled) return std::nullopt;
        Frame frame;
        frame.bytes.assign(polled->begin(), polled->end());
        const auto ip = wire::parse_frame(frame.bytes, static_cast<std::uint32_t>(frame.bytes.size()));
        REQUIRE(ip.ok());
        frame.ip = ip.value();
        const base::Bytes l4 = base::Bytes(frame.bytes).subspan(frame.ip.l4_offset);
        REQUIRE(l4.size() == frame.ip.l4_length);
        frame.is_checksum_right = wire::l4_checksum_is_good(frame.ip, l4);
        const auto segment = wire::parse_tcp(l4, l4.size());
        REQUIRE(segment.ok());
        frame.segment = segment.value();
        const base::Bytes text = l4.subspan(frame.segment.header_length);
        frame.text.assign(text.begin(), text.end());
        frame.seq = frame.segment.seq - only(recorded_).client_isn;
        frame.ack = frame.segment.ack - isn;
        frame.packet = player.polled_packet();
        return frame;
    }
    /// The frame that must be there.
    Frame next(std::uint64_t at) {
        const auto frame = poll(at);
        REQUIRE(frame.has_value());
        return *frame;
    }
    bool idle(std::uint64_t at) { return !poll(at); }
    void hear(const Tape::Segment& segment) {
        wire::TcpSegment heard;
        heard.seq = isn + segment.seq;
        heard.ack = only(recorded_).client_isn + segment.ack;
        heard.flags = {segment.flags};
        heard.window = segment.window;
        heard.payload_length = segment.length;
        heard.options = segment.options;
        player.heard(heard, time(segment.at));
    }
    /// The client's SYN at 0, the answer at `at`, the ACK of it when it is due.
    void handshake(std::uint64_t at = 10) {
        next(0);
        answer(at);
        next(static_cast<std::uint64_t>(due().value()));
    }
    void answer(std::uint64_t at) {
        hear({.at = at, .flags = kSyn | kAck, .ack = 1, .options = options, .window = 65'000});
    }
    [[nodiscard]] Numbers diverged(capture::DivergenceKind kind) const {
        Numbers packets;
        for (const capture::Divergence& divergence : player.divergences()) {
            if (divergence.what == kind) packets.push_back(divergence.packet);
        }
        return packets;
    }

 private:
    static capture::ClientPlayer::Settings settings(const Tape& tape, capture::ClientPlayer::Mode mode,
                                                    bool repair) {
        capture::ClientPlayer::Settings settings;
        settings.mode = mode;
        settings.service.address = tape.client_end.address.is_v4() ? wire::IpAddress::v4(198, 51, 100, 7)
                                                                   : *wire::IpAddress::parse("2001:db8:7::7");
        settings.service.port = 8080;
        settings.mac = kPeerMac;
        settings.service_mac = kOurMac;
        settings.timeline = {base::Duration(std::chrono::seconds(1)), time(0)};
        settings.repair_checksums = repair;
        return settings;
    }

    capture::RecordedConversations recorded_;

 public:
    capture::ClientPlayer player;
};

}  // namespace terminus::test
