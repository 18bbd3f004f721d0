#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "replay/played_backends.hpp"
#include "sim/memory_port.hpp"
#include "stack/network.hpp"
#include "stack/settings.hpp"
#include "stack/stack.hpp"
#include "stats/core_stats.hpp"
#include "wire/address.hpp"

namespace terminus::replay {

/// One host that has all backends' addresses: the stack that ships, with numbers, buffers and a seed of its
/// own. Whoever it asks for by ARP or neighbour discovery is there.
class BackendHost {
 public:
    struct Settings {
        std::vector<wire::Endpoint> listen;
        std::uint16_t mtu = 1500;
        std::uint32_t connections_max = 64;
        std::uint64_t seed = 1;
        stack::Buffers buffers;  ///< no one else's
    };

    BackendHost(const Settings& settings, base::Instant now);
    BackendHost(const BackendHost&) = delete;
    BackendHost& operator=(const BackendHost&) = delete;

    [[nodiscard]] PlayedBackends& app() { return app_; }
    [[nodiscard]] const PlayedBackends& app() const { return app_; }

    /// A frame for it, whatever its Ethernet address. False: it has no buffer, and the frame is lost.
    bool arrive(base::Bytes frame);
    /// A RST in answer to a SYN, as from a port where nobody listens.
    void refuse(const wire::FourTuple& tuple, const wire::TcpSegment& syn);
    /// One turn, at a time that never goes back.
    void turn(base::Instant now);
    /// Whether another turn at the same time would find something to do.
    [[nodiscard]] bool has_work() const { return stack_.has_work() || port_.waiting_to_receive() > 0; }
    /// When a turn has something to do at the latest, with nothing arriving.
    [[nodiscard]] base::Instant next_at() const;
    /// The oldest IP packet that it sent, as a frame.
    [[nodiscard]] std::optional<std::vector<std::uint8_t>> take_sent();

 private:
    void take_transmitted();

    stack::Settings settings_;
    sim::MemoryPort port_;
    PlayedBackends app_;
    stats::CoreStats stats_;
    stack::Network network_;
    stack::Stack<PlayedBackends> stack_;
    std::deque<std::vector<std::uint8_t>> sent_;
};

}  // namespace terminus::replay
