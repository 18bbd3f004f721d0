#pragma once

#include <cstdint>

#include "wire/arp.hpp"
#include "wire/checksum.hpp"
#include "wire/frames.hpp"
#include "wire/icmp.hpp"
#include "wire/tcp.hpp"
#include "worker/duo.hpp"

namespace terminus::worker::test {

/// A machine on the Duo's network, 10.0.0.99, whose frames are made by hand. It hears nothing.
class Stranger {
 public:
    explicit Stranger(Duo& duo) : duo_(duo) {}

    /// From now on the workers know where it is; they ask otherwise, and nobody answers.
    void introduce() {
        using terminus::test::operator+;
        terminus::test::Octets arp(wire::kArpLength);
        wire::write_arp({.sender_mac = kMac, .sender = kAddress, .target = wire::IpAddress::v4(10, 0, 0, 1)},
                        arp);
        arrive(terminus::test::ethernet(wire::kEtherTypeArp, wire::MacAddress::broadcast(), kMac) + arp);
    }
    /// From that port to the service, with so many bytes of text.
    void syn(std::uint16_t port, std::size_t text = 0) {
        arrive(frame(segment(port, Duo::kServicePort, wire::TcpFlags::kSyn, text)));
    }
    /// The same in two fragments, of which this is the first or the second.
    void syn_fragment(std::uint16_t port, bool is_first) {
        constexpr std::ptrdiff_t kCut = 64;
        const terminus::test::Octets whole = segment(port, Duo::kServicePort, wire::TcpFlags::kSyn, 100);
        if (is_first) {
            arrive(frame({whole.begin(), whole.begin() + kCut}, wire::kProtocolTcp, 0, true));
        } else {
            arrive(frame({whole.begin() + kCut, whole.end()}, wire::kProtocolTcp, kCut, false));
        }
    }
    /// To a port on which nobody listens.
    void stray_ack(std::uint16_t port) { arrive(frame(segment(port, 81, wire::TcpFlags::kAck, 0))); }
    void ping() {
        terminus::test::Octets message(wire::kIcmpHeader);
        (void)wire::write_icmp({.type = wire::kIcmpEchoRequest}, kAddress, kService, {}, message);
        arrive(frame(message, wire::kProtocolIcmp));
    }

 private:
    static constexpr wire::MacAddress kMac{{2, 0, 0, 0, 0, 0x99}};
    static constexpr wire::IpAddress kAddress = wire::IpAddress::v4(10, 0, 0, 99);
    static constexpr wire::IpAddress kService = wire::IpAddress::v4(10, 0, 0, 80);

    static terminus::test::Octets segment(std::uint16_t from, std::uint16_t to, std::uint8_t flags,
                                          std::size_t text) {
        terminus::test::Octets tcp(20 + text, 'x');
        (void)wire::write_tcp({.source_port = from,
                               .destination_port = to,
                               .seq = wire::SeqNum(1),
                               .ack = wire::SeqNum(flags == wire::TcpFlags::kAck ? 7 : 0),
                               .flags = {flags},
                               .window = 1000},
                              tcp);
        base::store_be16(&tcp[16], wire::l4_checksum(kAddress, kService, wire::kProtocolTcp, tcp));
        return tcp;
    }
    static terminus::test::Octets frame(const terminus::test::Octets& l4,
                                        std::uint8_t protocol = wire::kProtocolTcp, std::uint16_t offset = 0,
                                        bool more = false) {
        return terminus::test::frame_v4(l4, protocol,
                                        {.source = kAddress,
                                         .destination = kService,
                                         .identification = 5,
                                         .fragment_offset = offset,
                                         .more_fragments = more},
                                        {{2, 0, 0, 0, 0, 1}});
    }
    void arrive(const terminus::test::Octets& bytes) {
        duo_.port().arrive(terminus::test::make_buffer(bytes));
    }

    Duo& duo_;
};

}  // namespace terminus::worker::test
