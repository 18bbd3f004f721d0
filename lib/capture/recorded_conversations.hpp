#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/fixed_vector.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "capture/note.hpp"
#include "capture/reader.hpp"
#include "capture/recorded_stream.hpp"
#include "wire/address.hpp"
#include "wire/tcp.hpp"

namespace terminus::capture {

/// A client's TCP packet. Numbers count from an ISN (the SYN is 0, the first byte 1) and don't wrap.
struct RecordedPacket {
    std::uint64_t number = 0;  ///< in the capture; of one that was made up, the one that it stands before
    base::Duration stamp{};    ///< since 1970
    bool is_made_up = false;
    bool is_checksum_wrong = false;  ///< unfinished ones included

    std::uint8_t hop_limit = 64;
    std::uint8_t traffic_class = 0;    ///< with the ECN bits
    std::uint16_t identification = 0;  ///< IPv4
    bool dont_fragment = false;        ///< IPv4
    std::uint32_t flow_label = 0;      ///< IPv6

    wire::TcpSegment segment;  ///< what the header says
    base::FixedVector<std::uint8_t, wire::kTcpHeaderMax> header;
    base::Bytes payload;       ///< as far as it was captured
    std::uint32_t filled = 0;  ///< bytes behind it that were on the wire, and are kFillByte

    std::uint64_t seq = 0;  ///< from the client's ISN
    /// The server's number up to which it must have sent before this packet goes: what it is the first to
    /// acknowledge or to report by SACK. 0: it waits for nothing.
    std::uint64_t waits_for = 0;
    /// The server's number of what was lost and sent again before this packet acknowledged it. 0: none.
    std::uint64_t waits_for_again = 0;
    base::Duration reaction{};  ///< from the packet of the server's that it waits for to this one
    /// It has text beyond the window that the server had offered, as a probe has, or none that the server can
    /// have taken.
    bool exceeds_window = false;

    /// Sequence space occupied.
    [[nodiscard]] std::uint64_t end() const { return seq + segment.seg_len(); }
};

/// What the server's application does next.
struct ResponseStep {
    enum class Kind : std::uint8_t { Bytes, Fin, Reset };
    Kind kind = Kind::Bytes;
    std::uint64_t after_received = 0;  ///< bytes of the request that must have come
    bool after_client_fin = false;     ///< and its end
    /// Since the later of two: what it waits for came (for the first step: the connection stood), and the
    /// step before it began.
    base::Duration after{};
    std::uint64_t begin = 0;  ///< Bytes: of the response
    std::uint64_t length = 0;
    std::uint64_t packet = 0;  ///< in the capture, where it began
};

/// One recorded connection, or the attempt at one.
struct RecordedConversation {
    /// What the recorded server did about the client's SYN.
    enum class Outcome : std::uint8_t { Established, Refused, Unanswered };
    struct Negotiated {
        std::optional<std::uint16_t> client_mss;
        std::optional<std::uint16_t> server_mss;
        std::optional<std::uint8_t> client_scale;  ///< with server_scale, or neither
        std::optional<std::uint8_t> server_scale;
        bool timestamps = false;
        bool sack = false;
        bool ecn = false;
    };

    wire::Endpoint client;
    wire::Endpoint server;
    std::uint64_t first_packet = 0;  ///< in the capture
    base::Duration first_stamp{};
    bool has_syn = false;  ///< the client's; without, client_packets begin with one that was made up
    bool has_syn_ack = false;
    Outcome outcome = Outcome::Established;
    Negotiated negotiated;
    wire::SeqNum client_isn;
    wire::SeqNum server_isn;
    std::vector<RecordedPacket> client_packets;
    RecordedStream request;
    RecordedStream response;
    std::vector<ResponseStep> steps;
    bool client_ends = false;  ///< by FIN or RST
    bool server_ends = false;
    bool is_reset = false;    ///< by either
    std::vector<Note> notes;  ///< in the order of their packets

    /// The capture goes on to its end.
    [[nodiscard]] bool has_ended() const { return is_reset || (client_ends && server_ends); }
};

/// What a whole capture of clients with some other server has of them, in memory: as many bytes as the
/// capture has, and about 300 for each packet.
class RecordedConversations {
 public:
    struct Options {
        /// Helps to tell which end is the server's where no SYN was captured.
        std::vector<wire::Endpoint> services;
    };

    /// Reads to the end of the file. The error is Reader::next()'s.
    [[nodiscard]] static base::Result<RecordedConversations, std::string> load(Reader& reader,
                                                                               const Options& options);

    /// In the order of their first packets. Stay where they are when this is moved.
    [[nodiscard]] const std::vector<RecordedConversation>& conversations() const { return conversations_; }
    /// Of packets that belong to no conversation.
    [[nodiscard]] const std::vector<Note>& notes() const { return notes_; }
    [[nodiscard]] std::uint64_t packets() const { return packets_; }
    /// Of the first packet, since 1970; nothing of an empty capture.
    [[nodiscard]] std::optional<base::Duration> first_stamp() const { return first_stamp_; }

 private:
    RecordedConversations() = default;
    [[nodiscard]] base::Bytes keep(base::Bytes payload);

    std::vector<std::unique_ptr<std::vector<std::uint8_t>>> payloads_;  // what packets and streams view
    std::vector<RecordedConversation> conversations_;
    std::vector<Note> notes_;
    std::uint64_t packets_ = 0;
    std::optional<base::Duration> first_stamp_;
};

}  // namespace terminus::capture
