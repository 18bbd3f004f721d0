#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

/// The one list of reasons (DESIGN 4): the counter, the log line, the metric label and the admin output all
/// take their words from here. X(Enumerator, label, help).
namespace terminus::stats {

// Every way a received frame or segment ends without being accepted.
#define TERMINUS_DROP_REASONS(X)                                                                     \
    X(EthernetTruncated, "ethernet_truncated", "frame shorter than an Ethernet header")              \
    X(EthernetSource, "ethernet_source", "group address as Ethernet source")                         \
    X(NotForUs, "not_for_us", "frame or packet to an address that is not ours")                      \
    X(VlanTagged, "vlan_tagged", "VLAN tag where none is configured")                                \
    X(EtherTypeUnknown, "ether_type_unknown", "neither ARP, IPv4 nor IPv6")                          \
    X(ArpMalformed, "arp_malformed", "ARP message that is not Ethernet over IPv4, or lies")          \
    X(IpTruncated, "ip_truncated", "frame ends inside the IP header")                                \
    X(IpVersion, "ip_version", "IP version does not match the EtherType")                            \
    X(IpHeaderLength, "ip_header_length", "IPv4 header length under five words or past the packet")  \
    X(IpTotalLength, "ip_total_length", "IP length under its header or over the frame")              \
    X(IpChecksum, "ip_checksum", "IPv4 header checksum wrong")                                       \
    X(IpAddress, "ip_address", "impossible source or destination address, or both the same")         \
    X(IpExtensionChain, "ip_extension_chain", "IPv6 extension chain too long, repeated or refused")  \
    X(IpProtocolUnknown, "ip_protocol_unknown", "neither TCP nor ICMP")                              \
    X(FragmentMalformed, "fragment_malformed", "fragment overlapping, tiny or beyond 64 KiB")        \
    X(FragmentLimit, "fragment_limit", "reassembly out of memory, fragments or time")                \
    X(IcmpTruncated, "icmp_truncated", "ICMP message shorter than its header")                       \
    X(IcmpChecksum, "icmp_checksum", "ICMP checksum wrong")                                          \
    X(IcmpMalformed, "icmp_malformed", "ICMP message that does not parse")                           \
    X(IcmpUnmatched, "icmp_unmatched", "ICMP error for nothing in flight (RFC 5927)")                \
    X(IcmpIgnored, "icmp_ignored", "ICMP type without a meaning here, or rate-limited echo")         \
    X(NdMalformed, "nd_malformed", "neighbour discovery message that RFC 4861 refuses")              \
    X(TcpTruncated, "tcp_truncated", "packet ends inside the TCP header")                            \
    X(TcpDataOffset, "tcp_data_offset", "TCP data offset under five words or past the segment")      \
    X(TcpChecksum, "tcp_checksum", "TCP checksum wrong")                                             \
    X(TcpPortZero, "tcp_port_zero", "source or destination port zero")                               \
    X(TcpNoListener, "tcp_no_listener", "segment for no connection and no service")                  \
    X(TcpBadFlags, "tcp_bad_flags", "combination of control bits that opens nothing")                \
    X(TcpOutOfWindow, "tcp_out_of_window", "no byte of the segment in the receive window")           \
    X(TcpPaws, "tcp_paws", "timestamp older than the last (RFC 7323 PAWS)")                          \
    X(TcpAckInvalid, "tcp_ack_invalid", "acknowledges what was never sent, or too old (RFC 5961)")   \
    X(TcpNoAck, "tcp_no_ack", "neither ACK nor RST nor SYN in a synchronised state")                 \
    X(TcpRstInvalid, "tcp_rst_invalid", "RST not at the expected sequence number (RFC 5961)")        \
    X(TcpSynInWindow, "tcp_syn_in_window", "SYN in a synchronised state (RFC 5961)")                 \
    X(TcpTimeWaitRst, "tcp_time_wait_rst", "RST to a TIME_WAIT (RFC 1337)")                          \
    X(TcpHalfOpenLimit, "tcp_half_open_limit", "SYN with the half-open table full")                  \
    X(TcpSlotLimit, "tcp_slot_limit", "handshake completed with no connection slot free")            \
    X(TcpOutOfOrderLimit, "tcp_out_of_order_limit", "out-of-order queue full")                       \
    X(TcpDuplicate, "tcp_duplicate", "payload received before")                                      \
    X(TcpWindowFull, "tcp_window_full", "payload beyond the receive window trimmed")                 \
    X(TcpClosed, "tcp_closed", "payload after our side stopped reading")                             \
    X(TcpDraining, "tcp_draining", "SYN during a drain")                                             \
    X(BufferPressure, "buffer_pressure", "payload dropped unacknowledged, buffers nearly out")       \
    X(HandOverFull, "hand_over_full", "worker-to-worker ring full")                                  \
    X(NeighbourQueueFull, "neighbour_queue_full", "packet waiting for address resolution displaced") \
    X(NeighbourFailed, "neighbour_failed", "next hop does not answer")                               \
    X(NoRoute, "no_route", "no route to the destination")                                            \
    X(NoBuffer, "no_buffer", "no buffer for a frame to be sent")                                     \
    X(TransmitFull, "transmit_full", "device refused a frame and its queue was full")                \
    X(PortGone, "port_gone", "frame for a port whose device was removed")

// Why a connection (one leg) ended.
#define TERMINUS_CLOSE_REASONS(X)                                                     \
    X(Normal, "normal", "both sides sent FIN and all bytes arrived")                  \
    X(ResetReceived, "rst_received", "the peer sent RST")                             \
    X(Refused, "refused", "our SYN was answered by RST or ICMP port unreachable")     \
    X(Unreachable, "unreachable", "ICMP said so during the handshake")                \
    X(SynTimeout, "syn_timeout", "our SYN was not answered")                          \
    X(SynAckTimeout, "synack_timeout", "our SYN-ACK was not answered")                \
    X(RetransmitTimeout, "retransmit_timeout", "data was not acknowledged")           \
    X(UserTimeout, "user_timeout", "data was not acknowledged within user_timeout")   \
    X(PersistTimeout, "persist_timeout", "zero-window probes were not answered")      \
    X(KeepaliveTimeout, "keepalive_timeout", "keepalive probes were not answered")    \
    X(FinTimeout, "fin_timeout", "orphan in FIN_WAIT_2 for too long")                 \
    X(OrphanLimit, "orphan_limit", "too many orphans, or data for one")               \
    X(PeerLegReset, "peer_leg_reset", "the session's other leg was reset or failed")  \
    X(ConnectFailed, "connect_failed", "no backend could be reached")                 \
    X(IdleTimeout, "idle_timeout", "no byte moved for idle_timeout")                  \
    X(HalfCloseTimeout, "half_close_timeout", "half-closed for half_close_timeout")   \
    X(MemoryPressure, "memory_pressure", "buffers held by a slow reader were needed") \
    X(ServiceRemoved, "service_removed", "the service is no longer configured")       \
    X(Drain, "drain", "the drain's grace was over")                                   \
    X(TimeWaitReused, "time_wait_reused", "a new SYN took the TIME_WAIT's place")     \
    X(TimeWaitLimit, "time_wait_limit", "max_tw_buckets reached")

// Why a segment was sent again.
#define TERMINUS_RETRANSMIT_CAUSES(X)                                                               \
    X(Syn, "syn", "SYN not answered")                                                               \
    X(SynAck, "syn_ack", "SYN-ACK not answered")                                                    \
    X(Timeout, "timeout", "retransmission timer expired")                                           \
    X(FastRetransmit, "fast_retransmit", "found lost by SACK, time or duplicates (RFC 6675, 8985)") \
    X(TailLossProbe, "tail_loss_probe", "last segment again as a probe (RFC 8985 7)")               \
    X(PathMtu, "path_mtu", "sent again smaller after ICMP too big")                                 \
    X(WindowReopened, "window_reopened", "the peer's window had closed over it")

#define TERMINUS_TIMERS(X)                                            \
    X(Establishment, "establishment", "SYN or SYN-ACK unanswered")    \
    X(Retransmission, "retransmission", "data or FIN unacknowledged") \
    X(DelayedAck, "delayed_ack", "acknowledgement held back")         \
    X(Persist, "persist", "zero window with data to send")            \
    X(Keepalive, "keepalive", "connection idle")                      \
    X(FinWait2, "fin_wait_2", "orphan waiting for the peer's FIN")    \
    X(TimeWait, "time_wait", "2 MSL over")

// Why a RST was sent.
#define TERMINUS_RESET_REASONS(X)                                                                 \
    X(NoConnection, "no_connection", "segment for no connection")                                 \
    X(HandshakeInvalid, "handshake_invalid", "unacceptable acknowledgement during the handshake") \
    X(Aborted, "aborted", "our side gave the connection up")                                      \
    X(DataAfterClose, "data_after_close", "data arrived for nobody")                              \
    X(Draining, "draining", "new connection during a drain")

// What ended a worker's sleep.
#define TERMINUS_WAKES(X)                                                 \
    X(Frame, "frame", "a port told of a frame")                           \
    X(Mail, "mail", "the control thread or another worker has something") \
    X(Deadline, "deadline", "a timer is due")                             \
    X(Timeout, "timeout", "nothing: the longest moment of sleep was over")

#define TERMINUS_ENUMERATOR(name, label, help) name,
enum class DropReason : std::uint8_t { TERMINUS_DROP_REASONS(TERMINUS_ENUMERATOR) };
enum class CloseReason : std::uint8_t { TERMINUS_CLOSE_REASONS(TERMINUS_ENUMERATOR) };
enum class RetransmitCause : std::uint8_t { TERMINUS_RETRANSMIT_CAUSES(TERMINUS_ENUMERATOR) };
enum class Timer : std::uint8_t { TERMINUS_TIMERS(TERMINUS_ENUMERATOR) };
enum class ResetReason : std::uint8_t { TERMINUS_RESET_REASONS(TERMINUS_ENUMERATOR) };
enum class Wake : std::uint8_t { TERMINUS_WAKES(TERMINUS_ENUMERATOR) };
#undef TERMINUS_ENUMERATOR

/// A reason's words: `label` for metrics and JSON, `help` for people.
struct ReasonText {
    std::string_view label;
    std::string_view help;
};

#define TERMINUS_TEXT(name, label, help) ReasonText{label, help},
inline constexpr ReasonText kDropReasons[] = {TERMINUS_DROP_REASONS(TERMINUS_TEXT)};
inline constexpr ReasonText kCloseReasons[] = {TERMINUS_CLOSE_REASONS(TERMINUS_TEXT)};
inline constexpr ReasonText kRetransmitCauses[] = {TERMINUS_RETRANSMIT_CAUSES(TERMINUS_TEXT)};
inline constexpr ReasonText kTimers[] = {TERMINUS_TIMERS(TERMINUS_TEXT)};
inline constexpr ReasonText kResetReasons[] = {TERMINUS_RESET_REASONS(TERMINUS_TEXT)};
inline constexpr ReasonText kWakes[] = {TERMINUS_WAKES(TERMINUS_TEXT)};
#undef TERMINUS_TEXT

constexpr const ReasonText& text(DropReason reason) {
    return kDropReasons[static_cast<std::size_t>(reason)];
}
constexpr const ReasonText& text(CloseReason reason) {
    return kCloseReasons[static_cast<std::size_t>(reason)];
}
constexpr const ReasonText& text(RetransmitCause cause) {
    return kRetransmitCauses[static_cast<std::size_t>(cause)];
}
constexpr const ReasonText& text(Timer timer) {
    return kTimers[static_cast<std::size_t>(timer)];
}
constexpr const ReasonText& text(ResetReason reason) {
    return kResetReasons[static_cast<std::size_t>(reason)];
}
constexpr const ReasonText& text(Wake wake) {
    return kWakes[static_cast<std::size_t>(wake)];
}

}  // namespace terminus::stats
