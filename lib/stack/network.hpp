#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/fixed_vector.hpp"
#include "base/time.hpp"
#include "flow/table.hpp"
#include "neigh/cache.hpp"
#include "neigh/echo.hpp"
#include "neigh/icmp_verdict.hpp"
#include "neigh/interface.hpp"
#include "neigh/responder.hpp"
#include "neigh/routes.hpp"
#include "packet/archive.hpp"
#include "packet/batch.hpp"
#include "packet/byte_queue.hpp"
#include "packet/frame_builder.hpp"
#include "packet/port.hpp"
#include "packet/reassembly.hpp"
#include "stack/message.hpp"
#include "stack/reset_limit.hpp"
#include "stack/settings.hpp"
#include "stats/core_stats.hpp"
#include "tcp/connection.hpp"
#include "tcp/time_wait.hpp"
#include "wire/frame.hpp"
#include "wire/ipv4.hpp"
#include "wire/tcp.hpp"

namespace terminus::stack {

/// Where a frame was received: a frame that another worker handed over is not handed on again.
enum class Origin : std::uint8_t { Device, HandOver };

/// What is left to do for a received frame.
enum class Received : std::uint8_t {
    Nothing,    ///< answered, kept for reassembly, handed over, or dropped and counted
    Tcp,        ///< a segment: tuple, segment and payload are set
    IcmpError,  ///< an error about a segment of ours: tuple, icmp_error, quoted_seq are set
    Other,      ///< not plain TCP, or with a fault: receive_other() has to see it
};

/// A frame on its way to a connection.
struct Arrival {
    packet::Buffer frame;
    std::uint16_t port = 0;
    Origin origin = Origin::Device;
    wire::FourTuple tuple;
    std::uint16_t local_id = 0;
    wire::TcpSegment segment;
    std::uint32_t payload_offset = 0;  ///< from the frame's start
    tcp::IcmpError icmp_error = tcp::IcmpError::Soft;
    wire::SeqNum quoted_seq;
    std::uint16_t next_hop_mtu = 0;
};

/// IP header fields that a service may set.
struct HopFields {
    std::uint8_t hop_limit = 64;
    std::uint8_t traffic_class = 0;
    std::uint32_t flow_label = 0;  ///< IPv6's
};

/// What segments bring along: `segments` times `length` bytes of `queue` from `offset` on.
struct Text {
    const packet::ByteQueue* queue = nullptr;  ///< nullptr: nothing
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
    std::uint32_t segments = 1;
};

[[nodiscard]] flow::Key key_of(const wire::FourTuple& tuple, std::uint16_t local_id);
[[nodiscard]] flow::Key key_of(const tcp::HalfOpen& half_open);
[[nodiscard]] flow::Key key_of(const tcp::TimeWait& time_wait);

/// One core's link and network layers below TCP: addresses, routes, neighbours, ICMP, reassembly, frames in
/// and out. Worker 0 alone asks, answers, ages and announces (DESIGN 3.4); the others send it what concerns
/// it and ask it for next hops, through outbox().
class Network {
 public:
    /// `ports` by port index; they outlive the Network.
    Network(const Settings& settings, std::vector<packet::Port*> ports, stats::CoreStats& stats,
            base::Instant now);
    Network(const Network&) = delete;
    Network& operator=(const Network&) = delete;

    // ---- in

    /// Takes a frame to pieces; `arrival` is filled when something is left to do.
    Received receive(packet::Buffer frame, std::uint16_t port, Origin origin, base::Instant now,
                     Arrival& arrival);
    /// The first half of receive(), which changes nothing that what comes after could meet: for who looks
    /// ahead.
    Received receive_plain(packet::Buffer frame, std::uint16_t port, Origin origin, Arrival& arrival);
    /// The second, after Received::Other and when the frame has its turn.
    Received receive_other(Arrival& arrival, base::Instant now);
    /// Gives a frame without a connection here to the worker that owns its 4-tuple; false when that is this
    /// one.
    bool hand_over_if_foreign(Arrival& arrival);
    /// A next hop that this worker asked for, or asked of it.
    void message_arrives(const Message& message, base::Instant now);

    // ---- out

    [[nodiscard]] std::optional<std::uint16_t> port_to(const wire::IpAddress& remote) const;
    /// Who gets what is sent to `remote`; nothing without a route.
    [[nodiscard]] std::optional<neigh::NextHop> route_to(const wire::IpAddress& remote) const {
        return routes_.lookup(remote);
    }
    /// The MSS we announce to `remote`: the interface's MTU less IP and TCP headers (RFC 9293 3.7.1).
    [[nodiscard]] std::uint16_t mss_towards(const wire::IpAddress& remote) const;
    [[nodiscard]] wire::FourTuple tuple_of(const flow::Key& key) const;
    /// How many frames more `port` takes now; sends what is waiting first when it must.
    [[nodiscard]] std::uint32_t room(std::uint16_t port);
    /// A frame for each segment of `text`, or one for all where the port cuts it, with consecutive numbers; a
    /// PSH is the last one's.
    void send_tcp(const wire::FourTuple& tuple, const neigh::NextHop& next_hop, const HopFields& hop,
                  const wire::TcpHeader& header, const Text& text, base::Instant now);
    /// RSTs without a connection are limited, in all and for each address that they go to.
    [[nodiscard]] bool may_answer_with_reset(const wire::IpAddress& to, base::Instant now) {
        return resets_.admit(to, now);
    }
    /// TTL and hop limit of what is not TCP: echo replies.
    void set_hop_limit(std::uint8_t hop_limit) { hop_limit_ = hop_limit; }
    /// Another port in the place of one, with its capabilities: from now on that one sends.
    void replace_port(std::uint16_t index, packet::Port& port) { ports_[index] = &port; }
    /// Gives the ports what is waiting for them.
    void flush();
    [[nodiscard]] bool has_unsent() const;

