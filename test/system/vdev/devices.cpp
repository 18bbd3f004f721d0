#include "devices.hpp"

#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ring.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.hpp"
#include "support/pool.hpp"
#include "worker/worker.hpp"

namespace terminus::vdev {
namespace {

using Done = base::Result<void, std::string>;

constexpr unsigned kRingFrames = 1024;
constexpr base::Duration kQuiet = std::chrono::milliseconds(50);

void nap() {
    const timespec span{.tv_sec = 0, .tv_nsec = 100'000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &span, nullptr);
}

/// Two ring devices, each of which receives what the other sends: net_ring's own arguments only loop one
/// device's ring back to itself.
Done make_ring_pair(const std::string& first, const std::string& second, std::vector<rte_ring*>& rings) {
    std::array<rte_ring*, 2> pair{};
    for (std::size_t i = 0; i < pair.size(); ++i) {
        const std::string name = first + std::to_string(i);
        pair[i] = rte_ring_create(name.c_str(), kRingFrames, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
        if (pair[i] == nullptr) return base::Failure{"ring " + name + ": " + rte_strerror(rte_errno)};
        rings.push_back(pair[i]);
    }
    for (const bool is_first : {true, false}) {
        const std::string& name = is_first ? first : second;
        rte_ring* receive = pair[is_first ? 0 : 1];
        rte_ring* transmit = pair[is_first ? 1 : 0];
        if (rte_eth_from_rings(name.c_str(), &receive, 1, &transmit, 1, 0) < 0)
            return base::Failure{"net_ring_" + name + ": " + rte_strerror(rte_errno)};
    }
    return {};
}

/// The four device strings in order: client, front, back, backend.
std::array<std::string, 4> device_strings(Kind kind, const std::string& folder) {
    const auto memif = [&](const char* number, const char* role, const char* id) {
        return std::string("net_memif") + number + ",role=" + role + ",id=" + id + ",socket=" + folder +
               "/memif" + id + ",socket-abstract=no";
    };
    switch (kind) {
        case Kind::Ring:
            return {"net_ring_client", "net_ring_front", "net_ring_back", "net_ring_backend"};
        case Kind::Memif:  // Terminus is the server of one wire and the client of the other
            return {memif("0", "server", "0"), memif("1", "client", "0"), memif("2", "server", "1"),
                    memif("3", "client", "1")};
        case Kind::AfPacket:
            return {"net_af_packet0,iface=front1", "net_af_packet1,iface=front0",
                    "net_af_packet2,iface=back0", "net_af_packet3,iface=back1"};
        case Kind::AfXdp:
            return {"net_af_xdp0,iface=front1", "net_af_xdp1,iface=front0", "net_af_xdp2,iface=back0",
                    "net_af_xdp3,iface=back1"};
        case Kind::Tap:
            return {"net_af_packet0,iface=front0", "net_tap0,iface=front0", "net_tap1,iface=back0",
                    "net_af_packet1,iface=back0"};
    }
    TERMINUS_ASSERT(false, "every kind is a case above");
    return {};
}

}  // namespace

std::string_view name_of(Kind kind) {
    switch (kind) {
        case Kind::Ring:
            return "ring";
        case Kind::Memif:
            return "memif";
        case Kind::AfPacket:
            return "af_packet";
        case Kind::AfXdp:
            return "af_xdp";
        case Kind::Tap:
            return "tap";
    }
    TERMINUS_ASSERT(false, "every kind is a case above");
    return {};
}

base::Result<Wires, std::string> Wires::open(Kind kind, const std::string& folder, const Pools& pools) {
    Wires wires;
    if (kind == Kind::Ring) {
        for (const auto& [first, second] : {std::pair("client", "front"), std::pair("back", "backend")}) {
            const Done made = make_ring_pair(first, second, wires.rings_);
            if (!made) return base::Failure{made.error()};
        }
    }
    // A TAP makes the interface that the peer's device is opened on; a memif client wants its server there.
    const std::array<std::size_t, 4> order =
        kind == Kind::Tap ? std::array<std::size_t, 4>{1, 2, 0, 3} : std::array<std::size_t, 4>{0, 1, 2, 3};
    const std::array<std::string, 4> strings = device_strings(kind, folder);
    std::array<std::vector<dpdk::Device>, 4> opened;
    for (const std::size_t place : order) {
        const bool is_terminus = place == 1 || place == 2;
        dpdk::DeviceSettings settings;
        settings.name = std::array{"client", "front", "back", "backend"}[place];
        settings.device = strings[place];
        settings.rx_pools = {is_terminus ? pools.payload() : test::pool()};
        auto device = dpdk::Device::open(settings);
        if (!device) return base::Failure{device.error()};
        opened[place].push_back(std::move(device).value());
    }
    for (auto& one : opened)
        wires.devices_.push_back(std::move(one.front()));
    return wires;
}

Wires::~Wires() {
    devices_.clear();
    for (rte_ring* ring : rings_)
        rte_ring_free(ring);
}

bool Wires::wait_for_links(base::Duration limit) {
    const base::Instant end = worker::read_clock() + limit;
    while (worker::read_clock() < end) {
        bool all_up = true;
        for (dpdk::Device& device : devices_) {
            packet::Batch unwanted;
            device.port(0).receive(unwanted);
            all_up &= device.link_is_up();
        }
        if (all_up) return true;
        nap();
    }
    return false;
}

void Wires::drain() {
    base::Instant last = worker::read_clock();
    while (worker::read_clock() - last < kQuiet) {
        for (dpdk::Device& device : devices_) {
            packet::Batch rest;
            device.port(0).receive(rest);
            if (!rest.empty()) last = worker::read_clock();
        }
        nap();
    }
}

}  // namespace terminus::vdev
