#pragma once

#include <cstdint>
#include <deque>

#include "base/rng.hpp"
#include "packet/batch.hpp"
#include "packet/port.hpp"
#include "wire/address.hpp"

namespace terminus::vdev {

/// A port in front of a device's: loses some of the frames that are sent and lets others be overtaken, drawn
/// from a seed. One at each end of a wire spoils both directions.
class LossyPort final : public packet::Port {
 public:
    struct Settings {
        std::uint32_t loss_permille = 10;
        std::uint32_t late_permille = 10;
        std::uint64_t seed = 1;
    };

    /// `inner` outlives it; `mac` is the station's address, whatever the device's own is.
    LossyPort(packet::Port& inner, wire::MacAddress mac, const Settings& settings);

    void receive(packet::Batch& into) override;
    void transmit(packet::Batch& frames) override;
    [[nodiscard]] bool link_is_up() const override { return inner_.link_is_up(); }

    [[nodiscard]] std::uint64_t sent() const { return sent_; }
    [[nodiscard]] std::uint64_t lost() const { return lost_; }
    [[nodiscard]] std::uint64_t delayed() const { return delayed_; }

 private:
    /// Frames that overtake a late one; and polls after which it goes in any case, when nothing follows it.
    static constexpr std::uint32_t kOvertakingMax = 8;
    static constexpr std::uint32_t kPollsMax = 64;

    struct Late {
        packet::Buffer frame;
        std::uint32_t frames_left;
        std::uint32_t polls_left;
    };

    void release_late();
    void pass_on();

    packet::Port& inner_;
    Settings settings_;
    base::Rng rng_;
    std::deque<Late> late_;
    packet::Batch ready_;  // decided on, waiting for the device
    std::uint64_t sent_ = 0;
    std::uint64_t lost_ = 0;
    std::uint64_t delayed_ = 0;
};

}  // namespace terminus::vdev