    // ---- time, workers and reloads

    /// Neighbour timers, announcements and reassembly time-outs.
    void advance(base::Instant now);
    [[nodiscard]] base::Instant next_deadline() const;
    /// What other workers should get, until there is none: the worker takes all of it after each stage.
    [[nodiscard]] std::optional<OutMessage> poll_message();
    /// Addresses that a reload added; announced like those at start.
    void add_local_addresses(const std::vector<wire::IpAddress>& by_id, base::Instant now);

    /// Between two turns. What is for other workers has left the outbox by then.
    template <typename Archive>
    void archive(Archive& a);

 private:
    /// Frames that wait for a next hop, in all and for one (RFC 1122 2.3.2.2: at least one).
    static constexpr std::size_t kWaitingMax = 256;
    static constexpr std::size_t kWaitingPerHopMax = 16;
    static constexpr std::size_t kOutboxMax = 512;
    static constexpr std::size_t kEchoBytesMax = 1480;  // one unfragmented Ethernet packet's

    struct WaitingFrame {
        packet::Buffer frame;
        wire::IpAddress next_hop;
        std::uint16_t port = 0;
    };

    // network_in.cpp
    Received receive_ip(wire::Frame& header, Arrival& arrival, base::Instant now);
    Received receive_tcp(const wire::Frame& header, Arrival& arrival);
    Received segment_received(const wire::Frame& header, neigh::LocalId local_id, Arrival& arrival);
    Received receive_icmp(const wire::Frame& header, Arrival& arrival, base::Instant now);
    Received receive_icmp_error(const wire::IcmpMessage& message, Arrival& arrival);
    void receive_arp(const wire::Frame& header, Arrival& arrival, base::Instant now);
    void receive_nd(const wire::Frame& header, base::Bytes message, const Arrival& arrival,
                    base::Instant now);
    void answer_echo(const wire::Frame& header, base::Bytes request, const Arrival& arrival,
                     base::Instant now);
    [[nodiscard]] bool is_for_us(const wire::Frame& header) const;
    [[nodiscard]] std::uint16_t home_of(const wire::IpAddress& address) const;
    bool to_worker_0(Arrival& arrival);
    void drop(stats::DropReason reason) { stats_.drops[reason].add(); }

    // network_out.cpp
    void send_to_next_hop(packet::Buffer frame, const neigh::NextHop& next_hop, base::Instant now);
    void dispatch(packet::Buffer frame, const neigh::NextHop& next_hop, neigh::Lookup::Kind next);
    void enqueue(packet::Buffer frame, std::uint16_t port);
    void wait_for(packet::Buffer frame, const neigh::NextHop& next_hop);
    void resolved(const wire::IpAddress& next_hop, std::uint16_t port,
                  const std::optional<wire::MacAddress>& mac);
    void tell_workers(const wire::IpAddress& address, std::uint16_t port, const wire::MacAddress& mac);
    void send_message(const neigh::Message& message);
    void enqueue_built(packet::Buffer frame, std::uint16_t port);
    void poll_neighbours();
    void post(std::uint16_t worker, Message message);
    [[nodiscard]] packet::FrameAddressing addressing(const wire::IpAddress& source,
                                                     const wire::IpAddress& destination,
                                                     std::uint16_t port) const;

    const Settings& settings_;
    stats::CoreStats& stats_;
    std::vector<packet::Port*> ports_;
    std::vector<packet::FrameBuilder> builders_;
    std::vector<std::unique_ptr<packet::Batch>> unsent_;
    neigh::LocalAddresses local_;
    neigh::RouteTable routes_;
    neigh::NeighbourCache neighbours_;
    neigh::Responder responder_;
    neigh::EchoResponder echo_;
    packet::Reassembler reassembler_;
    base::FixedVector<WaitingFrame, kWaitingMax> waiting_;
    base::FixedVector<OutMessage, kOutboxMax> outbox_;
    std::size_t outbox_taken_ = 0;  // the worker takes all of them after each stage
    ResetLimit resets_;
    std::uint8_t hop_limit_;
};

template <typename Archive>
void Network::archive(Archive& a) {
    local_.archive(a);
    neighbours_.archive(a);
    responder_.archive(a);
    echo_.archive(a);
    resets_.archive(a);
    a(hop_limit_);
    reassembler_.archive(a);
    const std::uint32_t waiting = a.count(waiting_.size(), kWaitingMax);
    for (std::uint32_t i = 0; i < waiting && a.ok(); ++i) {
        if constexpr (Archive::kReads) waiting_.push_back({});
        WaitingFrame& entry = waiting_[i];
        a(entry.next_hop, entry.port);
        if constexpr (Archive::kReads) {
            entry.frame = packet::archive_frame(a);
        } else {
            packet::archive_frame(a, entry.frame.get());
        }
    }
    a.same(unsent_.size());
    for (const auto& batch : unsent_)
        packet::archive_batch(a, *batch);
}

}  // namespace terminus::stack
