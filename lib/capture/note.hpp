#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace terminus::capture {

/// What a capture holds that can't be mapped, or that was altered so that it can.
enum class NoteKind : std::uint8_t {
    // ---- not mapped: nothing of the packet is played
    NotIp,              ///< ARP, 802.3, another EtherType
    NotTcp,             ///< ICMP, UDP
    Encapsulated,       ///< IP within IP, GRE
    Fragment,           ///< of an IP datagram
    Malformed,          ///< IP or TCP headers that can't be
    HeaderCut,          ///< the snap length ends within the headers
    ImpossibleAddress,  ///< loopback, multicast: nobody whom Terminus could answer
    // ---- altered
    Vlan,                ///< the tag was left out
    IpOptions,           ///< of IPv4, or extension headers of IPv6: left out
    LengthGuessed,       ///< the IP header says 0, as unfinished super-frames do
    TextCut,             ///< by the snap length; filled
    ChecksumWrong,       ///< of IP or TCP
    ChecksumUnfinished,  ///< TCP's is the pseudo-header's sum: the sender's device would have finished it
    SynMissing,          ///< the client's; made up
    SynAckMissing,       ///< the server's ISN is derived from what was acknowledged
    ScaleGuessed,        ///< of the windows
    ClientGuessed,       ///< which end is the client's, without any SYN
    OptionDeclined,      ///< the server did: it became NOPs in the client's SYN
    FastOpenCookie,      ///< of another server: it became NOPs
    SynText,             ///< that the server took goes behind the handshake
    SynAckOfClient,      ///< of a simultaneous open: played as an ACK
    RequestHole,         ///< bytes that the server acknowledged and the capture hasn't; filled
    ResponseHole,        ///< bytes that the client acknowledged and the capture hasn't; filled
    FinMissing,          ///< acknowledged and not captured, of either end; made up
    EarlyAck,            ///< of what the server sent before the capture began: acknowledges nothing
    NumberImpossible,    ///< an acknowledgement or text far beyond all that was sent: not followed
    EndMissing,          ///< the capture ends before the connection does
};

/// "VLAN tag left out"
[[nodiscard]] std::string_view text(NoteKind kind);

struct Note {
    std::uint64_t packet = 0;  ///< its number in the capture, from 1
    NoteKind what = NoteKind::NotIp;
    friend bool operator==(const Note&, const Note&) = default;
};

/// Where a played conversation did not go as the recorded one.
enum class DivergenceKind : std::uint8_t {
    AcknowledgesUnsent,  ///< strict: it acknowledges what Terminus had not sent yet
    NoSynAck,            ///< strict: nothing to map its acknowledgement by; not played
    BeyondWindow,  ///< strict: text beyond the window that Terminus had offered, not the recorded server's
    AckInserted,   ///< before it: Terminus's window let it send no more without one
    HandshakeAckMadeUp,    ///< after it: Terminus accepted where the recorded server did not
    RetransmissionUnseen,  ///< it was waited for, and did not come in time
    OptionDeclined,        ///< by Terminus and not by the recorded server; left out from here on
    ResetByTerminus,       ///< and not by the recorded server; nothing that waits is played after it
    NotPlayed,             ///< it waited to the end
};

[[nodiscard]] std::string_view text(DivergenceKind kind);

struct Divergence {
    std::uint64_t packet = 0;  ///< of the capture that was played or next to be played
    DivergenceKind what = DivergenceKind::NotPlayed;
    friend bool operator==(const Divergence&, const Divergence&) = default;
};

/// "3, 5-9, 12" of ascending numbers.
[[nodiscard]] std::string packet_list(const std::vector<std::uint64_t>& packets);

}  // namespace terminus::capture
