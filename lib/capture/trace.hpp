#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "capture/made_up.hpp"
#include "capture/numbers.hpp"
#include "capture/raw_conversation.hpp"
#include "capture/recorded_stream.hpp"
#include "capture/response_script.hpp"

namespace terminus::capture {

/// Follows both ends of a conversation from packet to packet: what each had sent, what the other knew of it,
/// and so what each packet waited for. Moves the client's packets into the conversation.
class Trace {
 public:
    /// ISNs, outcome and what was negotiated are known by now.
    Trace(RawConversation& raw, RecordedConversation& into);
    void run();

    /// The number of the client's FIN, if it had one that wasn't captured.
    [[nodiscard]] std::optional<std::uint64_t> lost_fin() const { return lost_fin_; }
    /// What of the request the client's packets bring, in order, bytes that the snap length cut included.
    [[nodiscard]] std::vector<Extent> brought() && { return std::move(brought_); }

 private:
    /// An end's numbers before `end` were sent by then.
    struct Mark {
        std::uint64_t end = 0;
        base::Duration stamp{};
    };
    struct End {
        Numbers numbers;
        std::vector<Mark> marks;  // ascending
        std::optional<std::uint64_t> fin;
        bool has_syn = false;
        /// A number that only the other end's ACK or the own next one tells of: a FIN, if nothing follows.
        struct Lone {
            std::uint64_t number = 0;
            ResponseScript::Sent sent;
        };
        std::optional<Lone> lone;
    };

    void from_client(RawPacket& raw);
    void from_server(const RawPacket& raw);
    void client_acknowledges(RecordedPacket& packet);
    void wait_for_again(RecordedPacket& packet, std::uint64_t acknowledged);
    void server_acknowledges(const RecordedPacket& packet);
    void server_sends(const RecordedPacket& packet, std::uint64_t seq);
    void server_is_known_to(std::uint64_t end, const RecordedPacket& by);
    [[nodiscard]] bool believe(End& end, std::uint64_t begin, const RecordedPacket& packet);
    [[nodiscard]] ResponseScript::Sent sent_by(const RecordedPacket& packet) const;
    void skip_to(End& end, std::uint64_t number, const RecordedPacket& by);
    [[nodiscard]] bool takes_lone_for_fin(End& end);
    void finish();
    void note_holes();
    [[nodiscard]] std::uint64_t request_length();
    static void mark(End& end, std::uint64_t to, base::Duration stamp);
    static base::Duration when(const End& end, std::uint64_t number);
    static void note_text(std::vector<RecordedStream::Piece>& into, std::uint64_t seq,
                          const RecordedPacket& packet);

    RawConversation& raw_;
    RecordedConversation& into_;
    End client_, server_;
    std::vector<RecordedStream::Piece> client_pieces_, server_pieces_;
    std::vector<Extent> brought_, server_text_;
    std::vector<std::pair<Extent, std::uint64_t>> server_holes_;  // and the packets that lie behind them
    ResponseScript script_;
    std::optional<std::uint64_t> lost_fin_;
    std::uint64_t holes_left_;  // bytes that may yet be missing from the capture

    std::uint64_t server_ack_ = 0;  // of the client's numbers
    std::uint64_t server_edge_ =
        0;  // of the window that the server offered: the client's numbers; 0: unknown
    bool server_is_over_ = false;
    std::uint64_t client_ack_ = 0;    // of the server's numbers
    std::uint64_t client_known_ = 0;  // and by SACK
    base::Duration stood_{};          // when the connection did
    bool client_has_acknowledged_ = false;
    std::optional<base::Duration> syn_;            // when the client sent it
    base::Duration distance_{};                    // of the server from where was captured, there and back
    std::optional<base::Duration> last_pure_ack_;  // since the server's last new text
    std::uint32_t duplicates_ = 0;                 // of client_ack_, or reports of what is above it
    std::optional<base::Duration> resent_;         // client_ack_'s byte was, after them
};

}  // namespace terminus::capture
