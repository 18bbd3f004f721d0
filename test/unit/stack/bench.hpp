#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/host.hpp"
#include "support/pool.hpp"
#include "wire/frame.hpp"
#include "wire/frames.hpp"
#include "wire/tcp.hpp"

/// One host of the stack under test, and a peer that consists of the test's own frames.
namespace terminus::stack::test {

using namespace std::chrono_literals;
using stats::CloseReason;
using stats::DropReason;
using stats::Leg;
using tcp::State;
using terminus::test::Flow;
using terminus::test::Host;
using terminus::test::HostOptions;
using terminus::test::Octets;
using terminus::test::random_bytes;
using terminus::test::Script;
using terminus::test::World;

inline constexpr std::uint8_t kFin = wire::TcpFlags::kFin, kSyn = wire::TcpFlags::kSyn,
                              kRst = wire::TcpFlags::kRst, kPsh = wire::TcpFlags::kPsh,
                              kAck = wire::TcpFlags::kAck;
inline constexpr std::uint8_t kUs = 2, kPeer = 1;
inline constexpr base::Duration kTick = timer::Wheel::kTick;

/// Reports buffers that were not given back; declared before the Bench, so that it looks when that is gone.
class LeakCheck {
 public:
    LeakCheck() : before_(terminus::test::buffers_in_use()) {}
    ~LeakCheck() { CHECK(terminus::test::buffers_in_use() == before_); }

 private:
    std::uint32_t before_;
};

/// A segment of the peer's.
struct Segment {
    std::uint8_t flags = kAck;
    wire::SeqNum seq;
    wire::SeqNum ack;
    std::string payload;
    wire::TcpOptions options;
    std::uint16_t window = UINT16_MAX;
    std::uint16_t from_port = 4000;
    std::uint16_t to_port = 80;
    std::uint8_t from = kPeer;  ///< number of the sending host
};

/// One of many clients' SYN, told from the others' by its port.
inline Segment syn_from(std::uint16_t port) {
    return {.flags = kSyn, .seq = wire::SeqNum(port), .from_port = port};
}

/// A frame of the stack's, checksums verified.
struct Sent {
    Octets bytes;
    wire::Frame frame;
    std::optional<wire::TcpSegment> tcp;
    std::string payload;

    [[nodiscard]] bool is_arp() const { return frame.ether_type == wire::kEtherTypeArp; }
    [[nodiscard]] base::Bytes l4() const {
        return base::Bytes(bytes).subspan(frame.l4_offset, frame.l4_length);
    }
};

/// A connection as the peer sees it: the next number of each side.
struct Peer {
    wire::SeqNum seq;
    wire::SeqNum ack;
    std::uint16_t port = 4000;
    std::uint8_t from = kPeer;

    [[nodiscard]] Segment segment(std::uint8_t flags, std::string payload = {}) const {
        return {.flags = flags,
                .seq = seq,
                .ack = ack,
                .payload = std::move(payload),
                .from_port = port,
                .from = from};
    }
};

class Bench {
 public:
    explicit Bench(bool is_v6 = false, HostOptions options = {});

    // ---- the peer's side

    /// The frame of a segment, checksums right.
    [[nodiscard]] Octets frame(const Segment& segment) const;
    /// A frame of the peer's around a whole transport message.
    [[nodiscard]] Octets ip_frame(std::uint8_t protocol, const Octets& l4, std::uint8_t from = kPeer) const;
    /// ICMP or ICMPv6, whichever the family has.
    [[nodiscard]] Octets icmp(std::uint8_t type, std::uint8_t code, std::uint32_t rest,
                              base::Bytes body) const;
    /// An ICMP or ICMPv6 error about `quoted`, a frame of the host's.
    [[nodiscard]] Octets icmp_error(std::uint8_t type, std::uint8_t code, std::uint32_t rest,
                                    const Sent& quoted) const;
    /// All in one burst, then a turn; in mbufs of at most `segment_bytes` if that isn't 0.
    void give(const std::vector<Octets>& frames, std::uint16_t segment_bytes = 0);
    /// One frame as it is, without Ethernet's padding.
    void give_exactly(const Octets& bytes);
    void give(const Octets& one) { give(std::vector<Octets>{one}); }
    void give(std::initializer_list<Segment> segments, std::uint16_t segment_bytes = 0);
    /// SYN, SYN-ACK, ACK from a port of the peer's; nothing else may have been sent meanwhile.
    Peer handshake(std::uint16_t port = 4000, std::uint8_t from = kPeer);
    /// Takes the stack's SYN for an active open and answers it with a SYN-ACK, whose number is the peer's;
    /// with timestamps when the SYN has them.
    Peer accept(std::uint8_t flags = kSyn | kAck);
    /// The sequence number that the stack begins a connection with now.
    [[nodiscard]] wire::SeqNum iss(std::uint16_t from_port = 4000, std::uint16_t to_port = 80) const;
    /// What the stack sent since it was last asked; address resolution that the bench answered is left out.
    [[nodiscard]] std::vector<Sent> sent();
    /// The only frame sent, a segment.
    [[nodiscard]] Sent sent_segment();

    // ---- time

    void turn();
    /// Lets `span` go by, a turn at each of the stack's deadlines.
    void advance(base::Duration span);
    /// `span` goes by without a turn, as for a process that was stopped; then comes one turn.
    void pause(base::Duration span);
    /// Sets the clock forward or back; no turn.
    void step_clock(base::Duration by) { now_ += by; }
    [[nodiscard]] base::Instant now() const { return now_; }

    /// Whether ARP requests and solicitations for other hosts are answered by the bench.
    void answer_neighbours(bool answers) { answers_neighbours_ = answers; }
    [[nodiscard]] Host& host() { return *host_; }
    [[nodiscard]] bool is_v6() const { return is_v6_; }
    [[nodiscard]] wire::IpAddress us() const { return Host::address_of(kUs, is_v6_); }
    [[nodiscard]] wire::IpAddress peer(std::uint8_t number = kPeer) const {
        return Host::address_of(number, is_v6_);
    }
    [[nodiscard]] std::uint64_t drops(DropReason reason) const { return host_->drops(reason); }

 private:
    void collect();
    bool answer(const Sent& question);
    static Sent read(const packet::Buffer& frame);

    bool is_v6_;
    base::Instant now_ = World::kStart;
    bool answers_neighbours_ = true;
    std::unique_ptr<Host> host_;
    std::vector<Sent> sent_;
};

}  // namespace terminus::stack::test
