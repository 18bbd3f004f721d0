#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <vector>

#include "base/time.hpp"
#include "load/backend_side.hpp"
#include "load/client_side.hpp"
#include "sim/link.hpp"
#include "sim/memory_port.hpp"
#include "support/pool.hpp"
#include "wire/frame.hpp"
#include "wire/tcp.hpp"

/// A client and a backend, the wire between them, and virtual time.
namespace terminus::load {

inline constexpr wire::MacAddress kClientMac{{2, 0, 0, 0, 0, 1}};
inline constexpr wire::MacAddress kBackendMac{{2, 0, 0, 0, 0, 2}};

inline wire::IpAddress client_address(bool is_v4) {
    return *wire::IpAddress::parse(is_v4 ? "192.0.2.10" : "2001:db8::10");
}
inline wire::IpAddress backend_address(bool is_v4) {
    return *wire::IpAddress::parse(is_v4 ? "192.0.2.200" : "2001:db8::200");
}

inline ClientSettings client_settings(bool is_v4 = true) {
    ClientSettings settings;
    settings.side.mac = kClientMac;
    settings.side.pool = test::pool();
    settings.side.local = {client_address(is_v4), 2};
    settings.side.local_ports = {1024, 8};
    settings.side.remote = {backend_address(is_v4), 1};
    settings.side.remote_ports = {80, 1};
    settings.side.next_hop = backend_address(is_v4);
    return settings;
}

inline BackendSettings backend_settings(bool is_v4 = true) {
    BackendSettings settings;
    settings.side.mac = kBackendMac;
    settings.side.pool = test::pool();
    settings.side.local = {backend_address(is_v4), 1};
    settings.side.local_ports = {80, 1};
    settings.side.remote = {client_address(is_v4), 2};
    settings.side.remote_ports = {1024, 64};
    return settings;
}

/// Looks at every frame as it is sent: it can be read by `wire`, and its checksums are good. Keeps TCP's.
class Watcher final : public sim::LinkObserver {
 public:
    struct Seen {
        sim::Direction direction;
        wire::Frame frame;
        wire::TcpSegment segment;
    };

    void sent(sim::Direction direction, const packet::Buffer& frame, base::Instant) override {
        const auto parsed = wire::parse_frame(frame.bytes(), frame.length());
        if (!parsed) FAIL("a frame that wire can't read");
        const wire::Frame& found = parsed.value();
        if (found.protocol != wire::kProtocolTcp) return;
        const base::Bytes l4 = frame.bytes().subspan(found.l4_offset, found.l4_length);
        if (!wire::l4_checksum_is_good(found, l4)) FAIL("a wrong checksum");
        const auto segment = wire::parse_tcp(l4, l4.size());
        if (!segment) FAIL("a segment that wire can't read");
        seen.push_back({direction, found, segment.value()});
    }

    std::vector<Seen> seen;
};

template <typename Client, typename Backend>
class Rig {
 public:
    template <typename ClientOptions, typename BackendOptions>
    Rig(const ClientOptions& client_options, const BackendOptions& backend_options,
        const sim::LinkSettings& link = {})
        : client(client_options),
          backend(backend_options),
          client_port_({.mac = kClientMac}),
          backend_port_({.mac = kBackendMac}),
          wire(client_port_, backend_port_, test::pool(), link) {
        wire.observe(&watcher);
    }

    /// Lets `span` go by in steps of 10 µs, or of what is said.
    void run(base::Duration span, base::Duration steps = std::chrono::microseconds(10)) {
        for (const base::Instant end = now + span; now < end; now += steps)
            step();
    }
    /// At most `limit`; whether it came to that.
    template <typename Done>
    [[nodiscard]] bool run_until(base::Duration limit, Done&& done) {
        for (const base::Instant end = now + limit; now < end; now += std::chrono::microseconds(10)) {
            if (done()) return true;
            step();
        }
        return false;
    }

    void step() {
        wire.advance(now);
        turn(client, client_port_);
        turn(backend, backend_port_);
        wire.advance(now);
    }

    /// A frame as if it came from the other end.
    void give_client(packet::Buffer frame) { client_port_.arrive(std::move(frame)); }
    void give_backend(packet::Buffer frame) { backend_port_.arrive(std::move(frame)); }

    Client client;
    Backend backend;
    Watcher watcher;
    base::Instant now = base::instant_from_ns(5'000'000'000);

 private:
    template <typename Side>
    void turn(Side& side, packet::Port& port) {
        packet::Batch in;
        port.receive(in);
        side.receive(in, now);
        packet::Batch out;
        side.run(now, out);
        port.transmit(out);
        if (!out.empty()) FAIL("the port has room for all");
    }

    sim::MemoryPort client_port_;
    sim::MemoryPort backend_port_;

 public:
    sim::Link wire;
};

using Pair = Rig<ClientSide, BackendSide>;

inline std::uint64_t failures(const Numbers& numbers) {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : numbers.failures)
        sum += count;
    return sum;
}

/// Nothing went wrong on either side, and both know as much of each other.
inline void require_clean(const Pair& pair) {
    for (std::size_t kind = 0; kind < kFailures; ++kind) {
        CAPTURE(kFailureNames[kind]);
        CHECK(pair.client.numbers().failures[kind] == 0);
        CHECK(pair.backend.numbers().failures[kind] == 0);
    }
    for (const Numbers* numbers : {&pair.client.numbers(), &pair.backend.numbers()})
        CHECK(numbers->retransmissions + numbers->duplicates + numbers->out_of_order == 0);
}

}  // namespace terminus::load
