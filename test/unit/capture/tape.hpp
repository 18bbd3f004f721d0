#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "capture/files.hpp"
#include "capture/recorded_conversations.hpp"
#include "capture/talk.hpp"
#include "wire/frames.hpp"
#include "wire/tcp.hpp"

namespace terminus::test {

inline constexpr std::uint8_t kPsh = wire::TcpFlags::kPsh, kUrg = wire::TcpFlags::kUrg,
                              kEce = wire::TcpFlags::kEce, kCwr = wire::TcpFlags::kCwr;

/// The byte at an offset of what an end sends.
inline std::uint8_t stream_byte(bool of_client, std::uint64_t offset) {
    return static_cast<std::uint8_t>((of_client ? 'A' : 'a') + offset % 23);
}

/// Writes down what two ends say to each other, as a capture, and has it read. Numbers are relative to the
/// ISNs, times in milliseconds.
class Tape {
 public:
    struct Segment {
        std::uint64_t at = 0;
        std::uint8_t flags = kAck;
        std::uint32_t seq = 0;
        std::uint32_t ack = 0;
        std::uint32_t length = 0;
        std::vector<std::pair<std::uint32_t, std::uint32_t>> sack{};
        wire::TcpOptions options{};
        std::uint16_t window = 1000;
        std::uint8_t traffic_class = 0;
        std::uint16_t urgent = 0;
        enum class Sum : std::uint8_t { Right, Wrong, Unfinished } sum = Sum::Right;
        std::uint32_t cut = 0;  ///< bytes that the snap length leaves out
    };

    wire::SeqNum client_isn{1000};
    wire::SeqNum server_isn{7'000'000};
    wire::Endpoint client_end{kPeer4, 40'000};
    wire::Endpoint server_end{kOur4, 80};
    wire::TcpOptions client_options{.mss = 1460, .window_scale = 7, .sack_permitted = true};
    wire::TcpOptions server_options{.mss = 1460, .window_scale = 9, .sack_permitted = true};

    void client(const Segment& segment) { add(segment, true); }
    void server(const Segment& segment) { add(segment, false); }
    /// At 0, 10 and 20 ms.
    void handshake() {
        client({.at = 0, .flags = kSyn, .options = client_options});
        server({.at = 10, .flags = kSyn | kAck, .ack = 1, .options = server_options});
        client({.at = 20, .seq = 1, .ack = 1});
    }
    /// Any frame.
    void frame(std::uint64_t at, const Octets& frame, std::uint32_t cut = 0) {
        const std::size_t kept = frame.size() - cut;
        file_.record(static_cast<std::uint32_t>(1 + at / 1000),
                     static_cast<std::uint32_t>(at % 1000 * 1'000'000),
                     std::string(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(kept)),
                     static_cast<std::uint32_t>(frame.size()));
    }
    [[nodiscard]] capture::RecordedConversations load(
        const capture::RecordedConversations::Options& options = {}) {
        std::FILE* const stream = fmemopen(file_.bytes.data(), file_.bytes.size(), "rb");
        auto reader = capture::Reader::from_stream(stream, "tape", {});
        REQUIRE(reader.ok());
        auto recorded = capture::RecordedConversations::load(reader.value(), options);
        REQUIRE(recorded.ok());
        return std::move(recorded).value();
    }
    [[nodiscard]] Octets frame_of(const Segment& segment, bool is_from_client) const {
        const wire::Endpoint& from = is_from_client ? client_end : server_end;
        const wire::Endpoint& to = is_from_client ? server_end : client_end;
        const Octets l4 = tcp(segment, is_from_client);
        if (from.address.is_v4()) {
            return frame_v4(l4, wire::kProtocolTcp,
                            {.source = from.address,
                             .destination = to.address,
                             .hop_limit = 57,
                             .traffic_class = segment.traffic_class,
                             .identification = 500,
                             .dont_fragment = true});
        }
        return frame_v6(l4, wire::kProtocolTcp, from.address, to.address);
    }

 private:
    void add(const Segment& segment, bool is_from_client) {
        frame(segment.at, frame_of(segment, is_from_client), segment.cut);
    }
    [[nodiscard]] Octets tcp(const Segment& segment, bool is_from_client) const {
        const wire::Endpoint& from = is_from_client ? client_end : server_end;
        const wire::Endpoint& to = is_from_client ? server_end : client_end;
        const wire::SeqNum other = is_from_client ? server_isn : client_isn;
        wire::TcpHeader header;
        header.source_port = from.port;
        header.destination_port = to.port;
        header.seq = (is_from_client ? client_isn : server_isn) + segment.seq;
        header.flags = {segment.flags};
        if (header.flags.ack()) header.ack = other + segment.ack;
        header.window = segment.window;
        header.options = segment.options;
        for (const auto& [left, right] : segment.sack)
            header.options.sack[header.options.sack_count++] = {other + left, other + right};
        Octets l4(wire::kTcpHeaderMax);
        l4.resize(wire::write_tcp(header, l4));
        base::store_be16(&l4[18], segment.urgent);
        const std::uint64_t offset = segment.seq + (header.flags.syn() ? 1u : 0u) - 1u;
        for (std::uint32_t i = 0; i < segment.length; ++i)
            l4.push_back(stream_byte(is_from_client, offset + i));
        const auto length = static_cast<std::uint32_t>(l4.size());
        const std::uint64_t pseudo = wire::pseudo_sum(from.address, to.address, wire::kProtocolTcp, length);
        std::uint16_t sum = wire::finish(pseudo + wire::sum(l4));
        if (segment.sum == Segment::Sum::Wrong) sum = static_cast<std::uint16_t>(sum ^ 0x0100);
        if (segment.sum == Segment::Sum::Unfinished) sum = wire::fold(pseudo);
        base::store_be16(&l4[16], sum);
        return l4;
    }

    FileBytes file_ = FileBytes::pcap(FileBytes::kNanoseconds, FileBytes::kEthernet);
};

inline const capture::RecordedConversation& only(const capture::RecordedConversations& recorded) {
    REQUIRE(recorded.conversations().size() == 1);
    return recorded.conversations().front();
}

/// Numbers of the packets with such a note.
inline std::vector<std::uint64_t> noted(const std::vector<capture::Note>& notes, capture::NoteKind kind) {
    std::vector<std::uint64_t> packets;
    for (const capture::Note& note : notes) {
        if (note.what == kind) packets.push_back(note.packet);
    }
    return packets;
}

using Numbers = std::vector<std::uint64_t>;

}  // namespace terminus::test
