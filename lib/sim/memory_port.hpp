#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "packet/port.hpp"
#include "packet/slice.hpp"
#include "wire/address.hpp"

namespace terminus::sim {

/// A queue pair in memory: the stack's side is packet::Port; the other side gives it frames and takes those
/// that it sent. It holds the stack to what it claims to be able to do: a frame that a device with these
/// capabilities couldn't send stops the program.
class MemoryPort final : public packet::Port {
 public:
    static constexpr std::uint32_t kUnlimited = UINT32_MAX;

    struct Settings {
        wire::MacAddress mac;
        packet::PortCapabilities capabilities;
        std::uint16_t mtu = 1500;
        std::uint32_t receive_max = 4096;          ///< frames that wait for receive(): the descriptor ring
        std::uint32_t transmit_room = kUnlimited;  ///< frames that may wait to be taken
    };

    /// What the better devices can do: checksums, chains, clones.
    [[nodiscard]] static packet::PortCapabilities able();
    /// One segment a frame, no clones, no checksums: AF_XDP.
    [[nodiscard]] static packet::PortCapabilities plain();
    /// Hands the stack's own buffers on: ring, memif without copy.
    [[nodiscard]] static packet::PortCapabilities pointer_keeping();
    /// As able(), and it cuts runs of segments: TSO.
    [[nodiscard]] static packet::PortCapabilities cutting();
    /// The four above by number, below kKinds: for worlds that may have any.
    static constexpr std::uint32_t kKinds = 4;
    [[nodiscard]] static packet::PortCapabilities of_kind(std::uint32_t kind);

    explicit MemoryPort(const Settings& settings);

    // ---- packet::Port

    void receive(packet::Batch& into) override;
    /// Accepts frames as far as there is room, in order; what it is to cut becomes as many frames as it says.
    void transmit(packet::Batch& frames) override;
    [[nodiscard]] bool link_is_up() const override { return is_up_; }

    // ---- the world's side

    /// A frame for the stack; freed and counted when receive_max wait.
    void arrive(packet::Buffer frame);
    /// The oldest frame that the stack sent, or that was cut from one, as it is: chains, clones and
    /// unfinished checksums included.
    [[nodiscard]] std::optional<packet::Buffer> take_transmitted();

    [[nodiscard]] std::size_t waiting_to_receive() const { return incoming_.size(); }
    [[nodiscard]] std::size_t waiting_to_transmit() const { return outgoing_.size(); }
    /// Frames that arrived at a full receive queue.
    [[nodiscard]] std::uint64_t missed() const { return missed_; }

    /// 0: nothing is accepted any more.
    void set_transmit_room(std::uint32_t frames) { transmit_room_ = frames; }
    void set_link(bool is_up) { is_up_ = is_up; }

 private:
    void check_is_sendable(const rte_mbuf* frame) const;

    std::uint32_t receive_max_;
    std::uint32_t transmit_room_;
    bool is_up_ = true;
    std::uint64_t missed_ = 0;
    std::deque<packet::Buffer> incoming_;
    std::deque<packet::Buffer> outgoing_;
};

}  // namespace terminus::sim
