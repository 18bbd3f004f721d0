#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/address.hpp"
#include "wire/fault.hpp"
#include "wire/seq.hpp"

namespace terminus::wire {

/// Where fields are in the header, for who changes them in a finished frame.
inline constexpr std::uint32_t kTcpSeqAt = 4, kTcpFlagsAt = 13, kTcpChecksumAt = 16;
inline constexpr std::size_t kTcpHeaderMin = 20;
inline constexpr std::size_t kTcpHeaderMax = 60;
inline constexpr std::size_t kTcpOptionsMax = 40;

/// The eight control bits (RFC 9293 3.1, RFC 3168).
struct TcpFlags {
    static constexpr std::uint8_t kFin = 0x01, kSyn = 0x02, kRst = 0x04, kPsh = 0x08, kAck = 0x10,
                                  kUrg = 0x20, kEce = 0x40, kCwr = 0x80;
    std::uint8_t bits = 0;

    [[nodiscard]] constexpr bool fin() const { return (bits & kFin) != 0; }
    [[nodiscard]] constexpr bool syn() const { return (bits & kSyn) != 0; }
    [[nodiscard]] constexpr bool rst() const { return (bits & kRst) != 0; }
    [[nodiscard]] constexpr bool psh() const { return (bits & kPsh) != 0; }
    [[nodiscard]] constexpr bool ack() const { return (bits & kAck) != 0; }
    [[nodiscard]] constexpr bool urg() const { return (bits & kUrg) != 0; }
    [[nodiscard]] constexpr bool ece() const { return (bits & kEce) != 0; }
    [[nodiscard]] constexpr bool cwr() const { return (bits & kCwr) != 0; }
    friend constexpr bool operator==(TcpFlags, TcpFlags) = default;
};

/// RFC 7323 3.2.
struct TcpTimestamps {
    std::uint32_t value = 0;
    std::uint32_t echo_reply = 0;
    friend constexpr bool operator==(TcpTimestamps, TcpTimestamps) = default;
};

/// RFC 2018: [left, right).
struct SackBlock {
    SeqNum left;
    SeqNum right;
    friend constexpr bool operator==(SackBlock, SackBlock) = default;
};

/// RFC 7413 4.1.1: length 0 asks for a cookie; else 4 to 16 bytes, an even number.
struct FastOpenCookie {
    static constexpr std::size_t kLengthMin = 4, kLengthMax = 16;
    std::array<std::uint8_t, kLengthMax> bytes{};  ///< zero behind the length
    std::uint8_t length = 0;
    bool is_experimental = false;  ///< kind 254 (RFC 6994) from before kind 34 was assigned
    friend constexpr bool operator==(const FastOpenCookie&, const FastOpenCookie&) = default;
};

/// What a header's options say, or shall say. An option that is malformed for its kind is left out (HARDENING
/// 3).
struct TcpOptions {
    static constexpr std::size_t kSackBlocksMax = 4;

    std::optional<std::uint16_t> mss;          ///< as sent; floors are the receiver's business
    std::optional<std::uint8_t> window_scale;  ///< as sent, 0…255; over 14 means 14 (RFC 7323 2.3)
    bool sack_permitted = false;
    std::optional<TcpTimestamps> timestamps;  ///< the first, if there are two
    std::array<SackBlock, kSackBlocksMax> sack{};
    std::uint8_t sack_count = 0;
    std::optional<FastOpenCookie> fast_open;

    friend constexpr bool operator==(const TcpOptions&, const TcpOptions&) = default;
};

/// A received TCP header, checked once: lengths are true and the checksum was verified or found unnecessary.
struct TcpSegment {
    SeqNum seq;
    SeqNum ack;
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    std::uint16_t window = 0;  ///< as on the wire, unscaled
    std::uint16_t urgent_pointer = 0;
    TcpFlags flags;
    bool congestion_experienced = false;  ///< the IP header has CE (RFC 3168 5); the caller sets it
    std::uint8_t header_length = 0;       ///< bytes, 20…60
    std::uint32_t payload_length = 0;     ///< bytes; from the IP length, never from the frame's
    TcpOptions options;

    /// Sequence space occupied: payload, SYN and FIN (RFC 9293 3.4).
    [[nodiscard]] constexpr std::uint32_t seg_len() const {
        return payload_length + (flags.syn() ? 1u : 0u) + (flags.fin() ? 1u : 0u);
    }
    friend constexpr bool operator==(const TcpSegment&, const TcpSegment&) = default;
};

/// Reads the header at the start of `l4` (header and at least as much of what follows as the header needs);
/// `l4_length` is the segment's length by IP. Faults: TcpTruncated, TcpDataOffset, TcpPortZero. The checksum
/// is the caller's (see wire/checksum.hpp).
[[nodiscard]] base::Result<TcpSegment, Fault> parse_tcp(base::Bytes l4, std::size_t l4_length);

/// The options of a header, in bounded work whatever the bytes: at most 40 of them are read.
[[nodiscard]] TcpOptions parse_tcp_options(base::Bytes options);

/// Whether timestamps are all there is: what nearly every segment of a connection has.
[[nodiscard]] inline bool has_timestamps_alone(const TcpOptions& options) {
    const bool has_others = options.mss || options.window_scale || options.sack_permitted ||
                            options.sack_count > 0 || options.fast_open;
    return options.timestamps.has_value() && !has_others;
}
inline constexpr std::size_t kTimestampsAloneLength = 12;      ///< two NOPs and the option
inline constexpr std::uint32_t kTimestampsAlone = 0x0101080a;  ///< its first four bytes (RFC 7323 appendix A)

/// Length of the options as write_tcp_options() would write them, padding included: a multiple of 4, at
/// most 40. SACK blocks that don't fit beside the other options are left out.
[[nodiscard]] std::size_t tcp_options_length(const TcpOptions& options);

/// Writes the options, in Linux's order (MSS, SACK-permitted, timestamps, NOP, window scale, Fast Open; else
/// NOP NOP TS, NOP NOP SACK), padded with zero (RFC 9293 MUST-69). `out` holds tcp_options_length() bytes.
void write_tcp_options(const TcpOptions& options, base::MutableBytes out);

/// A header to be sent.
struct TcpHeader {
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    SeqNum seq;
    SeqNum ack;
    TcpFlags flags;
    std::uint16_t window = 0;
    TcpOptions options;
};

/// Writes header and options with a zero checksum; returns the header's length in bytes, a multiple of 4.
/// `out` holds at least 60 bytes or as many as the header needs.
std::size_t write_tcp(const TcpHeader& header, base::MutableBytes out);

}  // namespace terminus::wire
