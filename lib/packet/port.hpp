#pragma once

#include <cstdint>

#include "packet/batch.hpp"
#include "wire/address.hpp"

namespace terminus::packet {

/// What a port can be trusted with; what is missing `packet` makes up for in software.
struct PortCapabilities {
    bool tx_ipv4_checksum = false;
    bool tx_tcp_checksum = false;      ///< TCP over both families
    bool tx_multi_segment = false;     ///< header mbuf chained to payload mbufs
    bool tx_indirect_buffers = false;  ///< reads indirect mbufs' data right (AF_XDP does not)
    bool keeps_pointer = false;  ///< hands the very mbuf to a peer (ring, memif zero-copy, memory): copy
    bool rx_checksum = false;    ///< flags bad checksums reliably; otherwise every one is verified
    std::uint16_t tx_segments_max = 1;   ///< mbufs a frame may consist of
    std::uint16_t tso_segments_max = 0;  ///< and one that the device cuts into segments (TSO); 0: it can't
};

/// One queue pair of a device, as one worker sees it: the only seam to the world (DESIGN 3.5). One indirect
/// call a burst, none a packet.
class Port {
 public:
    virtual ~Port() = default;
    Port(const Port&) = delete;
    Port& operator=(const Port&) = delete;

    /// Appends up to into.room() received frames.
    virtual void receive(Batch& into) = 0;
    /// Takes as many frames from the front as the device accepts; the rest stays in `frames`.
    virtual void transmit(Batch& frames) = 0;
    [[nodiscard]] virtual bool link_is_up() const = 0;

    // ---- for a worker that sleeps: a call a sleep, none a burst

    /// Whether receive() can ever find something.
    [[nodiscard]] virtual bool receives() const { return true; }
    /// What poll(2) finds readable once a frame has come while the port was armed; -1: this port can't tell.
    [[nodiscard]] virtual int wake_descriptor() const { return -1; }
    /// From here on a frame that comes is told. One that came before may not be: receive() once more, then
    /// wait. False when the device refuses.
    [[nodiscard]] virtual bool arm() { return false; }
    /// Frames need not be told any more.
    virtual void disarm() {}

    [[nodiscard]] const PortCapabilities& capabilities() const { return capabilities_; }
    [[nodiscard]] wire::MacAddress mac() const { return mac_; }
    /// Largest IP packet in bytes.
    [[nodiscard]] std::uint16_t mtu() const { return mtu_; }
    /// Frames that transmit() took and that the device could not send, so far: whoever polls the port counts
    /// them.
    [[nodiscard]] std::uint64_t frames_refused() const { return frames_refused_; }

 protected:
    Port(PortCapabilities capabilities, wire::MacAddress mac, std::uint16_t mtu)
        : capabilities_(capabilities), mac_(mac), mtu_(mtu) {}
    void refused_frame() { ++frames_refused_; }

 private:
    PortCapabilities capabilities_;
    wire::MacAddress mac_;
    std::uint16_t mtu_;
    std::uint64_t frames_refused_ = 0;
};

}  // namespace terminus::packet
