#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "stack/settings.hpp"
#include "stats/core_stats.hpp"
#include "tcp/state.hpp"
#include "tcp/tunables.hpp"
#include "wire/address.hpp"

namespace terminus::drill {

class Sockets;

/// A packet that the machine sent.
struct SentPacket {
    base::Instant at;
    std::vector<std::uint8_t> bytes;  ///< the IP packet, checksums as they go on the wire; no Ethernet header
};

/// What a machine holds that an idle one doesn't.
struct Leftovers {
    std::uint32_t connections = 0;  ///< live, of whatever state but TIME_WAIT; half-opens not counted
    std::uint32_t half_opens = 0;
    std::uint32_t time_waits = 0;
    std::uint32_t timers = 0;   ///< entries of the stack's wheel: of the three above, or leaked
    std::uint32_t buffers = 0;  ///< of all three pools, beyond what was in use when the machine was made

    [[nodiscard]] bool any() const { return connections + half_opens + time_waits + timers + buffers != 0; }
};

struct MachineSettings {
    /// Addresses of ours, and what packets from elsewhere pass on their way: everything that is not ours is
    /// behind one gateway in our network, whose Ethernet address the machine itself answers for (ARP, ND).
    /// Neither those questions nor our announcements are ever among the packets sent.
    wire::Prefix local_v4{wire::IpAddress::v4(192, 168, 0, 1), 16};
    wire::IpAddress gateway_v4 = wire::IpAddress::v4(192, 168, 255, 254);
    wire::Prefix local_v6{wire::IpAddress::v6({0xfd, 0x3d, 0x0a, 0x0b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}),
                          48};
    wire::IpAddress gateway_v6 =
        wire::IpAddress::v6({0xfd, 0x3d, 0x0a, 0x0b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2});
    std::uint16_t mtu = 1500;  ///< bytes of an IP packet
    tcp::Tunables tunables;
    /// Pools, shared by as many machines as like. A connection is promised at most 1/16 of what is free in
    /// the payload pool (stack::kBufferShareDivisor, kPromisedDivisor) at 1448 bytes a buffer: one with fewer
    /// than the receive buffer's size / 90 + reserve buffers offers smaller windows than its tunables say.
    stack::Buffers buffers;
    std::uint32_t connections_max = 256;
    std::uint32_t half_open_max = 256;
    std::uint32_t time_wait_max = 256;
    std::uint64_t seed = 1;  ///< of ISNs, timestamp offsets, ephemeral ports and cookies
};

/// A host with one network interface that is made of the stack that ships (stack::Stack and stack::Network,
/// over a memory port without any offload, so that every checksum is the stack's own), and whose programs are
/// system calls on sockets(). It lives in virtual time: nothing happens but what inject(), run_until() and
/// the system calls make happen, and the same calls give the same bytes at the same nanoseconds.
///
/// Time. Frames and system calls are dealt with at exactly now(), blocked calls return at exactly the event
/// that lets them. The stack's own timers fire in the first turn at or after the next tick of 2^16 ns
/// (DESIGN 3.3): never early, at most 65,536 ns late, and the machine has a turn at each of those ticks. A
/// schedule of several time-outs drifts by as much with each of them; tolerances of 1 ms and more never
/// notice. Time-outs of system calls (poll, epoll_wait, SO_LINGER, SO_RCVTIMEO) are no timers of the stack
/// and are exact.
class Machine {
 public:
    /// now() of a new machine; not zero, so that nothing confuses the start with "never set".
    static constexpr base::Instant kStart = base::instant_from_ns(1'000'000'000'000);

    explicit Machine(const MachineSettings& settings);
    ~Machine();
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    [[nodiscard]] base::Instant now() const;

    /// An IP packet (IPv4 or IPv6, as its first nibble says) arrives from the gateway and is dealt with at
    /// once, at now(): what it makes the machine send is in take_sent() when this returns, and blocked calls
    /// that it ends have their completions. The packet may be longer than the MTU, at most 64 KiB: it comes
    /// as a chain of buffers. False when it is empty or too long, or the pool is.
    [[nodiscard]] bool inject(base::Bytes packet);

    /// Lets time go by until `when`, with a turn at each deadline on the way, `when` included; nothing when
    /// `when` is not after now().
    void run_until(base::Instant when);

    /// Goes to the next deadline, at most to `limit`, and has one turn there; false when it came to `limit`
    /// without one. So whoever waits for a packet can look after each turn.
    bool run_to_next_deadline(base::Instant limit);

    /// The earliest instant at which something of the machine's own may happen: a timer of the stack or a
    /// blocked call's time-out; base::kNever when there is none. A turn there may find nothing to do (the
    /// wheel moves timers between its levels, and neighbours age).
    [[nodiscard]] base::Instant next_deadline() const;

    /// The packets sent since the last call, in order.
    [[nodiscard]] std::vector<SentPacket> take_sent();

    /// The machine's programs; see there. A call's segments are in take_sent() when it returns.
    [[nodiscard]] Sockets& sockets();

    /// Sysctls. Connections follow at their next event, unless an option of their socket overrides the value.
    [[nodiscard]] const tcp::Tunables& tunables() const;
    void set_tunables(const tcp::Tunables& tunables);
    /// The Fast Open cookies of other hosts, and who didn't take them, are forgotten.
    void forget_peers();

    /// RFC 9293's state of the connection with this name, whether a descriptor is left for it or not:
    /// SYN_RECEIVED for a half-open, TIME_WAIT, or the state of one that lives; nothing when there is none.
    [[nodiscard]] std::optional<tcp::State> state(const wire::FourTuple& tuple) const;
    [[nodiscard]] Leftovers leftovers() const;
    [[nodiscard]] const stats::CoreStats& stats() const;
    [[nodiscard]] const MachineSettings& settings() const;

    /// For Sockets: the time of the stack becomes now().
    void begin_call();
    /// For Sockets: turns, at now(), until there is nothing left to do.
    void end_call();

 private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace terminus::drill
