#pragma once

#include <rte_mempool.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "packet/byte_queue.hpp"
#include "packet/port.hpp"
#include "packet/slice.hpp"
#include "wire/address.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv6.hpp"
#include "wire/seq.hpp"
#include "wire/tcp.hpp"

namespace terminus::packet {

/// What stands in front of a transport header.
struct FrameAddressing {
    wire::MacAddress source_mac;
    wire::MacAddress destination_mac;
    wire::IpAddress source;
    wire::IpAddress destination;  ///< same family as source
    std::uint8_t hop_limit = 64;
    std::uint8_t traffic_class = 0;
    std::uint32_t flow_label = 0;      ///< IPv6, 20 bits
    std::uint16_t identification = 0;  ///< IPv4; 0 with DF (RFC 6864)
};

/// What TCP frames that follow each other have in common, ready-made: all but number, PSH and text.
struct TcpHeaders {
    static constexpr std::size_t kBytesMax = wire::kEthernetHeader + wire::kIpv6Header + wire::kTcpHeaderMax;

    std::array<std::uint8_t, kBytesMax> bytes;  ///< Ethernet, IP and TCP
    std::uint8_t l3_length;
    std::uint8_t l4_length;
    std::uint32_t text_length;  ///< of each frame
    std::uint64_t offloads;     ///< RTE_MBUF_F_TX_*; 0 where the checksum is ours
    std::uint64_t partial_sum;  ///< of pseudo-header, and of TCP header where the checksum is ours
};

/// The only place where frames are made (DESIGN 3.6). Headers and copies come from `header_pool`; an empty
/// pool yields an empty Buffer, which the caller counts.
class FrameBuilder {
 public:
    /// Room behind the headroom that header_pool's mbufs have at least: a frame of the usual MTU. A pool for
    /// a port with a larger MTU needs its frames' length.
    static constexpr std::uint16_t kFrameMin = 1514;

    /// Text of a segment that a device cuts off, at least: i40e and iavf refuse frames with less, others have
    /// lower limits.
    static constexpr std::uint32_t kTsoTextMin = 256;

    FrameBuilder(rte_mempool* header_pool, rte_mempool* indirect_pool, PortCapabilities capabilities);

    /// A TCP frame with payload [offset, offset + length) of `queue` (nullptr for none): attached by
    /// reference where the port can take it, copied otherwise or when it is small. Checksums by the device
    /// where it offers, else here.
    [[nodiscard]] Buffer tcp(const FrameAddressing& addressing, const wire::TcpHeader& header,
                             const ByteQueue* queue, std::uint32_t offset, std::uint32_t length) {
        return tcp(tcp_headers(addressing, header, length), header.seq, header.flags.psh(), queue, offset);
    }
    /// The same in two steps: what many frames with `length` bytes of text have in common, whatever number
    /// and PSH `header` has, and each of them.
    [[nodiscard]] TcpHeaders tcp_headers(const FrameAddressing& addressing, const wire::TcpHeader& header,
                                         std::uint32_t length) const;
    [[nodiscard]] Buffer tcp(const TcpHeaders& headers, wire::SeqNum seq, bool push, const ByteQueue* queue,
                             std::uint32_t offset);

    /// How many segments of `headers` go into one frame that the device cuts; 1: it cuts none.
    [[nodiscard]] std::uint32_t run_max(const TcpHeaders& headers) const;
    /// A frame that the device cuts into `segments` ones (TSO), 2 to run_max(), with text from `offset` of
    /// `queue` on; `push` is the last one's. Empty where buffers are short, or the text lies in more pieces
    /// than the device takes: its segments may still go one by one.
    [[nodiscard]] Buffer tcp_run(const TcpHeaders& headers, wire::SeqNum seq, bool push,
                                 const ByteQueue& queue, std::uint32_t offset, std::uint32_t segments);

    /// An IP packet around a finished transport message (ICMP, ICMPv6, anything small): IP header written
    /// and, for IPv4, its checksum. `message` carries its own checksum.
    [[nodiscard]] Buffer ip(const FrameAddressing& addressing, std::uint8_t protocol, base::Bytes message);

    /// An Ethernet frame around a finished message (ARP), padded to 60 bytes.
    [[nodiscard]] Buffer ethernet(wire::MacAddress source, wire::MacAddress destination,
                                  std::uint16_t ether_type, base::Bytes message);

 private:
    [[nodiscard]] Buffer begin_tcp(const TcpHeaders& headers, wire::SeqNum seq, bool push) const;
    [[nodiscard]] bool may_attach(std::uint32_t length) const;
    bool attach_payload(rte_mbuf* frame, const ByteQueue& queue, std::uint32_t offset, std::uint32_t length,
                        std::uint32_t pieces_max);
    /// Pieces of the text: in all, and the most that one of its segments touches.
    struct Pieces {
        std::uint32_t all = 0;
        std::uint32_t most = 0;
    };
    [[nodiscard]] static Pieces pieces_of(const ByteQueue& queue, std::uint32_t offset, std::uint32_t length,
                                          std::uint32_t segment_length);

    rte_mempool* header_pool_;
    rte_mempool* indirect_pool_;
    PortCapabilities capabilities_;
};

}  // namespace terminus::packet
