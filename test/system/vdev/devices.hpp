#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "dpdk/device.hpp"
#include "scene.hpp"

struct rte_ring;

namespace terminus::vdev {

/// The devices that come in pairs: a frame that one sends the other receives.
enum class Kind : std::uint8_t { Ring, Memif, AfPacket, AfXdp, Tap };

/// "ring", "memif", "af_packet", "af_xdp", "tap".
[[nodiscard]] std::string_view name_of(Kind kind);

/// Both wires of a run. The places of the four devices:
///
///     client ── client_end ═ front_end ── Terminus ── back_end ═ backend_end ── backend
///
/// Ring and memif need nothing of the kernel. AF_PACKET and AF_XDP open both ends of the veth pairs front0
/// and front1, back0 and back1, which the test has made and set up. TAP makes the interfaces front0 and
/// back0, and the peers are AF_PACKET devices on these.
class Wires {
 public:
    /// `folder` is for memif's sockets.
    [[nodiscard]] static base::Result<Wires, std::string> open(Kind kind, const std::string& folder,
                                                               const Pools& pools);
    Wires(Wires&& other) noexcept = default;
    Wires& operator=(Wires&& other) noexcept = default;
    ~Wires();

    [[nodiscard]] dpdk::Device& client_end() { return devices_[0]; }
    [[nodiscard]] dpdk::Device& front_end() { return devices_[1]; }
    [[nodiscard]] dpdk::Device& back_end() { return devices_[2]; }
    [[nodiscard]] dpdk::Device& backend_end() { return devices_[3]; }

    /// Polls until all four links are up: memif's two ends agree in a thread of EAL's.
    [[nodiscard]] bool wait_for_links(base::Duration limit);
    /// Receives and frees what is still under way, until nothing comes for a while.
    void drain();

 private:
    Wires() = default;
    std::vector<dpdk::Device> devices_;
    std::vector<rte_ring*> rings_;
};

}  // namespace terminus::vdev
