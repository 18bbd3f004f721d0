#pragma once

#include <cstdint>
#include <map>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "packet/port.hpp"
#include "wire/address.hpp"

namespace terminus::test {

/// Two ports and what lies between them: a delay, and where asked for loss and reordering, drawn from a seed.
/// Frames are copied, as a real wire does.
class Cable {
 public:
    struct Settings {
        base::Duration delay = std::chrono::microseconds(100);
        base::Duration jitter{};  ///< added at random: frames overtake each other
        std::uint32_t loss_permille = 0;
        std::uint64_t seed = 1;
    };

    Cable(const Settings& settings, const wire::MacAddress& left, const wire::MacAddress& right);

    [[nodiscard]] packet::Port& left() { return left_; }
    [[nodiscard]] packet::Port& right() { return right_; }
    void set_now(base::Instant now) { now_ = now; }
    /// What is sent from now on is lost, both ways.
    void cut(bool is_cut) { is_cut_ = is_cut; }
    /// When the next frame comes out; base::kNever when none is under way.
    [[nodiscard]] base::Instant next_arrival() const;
    [[nodiscard]] std::uint64_t lost() const { return lost_; }

 private:
    class End final : public packet::Port {
     public:
        End(Cable& cable, const wire::MacAddress& mac);
        void receive(packet::Batch& into) override;
        void transmit(packet::Batch& frames) override;
        [[nodiscard]] bool link_is_up() const override { return true; }

        std::multimap<base::Instant, packet::Buffer> incoming;
        End* peer = nullptr;

     private:
        Cable& cable_;
    };

    Settings settings_;
    base::Rng rng_;
    base::Instant now_{};
    bool is_cut_ = false;
    std::uint64_t lost_ = 0;
    End left_;
    End right_;
};

}  // namespace terminus::test
