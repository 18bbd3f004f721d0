#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace terminus::load {

/// What may go wrong, by kind. A run in which anything of this happened has failed, unless whoever runs it
/// lets that kind be.
enum class Failure : std::uint8_t {
    ConnectTimeout,   ///< no answer to any SYN or SYN-ACK
    ResponseTimeout,  ///< nothing came for as long as all retransmissions take
    CloseTimeout,     ///< a FIN was never acknowledged, or the other one never came
    Refused,          ///< RST to a SYN
    Reset,            ///< RST to an open connection
    EarlyClose,       ///< FIN before all that was awaited had come
    UnexpectedText,   ///< text that nobody had asked for
    WrongText,        ///< other bytes than the text has at that place
    OutOfWindow,      ///< RST or text at a sequence number where there can be none
    BadAck,           ///< acknowledges what was never sent
    OldTimestamp,     ///< older than the last one (RFC 7323 5)
    UnexpectedSyn,    ///< SYN on an open connection
    NoConnection,     ///< a segment of no connection
    BadChecksum,      ///< of IPv4 or TCP
    Malformed,        ///< a frame for us that can't be read, or that lies in several buffers
    NoBuffer,         ///< the pool was empty: our own fault
    Unfinished,       ///< still open when the run had ended
};
inline constexpr std::array<std::string_view, 17> kFailureNames{
    "connect_timeout", "response_timeout", "close_timeout", "refused",   "reset",         "early_close",
    "unexpected_text", "wrong_text",       "out_of_window", "bad_ack",   "old_timestamp", "unexpected_syn",
    "no_connection",   "bad_checksum",     "malformed",     "no_buffer", "unfinished"};
inline constexpr std::size_t kFailures = kFailureNames.size();
static_assert(static_cast<std::size_t>(Failure::Unfinished) == kFailures - 1);

/// What one side did; all of it only grows, but `open`.
struct Numbers {
    std::uint64_t frames_received = 0;
    std::uint64_t frames_sent = 0;
    std::uint64_t bytes_received = 0;  ///< of frames, Ethernet header included
    std::uint64_t bytes_sent = 0;
    std::uint64_t text_received = 0;  ///< bytes of in-order text
    std::uint64_t text_sent = 0;      ///< bytes of text that were acknowledged
    std::uint64_t connections_begun = 0;
    std::uint64_t connections_established = 0;
    std::uint64_t connections_ended = 0;  ///< by FINs from both sides
    std::uint64_t responses = 0;          ///< requests that were answered in full; probes that came back
    std::uint64_t window_probes = 0;
    // What TCP is there to mend is no failure: a peer that waits for a CPU sends again what was not lost.
    std::uint64_t retransmissions = 0;  ///< sent again, for no acknowledgement had come in time
    std::uint64_t duplicates = 0;       ///< segments of which some had come before
    std::uint64_t out_of_order = 0;     ///< segments behind a gap
    std::uint64_t frames_ignored = 0;   ///< of other hosts, or other protocols
    std::uint64_t open = 0;             ///< connections that are not closed now
    std::array<std::uint64_t, kFailures> failures{};

    void fail(Failure kind) { ++failures[static_cast<std::size_t>(kind)]; }
    [[nodiscard]] std::uint64_t failed(Failure kind) const {
        return failures[static_cast<std::size_t>(kind)];
    }
};

}  // namespace terminus::load
